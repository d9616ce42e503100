"""The only place that calls `model.fit`: callbacks, checkpoints, exact resume."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import keras
from keras import ops
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.training.batches import SeededBatches
from gmae_tf.utils.run_dir import atomic_path, write_atomic

BEST = "best.weights.h5"


def fit(
    model: Autoencoder,
    train: NDArray[Any],
    validation: NDArray[Any],
    run_dir: Path,
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
    """Train, and leave the best weights by validation loss in the model and in `run_dir`.

    A model with a method may ask for the last weights instead (`Method.keep_last`).

    Called again with the same `run_dir` it continues after the last complete epoch, with the
    weights, optimiser, learning rate, plateau counters, random states and batch order that an
    uninterrupted run would have.  `xla` compiles the training step (None: Keras decides);
    `beta_1` is Adam's; `schedule` lets the learning rate fall when the validation loss stalls, or
    along a half cosine over all epochs; `make_batches` is called with data, batch size and seed.
    `verbose` prints a line for each epoch.
    Returns the logs of all epochs.  Raises `UserError` when the loss becomes not a number; the
    last good epoch is kept.
    """
    jit = "auto" if xla is None else xla
    model.compile(optimizer=_optimizer(model, learning_rate, beta_1), jit_compile=jit)
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
    checkpoint = Checkpoint(run_dir, batches, plateau)
    done = checkpoint.restore(model)
    if done < epochs:
        model.fit(
            batches.feed(),
            validation_data=make_batches(validation, batch_size, seed).feed(),
            shuffle=False,  # Keras would shuffle the batches again, by Python's global seed
            initial_epoch=done,
            epochs=epochs,
            verbose=0,
            callbacks=[
                plateau,
                checkpoint,
                StartOfEpoch(batches),
                keras.callbacks.TensorBoard(run_dir / "tensorboard"),
                *([EpochProgress(done, epochs, len(batches))] if verbose else []),
                *callbacks,
            ],
        )
    if model.method is None or not model.method.keep_last:
        load_weights(model, run_dir / BEST)
    return checkpoint.history


class Checkpoint(keras.callbacks.Callback):
    """After each epoch: weights and optimiser, best weights, and a JSON file that names them.

    The JSON file is replaced last and atomically, so a process killed at any moment leaves the
    previous epoch whole.
    """

    def __init__(
        self, folder: Path, batches: SeededBatches, plateau: keras.callbacks.ReduceLROnPlateau
    ) -> None:
        super().__init__()
        self.folder = folder
        self.batches = batches
        self.plateau = plateau
        self.history: list[dict[str, float]] = []
        self._restored: dict[str, float] = {}

    @property
    def _state_file(self) -> Path:
        return self.folder / "state.json"

    def restore(self, model: keras.Model) -> int:
        """Load the last complete epoch, if any; returns how many epochs are done."""
        if not self._state_file.exists():
            return 0
        try:
            state = json.loads(self._state_file.read_text())
            weights = self.folder / state["weights"]
            self.history, self._restored = list(state["history"]), dict(state["plateau"])
            random = state.get("random", {})
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self._state_file} is damaged ({error}): delete the folder to start again"
            ) from error
        model.optimizer.build(model.trainable_variables)
        load_weights(model, weights)
        for name, variable in _random_states(model).items():
            variable.assign(random.get(name, variable))
        return len(self.history)

    def on_train_begin(self, logs: Any = None) -> None:
        """Give the plateau its counters back (Keras resets them when training begins)."""
        for name, value in self._restored.items():
            setattr(self.plateau, name, value)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Give the batches the order of this epoch."""
        self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, unless the loss is not a number."""
        row = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(row["loss"]):
            raise UserError(
                f"the loss became {row['loss']} in epoch {epoch + 1}: lower the learning rate or "
                f"the weights of the loss; the last good epoch is kept in {self.folder}"
            )
        best = min((past["val_loss"] for past in self.history), default=math.inf)
        self.history.append(row)
        if row["val_loss"] < best:
            _save_weights(self.model, self.folder / BEST)
        name = f"epoch-{epoch + 1:04d}.weights.h5"
        _save_weights(self.model, self.folder / name)
        counters = {a: getattr(self.plateau, a) for a in ("best", "wait", "cooldown_counter")}
        state = {
            "weights": name,
            "history": self.history,
            "plateau": {a: float(v) for a, v in counters.items() if math.isfinite(v)},
            "random": {
                name: ops.convert_to_numpy(variable).tolist()
                for name, variable in _random_states(self.model).items()
            },
        }
        write_atomic(self._state_file, json.dumps(state))
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old.name != name:
                old.unlink()


class StartOfEpoch(keras.callbacks.Callback):
    """Tell the model's method that an epoch begins."""

    def __init__(self, batches: SeededBatches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """With the training data, of which it may look at some."""
        if self.model.method is not None:
            self.model.method.start_epoch(self.model, self.batches, epoch)


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


class CosineDecay(keras.callbacks.Callback):
    """Learning rate by the number of the step alone, so that a resumed training has the same."""

    def __init__(self, start: float, end: float, epochs: int, steps: int) -> None:
        super().__init__()
        self.start, self.end, self.steps, self.total = start, end, steps, epochs * steps
        self.done = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count from the first epoch of all."""
        self.done = epoch * self.steps

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Half a cosine from start to end."""
        share = min(1.0, (self.done + batch) / max(1, self.total))
        rate = self.end + (self.start - self.end) * 0.5 * (1 + math.cos(math.pi * share))
        self.model.optimizer.learning_rate = rate


class EpochProgress(keras.callbacks.Callback):
    """A bar for the running epoch and one line for each finished one."""

    def __init__(self, done: int, epochs: int, steps: int) -> None:
        super().__init__()
        self.epochs = epochs
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.progress = Progress(*columns, TimeRemainingColumn(), transient=True)
        self.task = self.progress.add_task("training", total=epochs * steps, completed=done * steps)

    def on_train_begin(self, logs: Any = None) -> None:
        """Show the bar."""
        self.progress.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """One step further."""
        self.progress.advance(self.task)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Print the epoch's numbers."""
        shown = {k: v for k, v in (logs or {}).items() if k.startswith("val_")}
        numbers = "  ".join(f"{k} {float(v):.4g}" for k, v in shown.items())
        self.progress.console.print(f"epoch {epoch + 1}/{self.epochs}  {numbers}", soft_wrap=True)

    def on_train_end(self, logs: Any = None) -> None:
        """Take the bar away."""
        self.progress.stop()

    def __del__(self) -> None:
        self.progress.stop()  # an interrupted fit never reaches on_train_end


def _optimizer(model: Autoencoder, learning_rate: float, beta_1: float) -> keras.Optimizer:
    if model.method is None or not model.method.rates:
        return keras.optimizers.Adam(learning_rate, beta_1)
    return RatedAdam(model.method.rates, learning_rate, beta_1)


def load_weights(model: keras.Model, path: Path) -> None:
    """Load weights; `UserError` in one sentence when the file is missing, damaged or foreign."""
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(
            f"{path} does not hold the weights of this model "
            f"({str(error).splitlines()[0]}): train again or name the right folder"
        ) from error


def _random_states(model: keras.Model) -> dict[str, Any]:
    """States of dropout and random directions, by order: `save_weights` leaves them out."""
    kept = {id(variable) for variable in model.weights}
    states = [v for v in model.non_trainable_variables if id(v) not in kept]
    return {str(i): state for i, state in enumerate(states)}


def _save_weights(model: keras.Model, path: Path) -> None:
    with atomic_path(path) as temporary:
        model.save_weights(temporary, overwrite=True)
