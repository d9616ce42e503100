"""The autoencoder as a Keras model, and the hooks by which the named models differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.penalties import Penalty, check_penalty, component_cross_entropy, weighted_sum
from gmae_tf.prior import GaussianMixture
from gmae_tf.serialization import Configured, of_config, to_config
from gmae_tf.utils.arrays import (
    check_codes,
    check_examples,
    check_int,
    check_kind,
    check_number,
    check_rng,
    check_rows,
)
from gmae_tf.utils.devices import device_count


@dataclass(frozen=True)
class Batch:
    """One step of training or validation, as `Method.loss_terms` sees it.

    network : the whole model.
    x : what was encoded [N, ...], or a tuple of parts of it.
    encoded : the encoder's output [N, E].
    drawn : what was decoded [N, D].
    reconstruction : the decoder's output, of the shape that the loss wants; a tuple like x.
    training : whether the weights will move.
    targets : what prediction heads should say of each example [N, K], None where there is nothing.
    """

    network: Autoencoder
    x: Any
    encoded: Any
    drawn: Any
    reconstruction: Any
    training: bool
    targets: Any = None


class Method(Configured, keras.layers.Layer):
    """Posterior, prior and loss terms of one kind of autoencoder, as a Keras layer.

    This base is the plain autoencoder: the encoder's output is the code, and it is what is decoded.
    A subclass overrides what it does differently; layers and weights that it holds are trained,
    saved and resumed with the networks.  A term moves whatever its value depends on: to keep one
    from moving some part, compute it from `ops.stop_gradient` of values, or of the part's weights
    with `gmae_tf.models.layers.frozen`.

    Attributes
    ----------
    term_weights : weight of each term in the loss, by name.
    lr_multipliers : factors of the learning rate, by the name of a layer that this method holds.
    keep_last : keep the last weights of a training, not those of the best validation loss, which
        says little where two sides of it play against each other.
    """

    keep_last = False

    def __init__(
        self,
        latent_dim: int,
        term_weights: Mapping[str, float] | None = None,
        lr_multipliers: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(name="method", dtype="float32")
        self.latent_dim = latent_dim
        self.term_weights = {name: float(weight) for name, weight in (term_weights or {}).items()}
        self.lr_multipliers = dict(lr_multipliers or {})
        self.built = True

    def latent_mean(self, encoded: Any) -> Any:
        """Mean of the posterior, the code of an example: [N, E] -> [N, D]."""
        return encoded

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """Sample of the posterior, which is decoded in training: [N, E] -> [N, D]."""
        del training
        return self.latent_mean(encoded)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Unweighted loss terms of a batch: a scalar for each name of `term_weights`."""
        del batch
        return {}

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating] | None:
        """Samples [n, D] of a learnt prior, or None if this method learns none."""
        del n, rng
        return None

    @property
    def learns_prior(self) -> bool:
        """Whether `sample_codes` samples a learnt prior."""
        return type(self).sample_codes is not Method.sample_codes

    def cluster_probs(self, encoded: Any) -> Any | None:
        """Cluster probabilities q(c|x), [N, E] -> [N, K], or None for a model without clusters."""
        del encoded
        return None

    def start_epoch(self, network: Autoencoder, batches: Any, epoch: int) -> None:
        """Called before epoch 0, 1, ... with the training batches; `batches[i][0]` are examples."""


