"""A finished search as numbers, figures and an HTML page."""
