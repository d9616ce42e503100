"""Exact uniform sampling of derivations by counting; crossover and mutation of derivations."""
