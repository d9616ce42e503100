"""Data augmentation: random SMILES of molecules, as rules of a grammar (Bjerrum 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from grammar.cfg.grammar import Grammar
from grammar.codec import pad
from grammar.errors import ParseError
from grammar.parsing.parser import Parser


def random_spellings(
    smiles: Sequence[str],
    grammar: Grammar,
    length: int,
    n: int,
    seed: int = 0,
    kekulize: bool = True,
) -> NDArray[np.uint8]:
    """Rules [N, n, length] of n random SMILES of each molecule.

    One that the grammar cannot write in so many rules is replaced by the given SMILES.
    """
    parser = Parser(grammar)
    found: list[bytes] = []
    for row, text in enumerate(smiles):
        own = parser.parse(text)
        with rdBase.BlockLogs():
            mol = Chem.MolFromSmiles(text)
        if mol is None:
            found += [own] * n
            continue
        if kekulize:
            Chem.Kekulize(mol, clearAromaticFlags=True)
        seeds = np.random.default_rng([seed, row]).integers(1, 2**31 - 1, n)
        for one in seeds:
            written = Chem.MolToRandomSmilesVect(mol, 1, int(one), kekuleSmiles=kekulize)[0]
            try:
                rules = parser.parse(written)
            except ParseError:
                rules = own
            found.append(rules if len(rules) <= length else own)
    return pad(found, length, grammar).reshape(len(smiles), n, length)
