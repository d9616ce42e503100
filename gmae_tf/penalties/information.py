"""Regularised information maximisation: mixture components that are invariant clusters of the data.

RIM (Krause et al. 2010) with the self-augmented training of IMSAT (Hu et al. 2017), on the
responsibilities of the components of a prior.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from gmae_tf.penalties.assignment import joint_log_prob
from gmae_tf.prior import GaussianMixture


def log_responsibilities(z: Any, prior: GaussianMixture, temperature: float = 1.0) -> Any:
    """log p(component | code)^(1 / temperature), normalised, [N, D] -> [N, K].

    Where components lie far apart, responsibilities are 0 or 1 and have no gradient; a temperature
    above 1 gives them one.
    """
    return ops.log_softmax(joint_log_prob(z, prior) / temperature, axis=1)


def symmetric_kl(log_p: Any, log_q: Any) -> Any:
    """Mean of KL(p || q) + KL(q || p) in nats, of log probabilities [N, K] each -> scalar.

    The first argument of each is held constant, so that each side learns from the other.
    """
    forward, backward = (
        ops.sum(ops.exp(target) * (target - other), axis=1)
        for target, other in (
            (ops.stop_gradient(log_p), log_q),
            (ops.stop_gradient(log_q), log_p),
        )
    )
    return ops.sum(forward + backward) / ops.cast(ops.shape(log_p)[0], log_p.dtype)


def component_entropies(log_p: Any) -> tuple[Any, Any]:
    """H(component | example) and H(component) of a batch in nats, [N, K] -> two scalars.

    The second minus the first is the mutual information of example and component.
    """
    n = ops.cast(ops.shape(log_p)[0], log_p.dtype)
    conditional = -ops.sum(ops.exp(log_p) * log_p) / n
    share = ops.sum(ops.exp(log_p), axis=0) / n
    return conditional, -ops.sum(share * ops.log(share + 1e-9))
