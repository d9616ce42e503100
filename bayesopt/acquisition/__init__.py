"""Acquisition functions, batch strategies, and candidate generation."""
