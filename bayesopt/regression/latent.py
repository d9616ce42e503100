"""The latent space of the shipped model `scientific` as a source of expressions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bayesopt.regression.archive import Candidate, Fitted
from bayesopt.regression.population import Source
from grammar.expressions.programs import MAX_VARIABLES, VARIABLES, constant_places

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder

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

    Expressions longer than the model knows have no code and are passed over; decodes with other
    variables than the first `n_variables` are dropped.
    """
    model = _model()
    foreign = frozenset(VARIABLES[n_variables:MAX_VARIABLES])
    padding = model.grammar.padding

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
        decoded = model.decode_rules(np.concatenate([noisy, between]))
        programs = {bytes(row[row != padding]) for row in decoded}
        known = {one.program for one in short}
        return [
            Candidate(program, _constants(program, rng), LATENT)
            for program in sorted(programs - known)
            if foreign.isdisjoint(program)
        ]

    return propose


def _constants(program: bytes, rng: np.random.Generator) -> tuple[float, ...]:
    return tuple(rng.normal(size=len(constant_places(program))).tolist())


@cache
def _model() -> GrammarAutoencoder:
    from grammar.autoencoder.model import GrammarAutoencoder

    return GrammarAutoencoder.load(MODEL)