@keras.saving.register_keras_serializable(package="gmae")
class Autoencoder(keras.Model):
    """Autoencoder with a regularised latent space: x -> z = encoder(x) -> decoder(z).

    loss = reconstruction_weight * reconstruction(x, decoder(z)) + sum_i weight_i * term_i(z)

    A `method` may put other steps between encoder and decoder, and other terms into the loss; see
    `gmae_tf.models` for what can be made so.

    An autoregressive decoder reads x beside the code: decoder([z, x]).  A batch may also be a tuple
    of arrays x of different lengths, see `LengthBatches`; the penalty sees all codes at once.
    Integers x [N, 2, T] are pairs of an input sequence and the sequence to reconstruct.

    Every term is logged under its own name, unweighted, in training and in evaluation.

    Parameters
    ----------
    encoder, decoder : Keras models, x -> z [N, D] and z [N, D] -> reconstruction.
    reconstruction : callable (x, decoder output) -> scalar; see `gmae_tf.losses`.  Its
        `exact_match`, if it has one, is logged as well.
    penalty : see `gmae_tf.penalties`; none gives a plain autoencoder.
    prior : what `sample` draws from; the penalty's prior when left out.
    assignment_weight : if positive, batches are pairs (x, y), y [N] the component of the prior at
        which each code should lie (-1 for any); see `gmae_tf.penalties.component_cross_entropy`.
    method : posterior, learnt prior and further loss terms of a named model; see `Method`.

    >>> import keras, numpy as np
    >>> from gmae_tf import Autoencoder, GaussianMixture, GaussianMixturePenalty
    >>> from gmae_tf.losses import MeanSquaredError
    >>> def dense(inputs, outputs):
    ...     return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])
    >>> penalty = GaussianMixturePenalty(GaussianMixture.one_hot(2, 2))
    >>> model = Autoencoder(dense(6, 2), dense(2, 6), MeanSquaredError(), 100.0, penalty)
    >>> model.compile("adam", jit_compile=False)
    >>> x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    >>> history = model.fit(x, batch_size=32, epochs=1, verbose=0).history
    >>> sorted(history)
    ['covariance', 'ks', 'loss', 'reconstruction']
    >>> model.encode(x).shape, model.sample(3, np.random.default_rng(0)).shape
    ((64, 2), (3, 6))
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        reconstruction: Any,
        reconstruction_weight: float = 1.0,
        penalty: Penalty | None = None,
        prior: GaussianMixture | None = None,
        assignment_weight: float = 0.0,
        method: Method | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_kind(encoder, keras.Layer, "encoder")
        check_kind(decoder, keras.Layer, "decoder")
        if not callable(reconstruction):
            raise UserError(
                f"reconstruction is {reconstruction!r:.80}: give a function (x, output)"
            )
        if penalty is not None:
            check_penalty(penalty)
        check_kind(prior, GaussianMixture | None, "prior")
        check_kind(method, Method | None, "method")
        self.encoder = encoder
        self.decoder = decoder
        self.reconstruction = reconstruction
        self.reconstruction_weight = check_number(reconstruction_weight, "reconstruction_weight", 0)
        self.penalty = penalty
        self.prior = prior if prior is not None else getattr(penalty, "prior", None)
        if check_number(assignment_weight, "assignment_weight", 0) and self.prior is None:
            raise UserError("codes can only be assigned to the components of a prior: give one")
        self.assignment_weight = assignment_weight
        self.method = method
        self.recipe: Any = None  # the `gmae_tf.models.config.Recipe` of a model by name
        # Held here as well because Keras only tracks random state that a layer owns.
        self.seed_generator = getattr(penalty, "seed_generator", None)
        names = ["reconstruction", *(penalty.weights if penalty else ())]
        names += method.term_weights if method else ()
        if hasattr(reconstruction, "exact_match"):
            names.append("exact_match")
        if assignment_weight:
            names.append("assignment")
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    def use_method(self, method: Method | None) -> None:
        """Replace the method of a model that has not been trained."""
        self.method = method
        for name in method.term_weights if method else ():
            if name not in self._trackers:
                self._trackers[name] = keras.metrics.Mean(name=name)

    @property
    def latent_dim(self) -> int:
        """D, the width of a code."""
        return self.method.latent_dim if self.method else int(self.encoder.output_shape[-1])

    def call(self, x: Any, training: bool | None = None) -> dict[str, Any]:
        """Codes and their reconstruction."""
        parts = x if isinstance(x, tuple) else (x,)
        encoded = [self.encoder(_source(part), training=training) for part in parts]
        drawn = encoded
        if self.method:
            drawn = [self.method.sample_latent(one, bool(training)) for one in encoded]
        outputs = tuple(
            self.decoder([z, _target(part)] if self.autoregressive else z, training=training)
            for z, part in zip(drawn, parts, strict=True)
        )
        latent = self.method.latent_mean(_joined(encoded)) if self.method else _joined(encoded)
        return {
            "latent": latent,
            "encoded": _joined(encoded),
            "drawn": _joined(drawn),
            "reconstruction": outputs if isinstance(x, tuple) else outputs[0],
        }

    @property
    def autoregressive(self) -> bool:
        """Whether the decoder reads the sequence that it writes."""
        return getattr(self.decoder, "autoregressive", False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Weighted sum of the reconstruction and the penalty; updates one tracker per term."""
        del sample_weight
        output = y_pred["reconstruction"]
        terms = {"reconstruction": _mean_over(self.reconstruction, x, output)}
        loss = self.reconstruction_weight * terms["reconstruction"]
        if self.penalty:
            penalties = self.penalty(ops.cast(y_pred["latent"], "float32"))
            loss += weighted_sum(self.penalty, penalties)
            terms.update(penalties)
        if self.method:
            targets = None if self.assignment_weight else y
            seen = Batch(self, x, y_pred["encoded"], y_pred["drawn"], output, training, targets)
            found = self.method.loss_terms(seen)
            loss += sum(self.method.term_weights[name] * term for name, term in found.items())
            terms.update(found)
        if self.assignment_weight:
            assert self.prior is not None  # only its components can be assigned
            codes = ops.cast(y_pred["latent"], "float32")
            terms["assignment"] = component_cross_entropy(codes, y, self.prior)
            loss += self.assignment_weight * terms["assignment"]
        if "exact_match" in self._trackers:
            terms["exact_match"] = _mean_over(self.reconstruction.exact_match, x, output)
        for name, value in terms.items():
            self._trackers[name].update_state(value)
        return loss

    def encode(self, x: Any, batch_size: int = 1024) -> NDArray[np.float32]:
        """Codes [N, D] of data, with the network in evaluation mode."""
        encoded = _predict(self.encoder, x, batch_size)
        if self.method is None:
            return encoded
        return _in_parts(self.method.latent_mean, encoded, batch_size)

    def cluster_probs(self, x: Any, batch_size: int = 1024) -> NDArray[np.floating] | None:
        """Cluster probabilities [N, K] of data, None if the model has no clusters.

        Of a mixture prior they are the responsibilities of its components for the codes.
        """
        if self.method is not None:
            encoded = _predict(self.encoder, x, batch_size)
            if self.method.cluster_probs(ops.convert_to_tensor(encoded[:1])) is not None:
                return _in_parts(self.method.cluster_probs, encoded, batch_size)
        if self.prior is None or self.prior.n_components == 1:
            return None
        return self.prior.responsibilities(self.encode(x, batch_size))

    def decode(self, z: Any, batch_size: int = 1024) -> NDArray[np.float32]:
        """Decoder outputs for codes [N, D]: pixels, or logits [N, T, R]."""
        return _predict(self.decoder, check_codes(z, self.latent_dim), batch_size)

    def reconstruct(self, x: Any, batch_size: int = 1024) -> NDArray[np.float32]:
        """`decode(encode(x))`."""
        return self.decode(self.encode(x, batch_size), batch_size)

    @property
    def has_prior(self) -> bool:
        """Whether there is something to sample codes from without a density fitted to codes."""
        if self.method is not None and self.method.learns_prior:
            return True
        return self.prior is not None

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """n codes [n, D] of the prior.  `UserError` if there is none, or n is no count."""
        n, rng = check_int(n, "n"), check_rng(rng)
        if self.method is not None and (codes := self.method.sample_codes(n, rng)) is not None:
            return codes
        if self.prior is None:
            raise UserError(
                "this autoencoder has no prior to sample from: fit a density to its codes with "
                "gmae_tf.LatentDensity, or give it a prior"
            )
        return self.prior.sample(n, rng)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Decoder outputs for n samples of the prior.  `UserError` if there is no prior."""
        return self.decode(self.sample_codes(n, rng))

    def interpolate(self, start: Any, end: Any, steps: int) -> NDArray[np.float32]:
        """Decoder outputs on the straight lines between codes [N, D]: [N, steps, ...].

        Straight, not spherical: a mixture has no centre about which to turn.
        """
        a, b = (check_rows(codes, self.latent_dim)[:, None, :] for codes in (start, end))
        if len(a) != len(b):
            raise UserError(f"{len(a)} codes cannot be paired with {len(b)}: give as many")
        share = np.linspace(0.0, 1.0, check_int(steps, "steps", 1))[None, :, None]
        codes = ((1 - share) * a + share * b).reshape(-1, a.shape[-1])
        decoded = self.decode(codes)
        return decoded.reshape(len(a), steps, *decoded.shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Networks, loss, penalty and prior."""
        names = ["encoder", "decoder", "reconstruction", "reconstruction_weight", "penalty"]
        names += ["prior", "assignment_weight", "method"]
        return {"name": self.name, **{name: to_config(getattr(self, name)) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Autoencoder:
        """Inverse of `get_config`."""
        return cls(**{name: of_config(name, value) for name, value in config.items()})


def _mean_over(measure: Any, x: Any, output: Any) -> Any:
    """A mean over the batch; the parts of a tuple are equally large."""
    if not isinstance(x, tuple):
        return measure(_target(x), output)
    values = [measure(_target(part), found) for part, found in zip(x, output, strict=True)]
    return sum(values) / len(values)


def _source(x: Any) -> Any:
    """What is encoded: x, or of pairs of sequences [N, 2, T] the first."""
    return x[:, 0] if _paired(x) else x


def _target(x: Any) -> Any:
    """What is to be reconstructed: x, or of pairs of sequences [N, 2, T] the second."""
    return x[:, 1] if _paired(x) else x


def _paired(x: Any) -> bool:
    """Sequences are integers, images are not."""
    return len(x.shape) == 3 and keras.backend.is_int_dtype(x.dtype)


def _joined(parts: Any) -> Any:
    return parts[0] if len(parts) == 1 else ops.concatenate(parts)


def _in_parts(function: Any, rows: NDArray[Any], batch_size: int) -> NDArray[np.float32]:
    """An ops function of arrays [N, E], a batch at a time."""
    parts = [
        ops.convert_to_numpy(function(ops.convert_to_tensor(rows[i : i + batch_size])))
        for i in range(0, len(rows), batch_size)
    ]
    if not parts:
        return np.zeros((0, *function(ops.zeros((1, rows.shape[1]))).shape[1:]), np.float32)
    return np.concatenate(parts)


def _predict(network: keras.Model, x: Any, batch_size: int) -> NDArray[np.float32]:
    if isinstance(wanted := getattr(network, "input_shape", None), tuple):  # not several inputs
        x = check_examples(x, wanted[1:])
    if len(x) == 0:  # Keras predicts nothing only from something
        return np.zeros((0, *network.output_shape[1:]), dtype=np.float32)
    devices = device_count()
    if devices == 1 and len(x) <= batch_size and isinstance(x, np.ndarray):
        # `predict` makes a pipeline of data first, which takes longer than a few examples.
        dtype = keras.config.floatx() if x.dtype.kind == "f" else None
        return network.predict_on_batch(ops.convert_to_tensor(x, dtype))
    n, missing = len(x), -len(x) % devices  # each device gets as many rows
    x = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) if missing else x
    batch_size = devices * -(-batch_size // devices)
    return network.predict(x, batch_size=batch_size, verbose=0)[:n]
