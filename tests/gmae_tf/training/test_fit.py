"""Training: an interrupted run ends exactly where an uninterrupted one does."""

from __future__ import annotations

import io
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from keras import layers

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.losses import MeanSquaredError
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture
from gmae_tf.training import callbacks
from gmae_tf.training.batches import SeededBatches
from gmae_tf.training.callbacks import BEST, CosineDecay, load_weights
from gmae_tf.training.fit import fit

if TYPE_CHECKING:
    from conftest import RunCli

pytestmark = pytest.mark.usefixtures("eager_module")

RNG = np.random.default_rng(0)
# So far apart that the validation loss rises, and the plateau rule acts in the third epoch.
TRAIN = RNG.normal(3.0, size=(60, 4)).astype(np.float32)
VALIDATION = RNG.normal(-3.0, size=(25, 4)).astype(np.float32)  # five too many for its batches


def small_model(seed: int, width: int = 6) -> Autoencoder:
    """All that a checkpoint must carry: weights, moving averages, random directions."""
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential(
        [keras.Input((4,)), layers.Dense(width), layers.BatchNormalization(), layers.Dense(2)]
    )
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(width), layers.Dense(4)])
    penalty = GaussianMixturePenalty(GaussianMixture.one_hot(2, 2), sliced=1.0, seed=5)
    return Autoencoder(encoder, decoder, MeanSquaredError(), 5.0, penalty)


def train(
    folder: Path | None, epochs: int, seed: int = 0, **options: Any
) -> tuple[Autoencoder, list]:
    """A run with a seed of its own for the initial weights."""
    model = small_model(seed)
    history = fit(
        model, TRAIN, VALIDATION, folder,
        epochs=epochs, batch_size=20, learning_rate=0.1, patience=2, seed=1, xla=False, **options,
    )  # fmt: skip
    return model, history


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, float]]]:
    """Four epochs without a break: the folder and the logs."""
    folder = tmp_path_factory.mktemp("reference")
    _, history = train(folder, 4)
    return folder, history


def last_weights(folder: Path) -> list[np.ndarray]:
    """Weights and optimiser after the last epoch of a run."""
    model = small_model(99)
    model.compile(keras.optimizers.Adam(0.1))
    model.optimizer.build(model.trainable_variables)
    load_weights(model, folder / json.loads((folder / "state.json").read_text())["weights"])
    return [np.asarray(v) for v in (*model.get_weights(), *model.optimizer.variables)]


def assert_equal_runs(folder: Path, reference: tuple[Path, list[dict[str, float]]]) -> None:
    expected = reference[1]
    history = json.loads((folder / "state.json").read_text())["history"]
    assert len(history) == len(expected)
    for row, wanted in zip(history, expected, strict=True):
        assert row == pytest.approx(wanted, rel=1e-5)
    pairs = zip(last_weights(folder), last_weights(reference[0]), strict=True)
    for weights, wanted in pairs:
        np.testing.assert_allclose(weights, wanted, atol=1e-6)


def test_the_reference_says_something_about_resuming(reference):
    """The plateau counter is running after two epochs, and acts in the third."""
    rates = [row["learning_rate"] for row in reference[1]]
    losses = [row["val_loss"] for row in reference[1]]
    assert min(losses[1:3]) > losses[0]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.1, 0.02], rtol=1e-6)


def test_two_epochs_and_two_more_are_four(reference, tmp_path: Path):
    _, first = train(tmp_path, 2)
    assert len(first) == 2
    keras.utils.clear_session()
    _, history = train(tmp_path, 4, seed=7)  # a fresh model with other initial weights
    assert len(history) == 4
    assert_equal_runs(tmp_path, reference)


def rates_of_a_cosine(epochs: range) -> list[float]:
    """Learning rates of the 3 steps of each of these epochs, of 4 in all."""
    cosine = CosineDecay(0.1, 0.02, 4, 3)
    optimizer = SimpleNamespace(learning_rate=0.0)
    cosine.set_model(SimpleNamespace(optimizer=optimizer))
    rates = []
    for epoch in epochs:
        cosine.on_epoch_begin(epoch)
        for step in range(3):
            cosine.on_train_batch_begin(step)
            rates.append(optimizer.learning_rate)
    return rates


