"""Valence-aware constrained decoding: every derivation of a SMILES grammar becomes a molecule."""
