"""The papers' own studies of autoencoders, each a command: `python -m experiments.papers.NAME`.

A module has `NAMEConfig`, a function of its name that trains and measures, and `table(results)`.
"""
