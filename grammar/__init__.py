"""Strings of a context-free grammar as sequences of its rules: parse, store, decode, score."""
