"""Trials of a search: what was proposed and told, as tables, and when to stop."""
