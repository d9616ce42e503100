"""The only place that calls `model.fit`: seeded batches, best weights, exact resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import keras
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.training.batches import SeededBatches
from gmae_tf.training.callbacks import (
    BestWeights,
    Checkpoint,
    CosineDecay,
    EpochProgress,
    EpochStart,
    ScalarLog,
)
from gmae_tf.utils.devices import device_count


def fit(
    model: Autoencoder,
    train: NDArray[Any],
    validation: NDArray[Any],
    run_dir: Path | None = None,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float = 1e-3,
    beta_1: float = 0.9,
    plateau_factor: float = 0.2,
    patience: int = 3,
    min_learning_rate: float = 2e-5,
    schedule: Literal["plateau", "cosine"] = "plateau",
    xla: bool | None = None,
    seed: int = 0,
    make_batches: Callable[[NDArray[Any], int, int], SeededBatches] = SeededBatches,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
    verbose: bool = True,
) -> list[dict[str, float]]:
    """Train, and leave the weights of the least validation loss in the model.

    A model with a method may ask for the last weights instead (`Method.keep_last`).

    With a `run_dir` every epoch is kept there, with event files for TensorBoard.  Called again with
    the same `run_dir` it continues after the last complete epoch, with the weights, optimiser,
    learning rate, plateau counters, random states and batch order that an uninterrupted run would
    have.  Without one, nothing is written.

    Parameters
    ----------
    train, validation : what `make_batches` takes: arrays [M, ...], or pairs of them.
    beta_1 : of Adam.
    schedule : the learning rate falls when the validation loss stalls, or along half a cosine over
        all epochs.
    xla : compile the training step (None: Keras decides; JAX always does, for what it does not
        compile whole it compiles and runs operation by operation).
    make_batches : called with data, batch size and seed.
    verbose : show a bar, and a line for each epoch.

    Returns the logs of all epochs.

    Raises
    ------
    UserError: the loss becomes not a number (the last good epoch is kept), or a batch cannot be
        shared out over the devices.
    """
    if batch_size % (devices := device_count()):
        raise UserError(f"a batch of {batch_size} is not shared out evenly over {devices} devices")
    jit = "auto" if xla is None or keras.backend.backend() == "jax" else xla
    model.compile(optimizer=_optimizer(model, learning_rate, beta_1), jit_compile=jit)
    # TensorFlow traces a step twice that makes variables when it is traced first.
    model.optimizer.build(model.trainable_variables)
    batches = make_batches(train, batch_size, seed)
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss",
        factor=plateau_factor,
        patience=patience if schedule == "plateau" else epochs + 1,  # never
        min_lr=min_learning_rate,
    )
    if schedule == "cosine":
        cosine = CosineDecay(learning_rate, min_learning_rate, epochs, len(batches))
        callbacks = (cosine, *callbacks)
    keeper, done = BestWeights(), 0
    if run_dir is not None:
        keeper = checkpoint = Checkpoint(run_dir, plateau)
        done = checkpoint.restore(model)
        callbacks = (ScalarLog(run_dir / "tensorboard"), *callbacks)
    if verbose:
        callbacks = (EpochProgress(done, epochs, len(batches)), *callbacks)
    if done < epochs:
        model.fit(
            batches.feed(),
            validation_data=make_batches(validation, batch_size, seed).feed(),
            shuffle=False,  # Keras would shuffle the batches again, by Python's global seed
            initial_epoch=done,
            epochs=epochs,
            verbose=0,
            callbacks=[plateau, EpochStart(batches), keeper, *callbacks],
        )
    if model.method is None or not model.method.keep_last:
        keeper.load_best(model)
    return keeper.history


@keras.saving.register_keras_serializable(package="gmae")
class RatedAdam(keras.optimizers.Adam):
    """Adam with factors of the learning rate, by a part of the paths of variables."""

    def __init__(self, rates: Mapping[str, float], *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.rates = dict(rates)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """As Adam's, at the variable's own rate."""
        # On TensorFlow this is called with its own variables, which have no path.
        names = self._trainable_variables[self._get_variable_index(variable)].path.split("/")
        factor = next((rate for name, rate in self.rates.items() if name in names), 1.0)
        super().update_step(gradient, variable, factor * learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Adam's and the factors."""
        return {**super().get_config(), "rates": self.rates}


def _optimizer(model: Autoencoder, learning_rate: float, beta_1: float) -> keras.Optimizer:
    if model.method is None or not model.method.lr_multipliers:
        return keras.optimizers.Adam(learning_rate, beta_1)
    return RatedAdam(model.method.lr_multipliers, learning_rate, beta_1)
