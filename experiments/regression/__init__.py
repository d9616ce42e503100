"""Symbolic regression on standard targets with noise: ours, gplearn and pyoperon for equal time."""
