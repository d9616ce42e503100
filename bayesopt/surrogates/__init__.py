"""Surrogate models: Gaussian processes on counts, codes and features, and linear trends."""
