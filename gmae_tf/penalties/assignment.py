"""Cross-entropy of component labels: codes at the components they are assigned to."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from gmae_tf.prior import GaussianMixture


def component_cross_entropy(z: Any, components: Any, prior: GaussianMixture) -> Any:
    """Cross-entropy of component labels under the mixture posterior, nats; -1 is ignored.

    Mean of -log p(component | code) over the batch: [N, D], [N] integers -> scalar.  A code of
    label -1 counts as zero.
    """
    joint = joint_log_prob(z, prior)
    log_share = joint - ops.logsumexp(joint, axis=1, keepdims=True)
    # No row of the identity for -1: such codes have no gradient.
    labels = ops.one_hot(ops.cast(components, "int32"), prior.n_components, dtype=z.dtype)
    return -ops.sum(labels * log_share) / ops.cast(ops.shape(z)[0], z.dtype)


def joint_log_prob(z: Any, prior: GaussianMixture) -> Any:
    """log(pi_k N(z; mu_k, C_k)) but for a constant, [N, D] -> [N, K]."""
    whiten = np.linalg.inv(np.linalg.cholesky(prior.covariances))
    # Whitening is linear: centres are moved once, and codes times all components in one product.
    centres = np.einsum("kij,kj->ki", whiten, prior.means)
    log_scale = np.log(np.diagonal(whiten, axis1=1, axis2=2)).sum(axis=1)
    constant = ops.convert_to_tensor(np.log(prior.weights) + log_scale, dtype=z.dtype)
    whitened = ops.einsum("kij,nj->nki", ops.convert_to_tensor(whiten, dtype=z.dtype), z)
    offset = whitened - ops.convert_to_tensor(centres, dtype=z.dtype)
    return constant - 0.5 * ops.sum(ops.square(offset), axis=2)
