"""Rows of a seed, and the region in which codes are trusted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem
from scipy.stats import chi2

from bayesopt.dataset import Dataset
from bayesopt.fitter import distinct_rows, split_rows
from bayesopt.optimizer import Optimizer
from bayesopt.space import SearchSpace
from bayesopt.trusted_region import TrustedRegion
from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture
from molecules.chem.constraints import Constraints
from molecules.chem.domain import Domain
from molecules.codec import MoleculeCodec
from tests.bayesopt.toy_molecules import KNOWN, ToyModel, pool


def test_split_is_disjoint_and_complete(rng):
    split = split_rows(rng.random(1000), seed=3, points=None, best=10)
    assert len(split.test) == 100
    assert sorted([*split.train, *split.test]) == list(range(1000))


def test_thinned_split_is_of_the_best_and_some_others(rng):
    scores = rng.random(1000)
    thin = split_rows(scores, seed=3, points=200, best=50)
    assert (len(thin.train), len(thin.test)) == (180, 20)
    both = {*thin.train, *thin.test}
    assert len(both) == 200
    assert set(np.argsort(scores)[:50]) <= both
    local = split_rows(scores, seed=3, points=200, best=1000)
    assert {*local.train, *local.test} == set(np.argsort(scores)[:200])


def test_splits_of_two_seeds_differ(rng):
    scores = rng.random(1000)
    tests = [set(split_rows(scores, seed, None, 0).test) for seed in (0, 1)]
    assert len(tests[0] & tests[1]) < 50


def test_region_holds_all_but_the_given_share(rng):
    codes = rng.multivariate_normal([1, -2], [[2, 1.5], [1.5, 3]], 20_000)
    region = TrustedRegion(codes, outside=0.01)
    assert 1 - region.contains(codes).mean() == pytest.approx(0.01, abs=1e-3)
    # The Mahalanobis radius of a Gaussian is known.
    assert region.radius**2 == pytest.approx(chi2(2).ppf(0.99), rel=0.05)
    assert not region.contains(np.array([[1.0, 8.0]]))[0]


def test_samples_lie_inside_and_follow_the_codes(rng):
    codes = rng.multivariate_normal([1, -2], [[2, 1.5], [1.5, 3]], 20_000)
    region = TrustedRegion(codes)
    samples = region.sample(20_000, rng)
    assert region.contains(samples).all()
    assert samples.mean(axis=0) == pytest.approx(codes.mean(axis=0), abs=0.1)
    assert np.cov(samples.T) == pytest.approx(np.cov(codes.T), abs=0.15)


def test_the_prior_of_a_space_is_the_models_or_that_of_known_codes(rng):
    prior = GaussianMixture([[-1.0, 0.0], [1.0, 0.0]])
    network = SimpleNamespace(has_prior=True, prior=prior)
    model = SimpleNamespace(latent_dim=2, encode=None, decode=None, network=network)
    assert SearchSpace(model).prior(np.zeros((0, 2))) is prior
    codes = rng.multivariate_normal([1, -2], [[2, 1.5], [1.5, 3]], 20_000)
    plain = SimpleNamespace(latent_dim=2, encode=None, decode=None)
    found = SearchSpace(plain, region_codes=codes).prior(codes[:5])
    assert found.mean() == pytest.approx(codes.mean(axis=0))
    assert found.covariance() == pytest.approx(np.cov(codes.T))
    few = SearchSpace(plain).prior(codes[:2])  # nothing to learn from: N(0, I)
    assert few.mean() == pytest.approx(np.zeros(2), abs=0.05)


def test_a_model_of_molecules_brings_the_parts_of_its_space(rng):
    space = SearchSpace(MoleculeCodec(ToyModel()), constraints=Constraints(max_heavy_atoms=6))
    assert space.normalized(["OCC"]) == ["CCO"]
    with pytest.raises(UserError, match="'C1CC' is not a string that the model reads"):
        space.normalized(["C1CC"])
    assert space.feasible(["CCO", "C[SiH3]", "C" * 7]).tolist() == [True, False, False]
    assert space.features(["CCO"]).shape[1] > space.n_global_features > 0
    children = [s for s in space.recombine(["CCCCO", "CCCCN"] * 20, rng) if s is not None]
    assert children
    assert max(Chem.MolFromSmiles(s).GetNumHeavyAtoms() for s in children) <= 6
    assert space.novel
    assert pool()[0] in space.training_strings
    assert pool()[KNOWN] not in space.training_strings
    own = SearchSpace(
        MoleculeCodec(ToyModel()), features=lambda strings: np.zeros((len(strings), 1))
    )
    assert own.n_global_features is None


def test_a_model_with_a_domain_keeps_proposals_inside_it_unless_told_otherwise():
    model = ToyModel()
    model.domain = Domain.of(pool()[:KNOWN])
    space = SearchSpace(MoleculeCodec(model))
    outside = next(s for s in pool() if not model.domain.contains([s])[0])
    assert space.feasible([pool()[0], outside]).tolist() == [True, False]
    free = SearchSpace(MoleculeCodec(model), unconstrained=True)
    assert free.feasible([pool()[0], outside]).tolist() == [True, True]
    assert free.widened([outside]) is free
    wide = space.widened([outside])
    assert wide.feasible([pool()[0], outside]).all()
    assert not space.feasible([outside])[0]


def test_an_optimizer_widens_the_domain_by_its_data():
    model = ToyModel()
    model.domain = Domain.of(pool()[:KNOWN])
    outside = next(s for s in pool() if not model.domain.contains([s])[0])
    space = SearchSpace(MoleculeCodec(model))
    optimizer = Optimizer(space, Dataset([outside, pool()[0]], [1.0, 2.0]), maximize=True)
    assert optimizer.space.feasible([outside])[0]
    assert not space.feasible([outside])[0]
    assert Optimizer(space, maximize=True).space is space


def test_the_shortest_name_of_a_key_stands_for_it():
    assert distinct_rows(["x*1", "2", "x", "y", "x"], ["x", 2, "x", "y", "x"]).tolist() == [1, 2, 3]
