"""Molecules as SMILES of a grammar: data, properties, valid decoding, training and sampling."""
