"""Markov chains in a mixture: what they leave as it is, and what they converge to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal

from bayesopt.acquisition.chains import STEPS, walk
from gmae_tf.prior import GaussianMixture

MIXTURE = GaussianMixture(
    [[-3.0, 0.0], [3.0, 1.0], [0.0, 5.0]],
    [[[1.0, 0.6], [0.6, 1.0]], [[0.3, 0.0], [0.0, 2.0]], [[0.5, -0.2], [-0.2, 0.5]]],
    [0.5, 0.3, 0.2],
)


def names(codes):
    """A string for each code, so that the likelihood can read the code back."""
    return [f"{a},{b}" for a, b in codes]


def points(strings):
    return np.array([[float(x) for x in s.split(",")] for s in strings])


def run(start, log_likelihood, steps, seed=0, prior=MIXTURE, temperature=1.0):
    return walk(
        prior,
        start,
        decode=names,
        log_likelihood=log_likelihood,
        steps=steps,
        temperatures=np.full(len(start), temperature),
        rng=np.random.default_rng(seed),
    )


def flat(strings):
    return np.zeros(len(strings))


def test_a_flat_likelihood_leaves_the_prior_as_it_is():
    chains, mixing = run(MIXTURE.sample(4000, 1), flat, 5)
    nearest = MIXTURE.responsibilities(chains.codes).argmax(axis=1)
    shares = np.bincount(nearest, minlength=3) / len(nearest)
    assert shares == pytest.approx(MIXTURE.weights, abs=0.03)
    assert chains.codes.mean(axis=0) == pytest.approx(MIXTURE.mean(), abs=0.15)
    assert np.cov(chains.codes.T) == pytest.approx(MIXTURE.covariance(), abs=0.5)
    assert mixing.accepted.sum() == mixing.proposed.sum()  # nothing to refuse
    assert mixing.jumps_accepted == mixing.jumps > 0


def test_chains_from_one_place_come_to_the_prior():
    chains, _ = run(np.tile([[-3.0, 0.0]], (3000, 1)), flat, 60)
    assert (
        kstest(
            chains.codes[:, 0],
            lambda x: MIXTURE.marginal_cdf(np.column_stack([x, np.zeros_like(x)]))[:, 0],
        ).pvalue
        > 0.01
    )


def test_a_likelihood_turns_the_prior_into_the_posterior():
    """A Gaussian likelihood on N(0, I): the posterior is Gaussian in closed form."""
    prior, seen, noise = GaussianMixture.standard_normal(2), np.array([2.0, -1.0]), 0.5

    def log_likelihood(strings):
        return multivariate_normal.logpdf(points(strings), seen, noise * np.eye(2))

    chains, mixing = run(prior.sample(3000, 0), log_likelihood, 60, prior=prior)
    assert chains.codes.mean(axis=0) == pytest.approx(seen / (1 + noise), abs=0.05)
    expected = noise / (1 + noise) * np.eye(2)
    assert np.cov(chains.codes.T) == pytest.approx(expected, abs=0.04)
    rate = mixing.accepted / mixing.proposed
    assert rate[0] > rate[-1]  # long steps leave the likelihood's peak
    assert mixing.jumps == 0


def test_temperature_widens_the_likelihood():
    prior, noise = GaussianMixture.standard_normal(2), 0.25

    def log_likelihood(strings):
        return multivariate_normal.logpdf(points(strings), np.zeros(2), noise * np.eye(2))

    for temperature in (0.5, 4.0):
        chains, _ = run(
            prior.sample(3000, 0), log_likelihood, 40, prior=prior, temperature=temperature
        )
        wide = noise * temperature
        assert chains.codes.var() == pytest.approx(wide / (1 + wide), rel=0.1)


def test_what_is_impossible_is_never_entered():
    def right(strings):
        return np.where(points(strings)[:, 0] > 0, 0.0, -np.inf)

    start = MIXTURE.sample(500, 3)
    start = start[start[:, 0] > 0]
    chains, _ = run(start, right, 10)
    assert (chains.codes[:, 0] > 0).all()
    assert chains.strings == names(chains.codes)


def test_steps_that_change_the_string_are_drawn_more():
    """Strings of whole numbers: short steps stay at the same one."""

    def decode(codes):
        return names(np.rint(codes))

    _, mixing = walk(
        GaussianMixture.standard_normal(2),
        np.zeros((400, 2)),
        decode=decode,
        log_likelihood=flat,
        steps=8,
        temperatures=np.ones(400),
        rng=np.random.default_rng(0),
    )
    assert mixing.weights()[-1] > 2 * mixing.weights()[0]
    assert mixing.weights().sum() == pytest.approx(1.0)
    assert (mixing.moved <= mixing.proposed).all()
    assert mixing.proposed[-1] > mixing.proposed[0]
    assert len(mixing.proposed) == len(STEPS)
