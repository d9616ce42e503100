"""Exhaustive scores of all short expressions, the yardstick of a search."""
