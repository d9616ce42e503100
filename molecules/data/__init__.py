"""Molecules from files and published sets: reading, cleaning, and the library that a search knows."""
