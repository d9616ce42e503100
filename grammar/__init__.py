"""Strings of a context-free grammar as sequences of production rules: parse, store, decode, score."""
