"""Sequence networks over production rules, and the grammar autoencoder made of them."""
