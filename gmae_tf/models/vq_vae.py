"""Autoencoder whose code is made of vectors from a small codebook, with a prior over choices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts


def build(
    parts: Parts,
    entries: int = 32,
    positions: int = 16,
    dims: int = 8,
    commitment: float = 0.25,
    units: int = 64,
) -> Autoencoder:
    """Sum of squared errors + ||sg(z) - e||^2 + commitment * ||z - sg(e)||^2, e nearest to z.

    Van den Oord et al. 2017; 32 entries and D = 128 are those to which Saseendran et al. 2021
    compare.  The encoder's output is cut into `positions` parts of `dims` numbers, so that any
    network will do, and D is their product whatever the options say.  The prior over choices is a
    masked perceptron instead of a PixelCNN, and learns beside the autoencoder, not after it.
    """
    method = Codebook(entries, positions, dims, commitment, units, parts.seed)
    networks = parts.networks(method.latent_dim, method.latent_dim)
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class Codebook(Method):
    """Parts of an encoder's output become the nearest entries; gradients pass as if they had not.

    The entries begin as parts of what the encoder makes of the first batch, where none is out of
    reach.  "prior" is in nats per code and moves nothing but the prior.
    """

    def __init__(
        self,
        entries: int,
        positions: int,
        dims: int,
        commitment: float = 0.25,
        units: int = 64,
        seed: int = 0,
    ) -> None:
        # Adam's steps do not depend on a scale: a small one lets the validation loss be of codes.
        weights = {"codebook": 1.0, "commitment": commitment, "prior": 0.01}
        super().__init__(positions * dims, weights)
        self.entries, self.positions, self.dims = entries, positions, dims
        self.seed = seed
        self.book = self.add_weight(
            shape=(entries, dims), initializer=keras.initializers.RandomNormal(), name="book"
        )
        self.prior = CausalPerceptron(positions, entries, units)

    def indices(self, encoded: Any) -> Any:
        """Nearest entry of each part, [N, positions * dims] -> [N, positions]."""
        parts = ops.reshape(encoded, (-1, self.positions, self.dims))
        book = ops.convert_to_tensor(self.book)
        half = 0.5 * ops.sum(ops.square(book), axis=1) - ops.matmul(parts, ops.transpose(book))
        return ops.argmin(half, axis=-1)

    def latent_mean(self, encoded: Any) -> Any:
        """The nearest entries, one behind the other [N, D]."""
        return self._entries(self.indices(encoded))

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """The same, with the gradient of the encoder's output (straight through)."""
        del training
        return encoded + ops.stop_gradient(self.latent_mean(encoded) - encoded)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Squared distances per example, and the cross-entropy of the choices."""
        indices = self.indices(batch.encoded)
        nearest = self._entries(indices)
        distance = lambda a, b: ops.mean(ops.sum(ops.square(a - b), axis=1))  # noqa: E731
        logits = self.prior(indices)
        nats = keras.losses.sparse_categorical_crossentropy(indices, logits, from_logits=True)
        return {
            "codebook": distance(ops.stop_gradient(batch.encoded), nearest),
            "commitment": distance(batch.encoded, ops.stop_gradient(nearest)),
            "prior": ops.mean(ops.sum(nats, axis=1)),
        }

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Choose position after position."""
        indices = np.zeros((n, self.positions), dtype=np.int32)
        for position in range(self.positions):
            logits = self.prior.predict(indices)[:, position]
            indices[:, position] = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
        return ops.convert_to_numpy(self.book)[indices].reshape(n, self.latent_dim)

    def start_epoch(self, network: Autoencoder, batches: Any, epoch: int) -> None:
        """Before the first, let the codebook be parts of codes."""
        if epoch:
            return
        rng = np.random.default_rng(self.seed)
        parts = ops.convert_to_numpy(network.encoder(batches[0][0])).reshape(-1, self.dims)
        chosen = parts[rng.choice(len(parts), self.entries, replace=len(parts) < self.entries)]
        self.book.assign(chosen + 1e-3 * rng.normal(size=chosen.shape))

    def _entries(self, indices: Any) -> Any:
        return ops.reshape(ops.take(self.book, indices, axis=0), (-1, self.latent_dim))


class CausalPerceptron(keras.layers.Layer):
    """Masked autoregressive perceptron: indices [N, P] -> logits [N, P, K] from earlier ones."""

    def __init__(self, positions: int, symbols: int, units: int) -> None:
        super().__init__(name="prior", dtype="float32")
        self.symbols = symbols
        self.layers_of: list[tuple[Any, Any, Any]] = []
        widths = (symbols, units, units, symbols)
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            scale = keras.initializers.RandomNormal(stddev=float((positions * inputs) ** -0.5))
            kernel = self.add_weight(
                shape=(positions, inputs, positions, outputs), initializer=scale, name=f"kernel_{i}"
            )
            bias = self.add_weight(
                shape=(positions, outputs), initializer="zeros", name=f"bias_{i}"
            )
            # The first layer looks at earlier positions, the others at these and their own.
            mask = np.triu(np.ones((positions, positions), dtype=np.float32), k=int(i == 0))
            self.layers_of.append((kernel, bias, mask[:, None, :, None]))
        self.built = True

    def call(self, indices: Any) -> Any:
        """Logits."""
        h = ops.one_hot(indices, self.symbols, dtype="float32")
        for i, (kernel, bias, mask) in enumerate(self.layers_of):
            h = ops.einsum("npa,paqb->nqb", ops.relu(h) if i else h, kernel * mask) + bias
        return h

    def predict(self, indices: NDArray[np.integer], at_once: int = 4096) -> NDArray[np.floating]:
        """The same in NumPy, some rows at a time."""
        parts = [indices[i : i + at_once] for i in range(0, max(1, len(indices)), at_once)]
        return np.concatenate([ops.convert_to_numpy(self(part)) for part in parts])
