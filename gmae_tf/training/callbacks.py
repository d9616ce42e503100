"""What happens beside the steps of a training: checkpoints, schedules, logs, progress."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from keras import ops
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gmae_tf.errors import UserError
from gmae_tf.training.batches import SeededBatches
from gmae_tf.utils.bundle import UNREADABLE, first_line
from gmae_tf.utils.json import write_json
from gmae_tf.utils.weights import file_sum, save_weights

BEST = "best.weights.h5"


class BestWeights(keras.callbacks.Callback):
    """The weights of the epoch with the least validation loss, in memory, and all logs.

    Raises
    ------
    UserError: after an epoch whose loss is not a number.
    """

    kept = "nothing is kept"

    def __init__(self) -> None:
        super().__init__()
        self.history: list[dict[str, float]] = []
        self._weights: list[NDArray[Any]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the logs, and the weights if they are the best so far."""
        row = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(row["loss"]):
            raise UserError(
                f"the loss became {row['loss']} in epoch {epoch + 1}: lower the learning rate or "
                f"the weights of the loss; {self.kept}"
            )
        best = min((past["val_loss"] for past in self.history), default=math.inf)
        self.history.append(row)
        if row["val_loss"] < best:
            self.save_best()

    def save_best(self) -> None:
        """Keep the weights of now."""
        self._weights = self.model.get_weights()

    def load_best(self, model: keras.Model) -> None:
        """Give a model the best weights."""
        model.set_weights(self._weights)


class Checkpoint(BestWeights):
    """After each epoch: weights and optimiser, best weights, and a JSON file that names them.

    The JSON file is replaced last and atomically, so a process killed at any moment leaves the
    previous epoch whole.
    """

    def __init__(self, folder: Path, plateau: keras.callbacks.ReduceLROnPlateau) -> None:
        super().__init__()
        self.folder = folder
        self.plateau = plateau
        self.kept = f"the last good epoch is kept in {folder}"
        self._restored: dict[str, float] = {}
        self._sums: dict[str, str] = {}

    @property
    def _state_file(self) -> Path:
        return self.folder / "state.json"

    def restore(self, model: keras.Model) -> int:
        """Load the last complete epoch, if any, into a model whose optimiser is built.

        Returns how many epochs are done.
        """
        if not self._state_file.exists():
            return 0
        try:
            state = json.loads(self._state_file.read_bytes())
            weights = self.folder / Path(state["weights"]).name
            self.history = [{k: float(v) for k, v in row.items()} for row in state["history"]]
            self._restored = dict(state["plateau"])
            self._sums = dict(state.get("sha256", {}))
            random = state.get("random", {})
            for name, variable in _random_states(model).items():
                variable.assign(random.get(name, variable))
        except UNREADABLE as error:
            raise UserError(
                f"{self._state_file} is damaged ({first_line(error)}): delete the folder to start "
                "again"
            ) from error
        self._load(model, weights)
        return len(self.history)

    def _load(self, model: keras.Model, path: Path) -> None:
        """Load weights that are as they were written."""
        known = self._sums.get(path.name)
        if known is not None and path.is_file() and file_sum(path) != known:
            raise UserError(
                f"{path} is damaged: restore it from a copy, or delete the folder to start again"
            )
        load_weights(model, path)

    def on_train_begin(self, logs: Any = None) -> None:
        """Give the plateau its counters back (Keras resets them when training begins)."""
        for name, value in self._restored.items():
            setattr(self.plateau, name, value)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, unless the loss is not a number."""
        super().on_epoch_end(epoch, logs)
        name = f"epoch-{epoch + 1:04d}.weights.h5"
        best = {BEST: self._sums[BEST]} if BEST in self._sums else {}
        self._sums = {**best, name: save_weights(self.model, self.folder / name)}
        counters = {a: getattr(self.plateau, a) for a in ("best", "wait", "cooldown_counter")}
        state = {
            "weights": name,
            "sha256": self._sums,
            "history": self.history,
            "plateau": {a: float(v) for a, v in counters.items() if math.isfinite(v)},
            "random": {
                name: ops.convert_to_numpy(variable).tolist()
                for name, variable in _random_states(self.model).items()
            },
        }
        write_json(self._state_file, state, indent=None)
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old.name != name:
                old.unlink()

    def save_best(self) -> None:
        """Write the weights of now."""
        self._sums[BEST] = save_weights(self.model, self.folder / BEST)

    def load_best(self, model: keras.Model) -> None:
        """Read the best weights into a model."""
        self._load(model, self.folder / BEST)


class EpochStart(keras.callbacks.Callback):
    """Order the batches for the epoch that begins, and tell the model's method of it."""

    def __init__(self, batches: SeededBatches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The method may look at some of the training data."""
        self.batches.start_epoch(epoch)
        if self.model.method is not None:
            self.model.method.start_epoch(self.model, self.batches, epoch)


class CosineDecay(keras.callbacks.Callback):
    """Half a cosine over all steps, in float64; by the number of the step, so it can be resumed."""

    def __init__(self, start: float, end: float, epochs: int, steps: int) -> None:
        super().__init__()
        self.start, self.end, self.steps, self.total = start, end, steps, epochs * steps
        self.done = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count from the first epoch of all."""
        self.done = epoch * self.steps

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate of this step."""
        share = min(1.0, (self.done + batch) / max(1, self.total))
        rate = self.end + (self.start - self.end) * 0.5 * (1 + math.cos(math.pi * share))
        self.model.optimizer.learning_rate = rate


class ScalarLog(keras.callbacks.Callback):
    """Event files of each epoch's logs for TensorBoard, with the names of Keras's own callback.

    That one needs TensorFlow, which a machine with JAX need not have.

    Raises
    ------
    UserError: the files cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Scalars `epoch_NAME` of training and validation."""
        try:
            self._write(epoch, logs or {})
        except Exception as error:  # an OSError, or what TensorFlow makes of it where it is
            raise UserError(
                f"{self.folder} cannot be written ({first_line(error)}): make room, and the same "
                "command goes on."
            ) from error

    def _write(self, epoch: int, logs: Mapping[str, Any]) -> None:
        from tensorboard.summary import Writer

        for name, value in logs.items():
            part, tag = ("validation", name[4:]) if name.startswith("val_") else ("train", name)
            if part not in self._writers:
                self._writers[part] = Writer(str(self.folder / part))
            self._writers[part].add_scalar(f"epoch_{tag}", float(value), epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


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


def load_weights(model: keras.Model, path: Path) -> None:
    """Load weights; `UserError` in one sentence when the file is missing, damaged or foreign."""
    try:
        model.load_weights(path)
    except UNREADABLE as error:
        raise UserError(
            f"{path} does not hold the weights of this model ({first_line(error)}): train again or "
            "name the right folder"
        ) from error


def _random_states(model: keras.Model) -> dict[str, Any]:
    """States of dropout and random directions, by order: `save_weights` leaves them out."""
    kept = {id(variable) for variable in model.weights}
    states = [v for v in model.non_trainable_variables if id(v) not in kept]
    return {str(i): state for i, state in enumerate(states)}
