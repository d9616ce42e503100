"""Parsers: LALR(1) tables, a linear-time engine for SMILES, and chart parsing for any grammar."""
