"""Comparisons of models of strings: arithmetic expressions and molecules."""
