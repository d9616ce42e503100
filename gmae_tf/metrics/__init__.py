"""How good images, codes and clusters are: pure functions of arrays, and feature extractors."""
