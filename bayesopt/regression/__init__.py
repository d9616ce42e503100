"""Symbolic regression: a search for formulas that fit a table, and its estimator and command."""