def test_a_continued_cosine_has_the_rates_of_one_without_a_break():
    rates = rates_of_a_cosine(range(4))
    halves = [0.06 + 0.04 * np.cos(np.pi * step / 12) for step in range(12)]
    np.testing.assert_allclose(rates, halves, rtol=1e-12)
    assert rates_of_a_cosine(range(2, 4)) == rates[6:]


def test_the_best_weights_are_in_the_model_and_in_the_folder(reference, tmp_path: Path):
    model, history = train(tmp_path, 3)
    best = min(range(3), key=lambda epoch: history[epoch]["val_loss"])
    assert best != 2  # the last epoch is not the best one
    saved = small_model(3)
    load_weights(saved, tmp_path / BEST)
    for weights, wanted in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, wanted)
    one_epoch, _ = train(tmp_path / "one", best + 1)
    for weights, wanted in zip(one_epoch.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(weights, wanted, atol=1e-6)


def test_a_finished_run_is_not_trained_again(reference, tmp_path: Path):
    shutil.copytree(reference[0], tmp_path / "run")
    before = (tmp_path / "run" / "state.json").read_text()
    model, history = train(tmp_path / "run", 4, seed=8)
    assert history == reference[1]
    assert (tmp_path / "run" / "state.json").read_text() == before
    best = small_model(3)
    load_weights(best, reference[0] / BEST)
    for weights, wanted in zip(model.get_weights(), best.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, wanted)


def test_only_the_last_and_the_best_weights_are_kept(reference):
    names = {path.name for path in reference[0].glob("*.h5")}
    assert names == {BEST, "epoch-0004.weights.h5"}
    assert (reference[0] / "tensorboard").is_dir()


class Poison(keras.callbacks.Callback):
    """Make a weight not a number in the third epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            self.model.trainable_variables[0].assign(np.full((4, 6), np.nan, np.float32))


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_epoch(reference, tmp_path: Path):
    with pytest.raises(UserError, match=r"the loss became nan in epoch 3: lower the learning rate"):
        train(tmp_path, 4, callbacks=(Poison(),))
    state = json.loads((tmp_path / "state.json").read_text())
    assert len(state["history"]) == 2
    assert all(np.isfinite(weights).all() for weights in last_weights(tmp_path))
    train(tmp_path, 4)
    assert_equal_runs(tmp_path, reference)


KILLED = """
import os, signal, sys
from pathlib import Path
import keras, tensorflow
from tests.gmae_tf.training.test_fit import train

class Dies(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == 8:  # the second batch of the third epoch
            os.kill(os.getpid(), signal.SIGKILL)

tensorflow.config.run_functions_eagerly(True)
train(Path(sys.argv[1]), 4, callbacks=(Dies(),))
"""


def test_a_killed_process_leaves_a_run_that_continues(reference, run_cli: RunCli, tmp_path: Path):
    killed = run_cli("-c", KILLED, tmp_path)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(json.loads((tmp_path / "state.json").read_text())["history"]) == 2
    train(tmp_path, 4, seed=7)
    assert_equal_runs(tmp_path, reference)


class Killed(BaseException):
    """The end of the process, for files that would be left as they are."""


@pytest.mark.parametrize("last", [6, 7])  # weights and state of the third epoch
def test_a_death_while_writing_leaves_a_run_that_continues(
    last: int, reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written = 0

    def die_or(write: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **settings: Any) -> Any:
            nonlocal written
            written += 1
            if written == last:
                raise Killed
            return write(*arguments, **settings)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "save_weights", die_or(callbacks.save_weights))
        patch.setattr(callbacks, "write_json", die_or(callbacks.write_json))
        with pytest.raises(Killed):
            train(tmp_path, 4)
    train(tmp_path, 4, seed=7)
    assert_equal_runs(tmp_path, reference)


def test_half_written_weights_do_not_replace_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model, path = small_model(0), tmp_path / BEST
    callbacks.save_weights(model, path)
    before = path.read_bytes()

    def half(target: io.BytesIO, **_: Any) -> None:
        target.write(b"half")
        raise Killed

    monkeypatch.setattr(model, "save_weights", half)
    with pytest.raises(Killed):
        callbacks.save_weights(model, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"weights": "w", "history": []}',
     '{"weights": 1, "history": [], "plateau": {}}'],
)  # fmt: skip
def test_a_damaged_state_is_told_in_one_sentence(content: str, tmp_path: Path):
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(UserError, match=r"state\.json is damaged .*delete the folder") as caught:
        train(tmp_path, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["epoch-0004.weights.h5", BEST])
def test_weights_with_a_changed_byte_are_refused(name: str, reference, tmp_path: Path):
    folder = tmp_path / "run"
    shutil.copytree(reference[0], folder)
    whole = (folder / name).read_bytes()
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 1
    (folder / name).write_bytes(broken)
    with pytest.raises(UserError, match=rf"{name} is damaged: restore it from a copy"):
        train(folder, 4)
    (folder / name).write_bytes(whole)
    train(folder, 4, seed=7)
    assert_equal_runs(folder, reference)


def refuse(path: Path, model: Autoencoder) -> None:
    with pytest.raises(UserError, match="does not hold the weights of this model") as caught:
        load_weights(model, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x89HDF\r\n\x1a\n" + bytes(2000)])
def test_what_are_no_weights_are_refused(content: bytes, tmp_path: Path):
    path = tmp_path / BEST
    path.write_bytes(content)
    refuse(path, small_model(0))


def test_missing_weights_are_refused(tmp_path: Path):
    refuse(tmp_path / BEST, small_model(0))


def test_weights_of_another_network_are_refused(reference):
    refuse(reference[0] / BEST, small_model(0, width=7))
    other = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    refuse(reference[0] / BEST, other)


def test_a_resumed_run_with_weights_of_another_network_is_refused(reference, tmp_path: Path):
    shutil.copytree(reference[0], tmp_path / "run")
    small_model(0, width=7).save_weights(tmp_path / "run" / "epoch-0004.weights.h5")
    with pytest.raises(UserError, match="is damaged: restore it from a copy"):
        train(tmp_path / "run", 5)


def test_every_truncation_and_most_damage_are_refused_in_one_sentence(reference, tmp_path: Path):
    whole = (reference[0] / BEST).read_bytes()
    path, model = tmp_path / BEST, small_model(0)
    for end in np.linspace(0, len(whole) - 1, 12).astype(int):
        path.write_bytes(whole[:end])
        refuse(path, model)
    messages = []
    for start in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:start] + bytes([255]) * 64 + whole[start + 64 :])
        try:
            load_weights(model, path)  # a changed number cannot be told from another
        except UserError as error:
            messages.append(str(error))
    assert len(messages) > 5
    assert not any("\n" in message for message in messages)


class Recorder(keras.callbacks.Callback):
    """Which rows a model is trained on, without those that Keras looks at before it starts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[np.ndarray] = []
        self.on = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.on = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.on = False


def test_batches_come_in_the_order_of_their_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever Keras does besides: shuffling of its own, repeated calls of `on_epoch_end`."""
    recorder, get = Recorder(), SeededBatches.__getitem__

    def recorded(self: SeededBatches, index: int) -> Any:
        if recorder.on and self.data is TRAIN:
            recorder.rows.append(get(self, index)[0])
        return get(self, index)

    monkeypatch.setattr(SeededBatches, "__getitem__", recorded)
    train(tmp_path, 2, callbacks=(recorder,))
    train(tmp_path, 3, callbacks=(recorder,))
    orders = [np.random.default_rng([1, epoch]).permutation(60) for epoch in range(3)]
    np.testing.assert_array_equal(np.concatenate(recorder.rows), TRAIN[np.concatenate(orders)])


def test_without_a_folder_the_best_weights_are_the_same_and_nothing_is_written(
    reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    model, history = train(None, 4, verbose=False)
    for row, wanted in zip(history, reference[1], strict=True):
        assert row == pytest.approx(wanted, rel=1e-5)
    best = small_model(3)
    load_weights(best, reference[0] / BEST)
    for weights, wanted in zip(model.get_weights(), best.get_weights(), strict=True):
        np.testing.assert_allclose(weights, wanted, atol=1e-6)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""


def test_tensorboard_reads_the_logs_of_every_epoch(reference):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for part, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(str(reference[0] / "tensorboard" / part)).Reload()
        read = [
            (event.step, event.tensor_proto.float_val[0]) for event in events.Tensors("epoch_loss")
        ]
        wanted = [(epoch, row[f"{prefix}loss"]) for epoch, row in enumerate(reference[1])]
        np.testing.assert_allclose(read, wanted, rtol=1e-6)
