"""The latent space of the shipped model as a source of expressions."""

from __future__ import annotations

import numpy as np

from bayesopt.regression.latent import LATENT, latent_source
from bayesopt.regression.population import Settings
from bayesopt.regression.search import Search
from experiments.space.scientific import LONGEST, draw
from grammar import GrammarAutoencoder
from grammar.expressions.constants import Data
from grammar.expressions.programs import VARIABLES, constant_places, parse, write

X = np.random.default_rng(0).uniform(0.5, 3, (40, 2))


def test_proposals_are_near_the_parents_and_of_the_columns_of_the_data() -> None:
    search = Search(Data.of(X, X[:, 0] * np.sin(X[:, 1])), settings=Settings(max_size=20))
    search.run(evaluations=1)
    parents = search.archive.parents(50, np.random.default_rng(0))
    found = latent_source(2)(parents, np.random.default_rng(0))
    assert len(found) > 20
    assert {one.source for one in found} == {LATENT}
    for one in found:
        assert parse(write(one.program)) == one.program
        assert not set(one.program) & set(VARIABLES[2:])
        assert len(one.constants) == len(constant_places(one.program))
    assert not {one.program for one in found} & {one.program for one in parents[:32]}


def test_a_search_counts_what_the_latent_space_gave() -> None:
    y = np.cos(X[:, 0]) / X[:, 1] + 0.1 * np.random.default_rng(1).normal(size=40)
    search = Search(Data.of(X, y), latent=latent_source(2))
    search.run(evaluations=1)
    search.run(evaluations=search.evaluations + 1_500)
    assert search.proposed[LATENT] > 20


def test_the_shipped_model_gives_new_expressions_back() -> None:
    model = GrammarAutoencoder.load("scientific")
    strings = draw(300, seed=99)
    assert max(len(parse(text)) for text in strings) <= LONGEST
    assert model.reconstructs(strings).mean() > 0.93
