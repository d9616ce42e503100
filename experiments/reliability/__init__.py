"""Campaigns against faults: kills, fuzzed inputs, strange environments, soak."""
