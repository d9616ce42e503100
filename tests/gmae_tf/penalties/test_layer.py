"""The regulariser as a layer of anybody's Keras model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from gmae_tf.penalties import GaussianMixturePenalty, LatentRegularizer, NormPenalty, weighted_sum
from gmae_tf.prior import GaussianMixture
from tests.oracles import penalties as oracle
from tests.oracles.tensors import tensor

PRIOR = GaussianMixture.one_hot(2, 3)


def functional_model(sliced: float = 0.0, scale: float = 0.1) -> keras.Model:
    """6 numbers -> 3 codes, regularised -> 6 numbers."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    z = keras.layers.Dense(3)(inputs)
    z = LatentRegularizer(GaussianMixturePenalty(PRIOR, sliced=sliced), scale=scale)(z)
    model = keras.Model(inputs, keras.layers.Dense(6)(z))
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    return model


@pytest.fixture
def data(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(40, 6)).astype(np.float32)


@pytest.fixture
def half_precision() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def test_a_functional_model_trains_saves_and_loads(data: np.ndarray, tmp_path: Path):
    model = functional_model()
    losses = model.fit(data, data, batch_size=20, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(data, verbose=0), model.predict(data, verbose=0))
    assert loaded.evaluate(data, data, 20, verbose=0) == pytest.approx(
        model.evaluate(data, data, 20, verbose=0), rel=1e-6
    )
    layer = next(layer for layer in loaded.layers if isinstance(layer, LatentRegularizer))
    assert layer.scale == 0.1
    assert layer.penalty.weights == {"ks": 1.0, "covariance": 1.0}


def test_the_penalty_is_part_of_the_loss_of_the_model(data: np.ndarray):
    model = functional_model(scale=0.1)
    z = model.layers[1](data)
    penalty = GaussianMixturePenalty(PRIOR)
    mse = np.mean((model.predict(data, verbose=0) - data) ** 2)
    expected = mse + 0.1 * float(weighted_sum(penalty, penalty(z)))
    assert model.evaluate(data, data, len(data), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_codes_pass_unchanged(rng: np.random.Generator):
    z = rng.normal(size=(5, 3)).astype(np.float32)
    layer = LatentRegularizer(NormPenalty())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(z)), z)
    assert layer.compute_output_shape((None, 3)) == (None, 3)


@pytest.mark.parametrize("n", [10, 100, 300])
def test_the_loss_does_not_shrink_with_the_batch(n: int, rng: np.random.Generator):
    # Keras divides an activity_regularizer by the batch size: the same penalty there would count
    # 30 times less at n = 300 than at n = 10, although it is a statistic of the batch already.
    z = PRIOR.sample(n, rng)
    layer = LatentRegularizer(GaussianMixturePenalty(PRIOR, ks=1.0, covariance=0.0))
    layer(z.astype(np.float32))
    [loss] = layer.losses
    weight = 6 * n**2 / (n + 1)
    assert float(loss) == pytest.approx(weight * oracle.ks_distance(z, PRIOR), rel=1e-3)


def test_half_precision_has_a_finite_penalty_in_single_precision(half_precision: None):
    z = keras.ops.convert_to_tensor(np.full((8, 3), 300.0), dtype="float16")  # z * z overflows
    layer = LatentRegularizer(GaussianMixturePenalty(PRIOR, sliced=1.0))
    assert keras.backend.standardize_dtype(layer(z).dtype) == "float16"
    [loss] = layer.losses
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert np.isfinite(float(loss))


def test_a_model_in_half_precision_trains(half_precision: None, data: np.ndarray):
    history = functional_model(sliced=1.0).fit(data, data, batch_size=20, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("jit", [False, True])
def test_the_state_of_the_sliced_term_belongs_to_the_model(
    jit: bool, data: np.ndarray, tmp_path: Path
):
    model = functional_model(sliced=1.0)
    model.compile("adam", "mse", jit_compile=jit)
    layer = next(layer for layer in model.layers if isinstance(layer, LatentRegularizer))
    before = keras.ops.convert_to_numpy(layer.seed_generator.state).copy()
    model.fit(data, data, batch_size=20, epochs=1, verbose=0)
    after = keras.ops.convert_to_numpy(layer.seed_generator.state)
    assert not np.array_equal(before, after)  # each batch had its own directions
    assert any(v is layer.seed_generator.state for v in model.non_trainable_variables)
    if jit:  # which is not saved
        return
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(data, verbose=0), model.predict(data, verbose=0))
    assert np.isfinite(loaded.evaluate(data, data, verbose=0))


def test_a_penalty_of_ones_own_needs_no_base_class(rng: np.random.Generator):
    class Bound:
        weights = {"bound": 2.0}  # noqa: RUF012
        seed_generator = None

        def __call__(self, z):
            return {"bound": keras.ops.max(keras.ops.abs(z))}

    layer = LatentRegularizer(Bound(), scale=3.0)
    z = rng.normal(size=(4, 2)).astype(np.float32)
    layer(tensor(z, "float32"))
    assert float(layer.losses[0]) == pytest.approx(6 * np.abs(z).max(), rel=1e-6)
