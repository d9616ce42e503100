"""Arithmetic expressions: vectorised evaluation, target functions, training strings."""
