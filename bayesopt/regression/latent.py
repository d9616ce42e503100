"""The latent space of the shipped model `scientific` as a source of expressions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bayesopt.regression.archive import Candidate, Fitted
from bayesopt.regression.population import Source
from grammar.decoding import StackMask
from grammar.expressions.programs import MAX_VARIABLES, VARIABLES, constant_places

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.cfg.grammar import Grammar

LATENT = "latent"
MODEL = "scientific"
_STARTS = 32
"""Parents whose codes are varied in a batch."""
_NEIGHBOURS = 8
"""Decodes of each."""
_DEVIATIONS = (0.1, 0.3, 0.6)
"""Of the noise on codes."""


def latent_source(n_variables: int) -> Source:
    """Neighbours of parents in the latent space, and points between two of them.

    Expressions longer than the model knows have no code and are passed over.  Decoding is masked to
    the first `n_variables` variables.
    """
    model = _model()
    padding = model.grammar.padding

    def walk(n: int, steps: int) -> StackMask:
        return _OwnVariables(n_variables, model.grammar, n, steps)

    def propose(parents: Sequence[Fitted], rng: np.random.Generator) -> list[Candidate]:
        short = [one for one in parents if len(one.program) <= model.max_length][:_STARTS]
        if len(short) < 2:
            return []
        rules = np.full((len(short), model.max_length), padding, np.uint8)
        for row, one in zip(rules, short, strict=True):
            row[: len(one.program)] = np.frombuffer(one.program, np.uint8)
        codes = np.asarray(model.network.encode(rules), dtype=np.float64)
        many = np.repeat(codes, _NEIGHBOURS, axis=0)
        deviation = rng.choice(_DEVIATIONS, size=(len(many), 1))
        noisy = many + deviation * rng.normal(size=many.shape)
        share = rng.random((len(codes), 1))
        between = share * codes + (1 - share) * codes[rng.permutation(len(codes))]
        decoded = model.decode_rules(np.concatenate([noisy, between]), walk=walk)
        origins = [*np.repeat(np.arange(len(short)), _NEIGHBOURS).tolist(), *range(len(short))]
        known = {one.program for one in short}
        found: dict[bytes, Candidate] = {}
        for row, origin in zip(decoded, origins, strict=True):
            program = bytes(row[row != padding])
            if program not in known and program not in found:
                constants = _constants(program, short[origin].constants, rng)
                found[program] = Candidate(program, constants, LATENT)
        return list(found.values())

    return propose


class _OwnVariables(StackMask):
    """The mask of the grammar without variables that the data do not have."""

    def __init__(self, n_variables: int, grammar: Grammar, n: int, steps: int) -> None:
        super().__init__(grammar, n, steps)
        self._foreign = list(VARIABLES[n_variables:MAX_VARIABLES])

    def allowed(self) -> np.ndarray:
        """Rules that each derivation may take next, bool [n, R]."""
        found = super().allowed()
        found[:, self._foreign] = False
        return found


def _constants(
    program: bytes, near: Sequence[float], rng: np.random.Generator
) -> tuple[float, ...]:
    """Those of the expression it was decoded near, as far as there are any."""
    n = len(constant_places(program))
    return (*near[:n], *rng.normal(size=max(0, n - len(near))).tolist())


@cache
def _model() -> GrammarAutoencoder:
    from grammar.autoencoder.model import GrammarAutoencoder

    return GrammarAutoencoder.load(MODEL)
