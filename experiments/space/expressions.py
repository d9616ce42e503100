"""What the expression model of `experiments.space` learns from, and what tests it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.space.settings import GRAMMARS, Settings
from grammar.autoencoder.hashed_set import StringSet
from grammar.autoencoder.space import SHORT, SHORT_SEED
from grammar.autoencoder.training import split
from grammar.codec import RuleCodec
from grammar.expressions.evaluate import TARGET_X, fit_errors, target
from grammar.library import load_grammar
from grammar.sampling.uniform import official_expressions, sample_strings

RANDOM, TESTED, SHORTEST = 100_000, 2_000, 8
"""Random expressions of at most `SHORT` productions, at most, to train on and to test; all of at
most 8 productions are trained on."""


@dataclass(frozen=True)
class Expressions:
    """Rules of official expressions, of random short ones, and of all of the shortest ones.

    `held_out` is the tenth of the official ones that `grammar.train` would hold out, and `tested`
    are the short ones that `grammar.autoencoder.space.evaluate_space` tests; neither is in the
    groups.
    """

    codec: RuleCodec
    groups: tuple[NDArray[np.uint8], ...]
    held_out: NDArray[np.uint8]
    tested: NDArray[np.uint8]

    @classmethod
    def load(cls, settings: Settings) -> Expressions:
        """Without hidden ones; of n official expressions, at most n random ones of each kind."""
        n = settings.n
        name, length = GRAMMARS["expressions"]
        grammar = load_grammar(name).grammar
        codec = RuleCodec(grammar, length)
        official = _unknown(official_expressions()[:n], settings.hidden)
        kept, held_out = split(codec.encode(official), settings.seed)
        tested = sample_strings(grammar, TESTED, SHORT, seed=SHORT_SEED)
        some = sample_strings(grammar, min(RANDOM, len(official)), SHORT, seed=1)
        short = (some, sample_strings(grammar, None, SHORTEST, seed=3)[:n])
        hidden = {*tested, *(str(text) for text in codec.decode(held_out))}
        unknown = (_unknown(group, settings.hidden) for group in short)
        groups = [codec.encode([s for s in group if s not in hidden]) for group in unknown]
        return cls(codec, (kept, *groups), held_out, codec.encode(tested))

    @property
    def mixed(self) -> NDArray[np.uint8]:
        """5,000 strings in the proportions of a training, of which the prior is that of the whole.

        60 % are held-out official ones, 30 % tested short ones, 10 % of the shortest, which are all
        trained on.
        """
        rng = np.random.default_rng(0)
        parts = zip((self.held_out, self.tested, self.groups[2]), (3_000, 1_500, 500), strict=True)
        return np.concatenate([rules[rng.choice(len(rules), n)] for rules, n in parts])

    @property
    def strings(self) -> StringSet:
        """All that are trained on."""
        return StringSet.of(str(text) for group in self.groups for text in self.codec.decode(group))


def _unknown(strings: Iterable[str], hidden: float) -> list[str]:
    """Those that score more."""
    every = list(strings)
    scores = fit_errors(every, TARGET_X, target(TARGET_X))
    return [text for text, score in zip(every, scores, strict=True) if not score <= hidden]
