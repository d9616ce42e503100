"""Slow and obvious versions of what the packages compute fast, to compare with."""
