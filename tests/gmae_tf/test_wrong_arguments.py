"""Every public name refuses arguments of a wrong kind in one sentence that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from gmae_tf import (
    Autoencoder,
    GaussianMixture,
    GaussianMixturePenalty,
    ImageAutoencoder,
    LatentDensity,
    LatentRegularizer,
    NormPenalty,
    UserError,
    build_model,
)
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models.config import Parts, Recipe

PRIOR = GaussianMixture.one_hot(2, 3, 4.0)
PENALTY = GaussianMixturePenalty(PRIOR)
DENSITY = LatentDensity("gaussian").fit(np.random.default_rng(0).normal(size=(20, 3)))
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
RNG = np.random.default_rng(0)


def dense(inputs: int, outputs: int) -> keras.Model:
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])


def autoencoder(**changes: Any) -> Autoencoder:
    parts = {"encoder": dense(6, 3), "decoder": dense(3, 6), "reconstruction": MeanSquaredError()}
    return Autoencoder(**{**parts, "prior": PRIOR, **changes})


@pytest.fixture(scope="module")
def plain() -> Autoencoder:
    return autoencoder()


@pytest.fixture(scope="module")
def images() -> ImageAutoencoder:
    return ImageAutoencoder.build(8, 1, 3, penalty=PENALTY)


def recipe(**changes: Any) -> Parts:
    options = {"model": "vae", "latent_dim": 2, **changes}
    made = lambda width: dense(6, width)  # noqa: E731
    return Parts(Recipe(**options), made, made, MeanSquaredError())


MAKING = [
    (lambda x: GaussianMixture(x), ["x", None, [["a"]], [[np.nan]], [], np.zeros((2, 2, 2))], ""),
    (lambda x: GaussianMixture([[0.0]], x), ["x", None, -1.0, [1.0, 2.0]], "covarianc"),
    (lambda x: GaussianMixture([[0.0]], weights=x), ["x", [1, 2], [-1.0]], "weights"),
    (lambda x: GaussianMixture.standard_normal(x), ["3", None, 0, 2.5], "dim is"),
    (lambda x: GaussianMixture.one_hot(x, 3), ["3", None, 0, 2.0, True], "n_components is"),
    (lambda x: GaussianMixture.one_hot(2, 3, x), ["3", None, np.nan], "mean_scale is"),
    (lambda x: PRIOR.sample(x, RNG), ["3", None, -1, 2.5], "n is"),
    (lambda x: PRIOR.sample(3, x), ["3", None, -1, 2.5], "no seed"),
    (lambda x: PRIOR.log_prob(x), ["x", None, [1.0, 2.0, 3.0], [[1.0]]], "codes"),
    (lambda x: PRIOR.responsibilities(x), ["x", None, np.zeros((2, 4))], "codes"),
    (lambda x: PRIOR.marginal_cdf(x), ["x", None, 3.0, np.zeros((2, 1))], "codes"),
    (lambda x: GaussianMixturePenalty(x), ["x", None, [[0.0]]], "prior is .*GaussianMixture"),
    (lambda x: GaussianMixturePenalty(PRIOR, x), ["1", None, -1.0, np.inf], "ks is"),
    (lambda x: GaussianMixturePenalty(PRIOR, n_directions=x), ["1", None, 0, 2.5], "n_directions"),
    (lambda x: GaussianMixturePenalty(PRIOR, seed=x), ["1", None, -1, 2.5], "seed is"),
    (lambda x: PENALTY(x), ["x", None, np.zeros(3), np.zeros((2, 4))], "codes"),
    (lambda x: NormPenalty(x), ["1", None, -1.0], "weight is"),
    (lambda x: NormPenalty()(x), ["x", None, np.zeros(3)], "codes"),
    (lambda x: LatentRegularizer(x), ["x", None, 3], "penalty is"),
    (lambda x: LatentRegularizer(PENALTY, x), ["1", None, -1.0], "scale is"),
    (lambda x: LatentDensity(x), ["x", None, 3], "no density"),
    (lambda x: LatentDensity(n_components=x), ["3", None, 0, 2.5], "n_components is"),
    (lambda x: LatentDensity(max_codes=x), ["3", 0, 2.5], "max_codes is"),
    (lambda x: LatentDensity("kde", bandwidth=x), ["wide", None, 0.0, -1.0], "bandwidth is"),
    (lambda x: LatentDensity("gaussian").fit(x), ["x", None, [1.0], [[1.0]]], "codes"),
    (lambda x: LatentDensity("gaussian").fit(np.zeros((5, 2)), x), ["x", None, -1], "seed is"),
    (lambda x: DENSITY.log_prob(x), ["x", None, [1.0], np.zeros((2, 2))], "codes"),
    (lambda x: DENSITY.sample(x, RNG), ["x", None, 0, 2.5], "n is"),
    (lambda x: DENSITY.sample(2, x), ["x", None, -1], "no seed"),
    (lambda x: autoencoder(encoder=x), ["x", None], "encoder is"),
    (lambda x: autoencoder(decoder=x), ["x", None], "decoder is"),
    (lambda x: autoencoder(reconstruction=x), ["mse", None], "reconstruction is"),
    (lambda x: autoencoder(reconstruction_weight=x), ["1", None, -1.0], "reconstruction_weight"),
    (lambda x: autoencoder(penalty=x), ["x", 3], "penalty is"),
    (lambda x: autoencoder(prior=x), ["x", [[0.0]]], "prior is"),
    (lambda x: autoencoder(assignment_weight=x), ["x", None, -1.0], "assignment_weight is"),
    (lambda x: autoencoder(method=x), ["vae", 3], "method is"),
    (lambda x: build_model(x), ["vae", None], "parts is"),
    (lambda x: build_model(recipe(model=x)), ["va", None, 3, ["vae"]], "is no model"),
    (lambda x: build_model(recipe(latent_dim=x)), ["3", None, 0, 2.5], "latent_dim is"),
    (lambda x: build_model(recipe(options={"kl_weight": x})), ["3", None], "kl_weight of vae"),
    (
        lambda x: build_model(recipe(model="gm-vae", options={"style_dim": x})),
        ["3", None, 2.5],
        "style_dim of gm-vae is a whole number",
    ),
    (lambda x: ImageAutoencoder.build(x, 1, 3), ["8", None, 0, 8.0], "side is"),
    (lambda x: ImageAutoencoder.build(8, 1, x), ["8", None, 0, 8.0], "latent_dim is"),
    (lambda x: ImageAutoencoder.build(8, 1, 3, x), ["huge", None], "no size"),
    (lambda x: ImageAutoencoder.build(8, 1, 3, penalty=x), ["x"], "penalty is"),
    (lambda x: ImageAutoencoder.from_recipe(x, 8, 1), ["vae", None], "recipe is"),
    (lambda x: ImageAutoencoder.load(x), [None, 3, "no-such-folder"], ""),
    (lambda x: ImageAutoencoder.fit(x), ["x", None, 3, [[1.0]], [[[1.0]], [[1.0, 2.0]]]], "images"),
    (lambda x: ImageAutoencoder.fit(IMAGES, validation=x), ["x", 3], "validation"),
    (lambda x: ImageAutoencoder.fit(IMAGES, folder=x), [3], "no path"),
    (lambda x: ImageAutoencoder.fit(IMAGES, latent_dim=x), ["3", 2.5, 0, True], "latent.dim"),
    (lambda x: ImageAutoencoder.fit(IMAGES, model=x), ["x", None, 3], "model|None|3"),
    (lambda x: ImageAutoencoder.fit(IMAGES, epochs=x), ["3", 2.5, -1], "epochs"),
    (lambda x: ImageAutoencoder.fit(IMAGES, seed=x), ["3", None, -1, 2.5], "seed is"),
    (lambda x: ImageAutoencoder.fit(IMAGES, batch_size=x), ["3", None, 0, 2.5], "batch.size"),
    (lambda x: ImageAutoencoder.fit(IMAGES, learning_rate=x), ["3", 0, np.nan], "learning.rate"),
    (lambda x: ImageAutoencoder.fit(IMAGES, midpoint=x), ["yes", None, 1], "midpoint is"),
    (lambda x: ImageAutoencoder.fit(IMAGES, model_options=x), ["x", None, 3], "model_options is"),
    (lambda x: ImageAutoencoder.fit(IMAGES, size=x), ["x", None, 3], "size is"),
]  # fmt: skip
USING = [
    (lambda a, i, x: a.encode(x), ["x", None, 3, np.zeros((2, 5)), np.zeros(6)], "the data"),
    (lambda a, i, x: a.decode(x), ["x", None, 3, np.zeros((2, 5)), np.zeros(3)], "codes"),
    (lambda a, i, x: a.sample(x, RNG), ["x", None, -1, 2.5], "n is"),
    (lambda a, i, x: a.sample(2, x), ["x", None, -1], "no seed"),
    (lambda a, i, x: a.interpolate(x, np.zeros((2, 3)), 4), ["x", None, np.zeros((1, 3))], "codes"),
    (lambda a, i, x: a.interpolate(np.zeros((2, 3)), np.zeros((2, 3)), x), ["4", 0, 2.5], "steps"),
    (lambda a, i, x: i.encode(x), ["x", None, 3, IMAGES[:, :4]], "images"),
    (lambda a, i, x: i.decode(x), ["x", None, 3, np.zeros((2, 4))], "codes"),
    (lambda a, i, x: i.sample(x), ["x", None, -1, 2.5], "n is"),
    (lambda a, i, x: i.sample(2, seed=x), ["x", None, -1, 2.5], "no seed"),
    (lambda a, i, x: i.interpolate(IMAGES[:2], IMAGES[:2], x), ["4", None, 0], "steps is"),
    (lambda a, i, x: i.clusters(x), ["x", None, 3], "images"),
    (lambda a, i, x: i.responsibilities(x), ["x", None, np.zeros((2, 4))], "codes"),
    (lambda a, i, x: i.save(x), [None, 3], "no path"),
]  # fmt: skip


def cases(table: list[Any]) -> list[Any]:
    return [
        pytest.param(call, value, words, id=f"{row}-{column}")
        for row, (call, values, words) in enumerate(table)
        for column, value in enumerate(values)
    ]


@pytest.mark.parametrize(("call", "value", "words"), cases(MAKING))
def test_nothing_is_made_of_a_wrong_argument(
    call: Callable[[Any], Any], value: Any, words: str
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        call(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("call", "value", "words"), cases(USING))
def test_a_model_refuses_a_wrong_argument(
    call: Any, value: Any, words: str, plain: Autoencoder, images: ImageAutoencoder
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        call(plain, images, value)
    assert "\n" not in str(caught.value)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    prior = GaussianMixture.one_hot(np.int64(2), np.int32(3), np.float32(4.0))
    assert prior.sample(np.int64(5), 0).shape == (5, 3)
    assert NormPenalty(np.float32(0.5)).weights == {"norm": 0.5}
    assert GaussianMixturePenalty(prior, 1, 0, n_directions=np.int64(3)).weights == {"ks": 1.0}
