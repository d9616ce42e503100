"""Molecules of files and published sets: reading, cleaning, and the library a search knows."""
