"""Objectives as a user would write them."""

from __future__ import annotations


def longest_chain(smiles: str) -> float:
    """Number of carbon letters, but bromine cannot be scored."""
    if "Br" in smiles:
        raise ValueError("no bromine")
    return float(smiles.upper().count("C"))


def broken(smiles: str) -> float:
    """Never gives a number."""
    raise RuntimeError("it is broken")


def even(string: str) -> float:
    """The length of a string of even length only."""
    if len(string) % 2:
        raise ValueError("odd")
    return float(len(string))
