"""Markov chains in a latent space: codes z with density prior(z) x likelihood(decode(z)).

The prior is a Gaussian mixture, and a state of a chain is a code and a component.  Three moves
leave their joint prior as it is, so that the likelihood alone decides what is accepted:

- the component is drawn anew, given the code (Gibbs);
- a preconditioned Crank-Nicolson step within the component, z' = m + sqrt(1 - b^2) (z - m) + b L e
  with covariance L L' (Cotter et al. 2013);
- a jump to another component, drawn by weight, at the same place relative to mean and covariance.

Chains of this kind with a Gaussian process as likelihood: Moss et al. 2025 (COWBOYS).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gmae_tf.prior import GaussianMixture

Array = NDArray[np.float64]
STEPS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Lengths b of Crank-Nicolson steps; what they change in a string depends on the model, so chains
draw them in proportion to how often each has led to another string so far."""
JUMPS = 0.1
"""Share of proposals that are jumps, where there are several components."""


@dataclass
class Mixing:
    """What chains did: proposals by step length, those that decode to another string, those taken.

    `proposed`, `moved`, `accepted` : [len(STEPS)] counts; `jumps`, `jumps_accepted`: of jumps.
    """

    proposed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(STEPS), np.int64))
    moved: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(STEPS), np.int64))
    accepted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(STEPS), np.int64))
    jumps: int = 0
    jumps_accepted: int = 0

    def weights(self) -> Array:
        """Probabilities of the step lengths, [len(STEPS)]: accepted moves to other strings."""
        rate = (self.accepted + 1) / (self.proposed + 2)
        return rate / rate.sum()


@dataclass
class Chains:
    """n chains: their codes [n, D], components [n], strings and log likelihoods [n]."""

    codes: Array
    components: NDArray[np.int64]
    strings: list[str | None]
    values: Array


def walk(
    prior: GaussianMixture,
    start: Array,
    *,
    decode: Callable[[Array], Sequence[str | None]],
    log_likelihood: Callable[[Sequence[str | None]], Array],
    steps: int,
    temperatures: Array,
    rng: np.random.Generator,
) -> tuple[Chains, Mixing]:
    """Run chains from codes [n, D] for so many steps, all at once.

    Parameters
    ----------
    decode : codes [n, D] -> strings, None where there is none.
    log_likelihood : strings [n] -> [n], -inf for what is not wanted.
    temperatures : [n], which divide the log likelihoods.
    """
    roots = np.linalg.cholesky(prior.covariances)
    inverse = np.linalg.inv(roots)
    strings = list(decode(start))
    chains = Chains(start.copy(), np.zeros(len(start), np.int64), strings, log_likelihood(strings))
    mixing = Mixing()
    for _ in range(steps):
        chains.components = _draw_rows(prior.responsibilities(chains.codes), rng)
        k = chains.components
        white = np.einsum("nij,nj->ni", inverse[k], chains.codes - prior.means[k])
        length = rng.choice(len(STEPS), size=len(k), p=mixing.weights())
        b = np.array(STEPS)[length][:, None]
        jump = (rng.random(len(k)) < JUMPS) & (prior.n_components > 1)
        moved = np.sqrt(1 - b**2) * white + b * rng.standard_normal(white.shape)
        to = np.where(jump, rng.choice(prior.n_components, size=len(k), p=prior.weights), k)
        codes = np.where(jump[:, None], white, moved)
        codes = prior.means[to] + np.einsum("nij,nj->ni", roots[to], codes)
        strings = list(decode(codes))
        values = log_likelihood(strings)
        with np.errstate(invalid="ignore"):
            gain = (values - chains.values) / temperatures
        gain = np.where(np.isnan(gain), 0.0, gain)  # both -inf: nothing is known to prefer
        taken = np.log(rng.random(len(k))) < gain
        other = np.array([a != b for a, b in zip(strings, chains.strings, strict=True)])
        np.add.at(mixing.proposed, length[~jump], 1)
        np.add.at(mixing.moved, length[~jump & other], 1)
        np.add.at(mixing.accepted, length[~jump & other & taken], 1)
        mixing.jumps += int(jump.sum())
        mixing.jumps_accepted += int((jump & taken).sum())
        chains.codes[taken], chains.components[taken] = codes[taken], to[taken]
        chains.values[taken] = values[taken]
        pairs = zip(taken, strings, chains.strings, strict=True)
        chains.strings = [new if t else old for t, new, old in pairs]
    return chains, mixing


def _draw_rows(probabilities: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """One column of each row [n, K], by its probability."""
    return (probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))).sum(axis=1)
