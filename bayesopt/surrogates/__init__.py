"""Surrogate models: sparse, nearest-neighbour and deep-kernel Gaussian processes, linear trends."""
