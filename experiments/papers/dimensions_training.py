"""Train and measure one model of `experiments.papers.dimensions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.runner import Row
from experiments.papers.synthetic import Manifold, dense_model
from gmae_tf.metrics.frechet import Moments, frechet_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.papers.dimensions import DimensionsConfig, Training
    from gmae_tf.autoencoder import Autoencoder

BATCH, RATE = 100, 1e-3
"""Of vectors; those of images are the presets'."""
MASKED = 0.1
"""A dimension whose mask is at least this is active (source)."""


def train_vectors(config: DimensionsConfig, one: Training, folder: Path) -> Row:
    """Distances are between the vectors themselves: all 128 numbers are features."""
    import keras

    from gmae_tf.training.fit import fit

    keras.backend.clear_session()
    assert one.true_dim is not None
    draw = Manifold.random(one.true_dim, one.seed).draw
    rng = np.random.default_rng((one.seed, 1))
    counts = config.vectors, max(2, config.vectors // 20), config.samples, config.samples
    train, validation, test, others = (draw(count, rng) for count in counts)
    steps = config.vector_epochs * (len(train) // BATCH)
    network = dense_model(one.model, one.latent_dim, steps, one.seed, _options(config, one))
    fit(
        network,
        train,
        validation,
        folder,
        epochs=config.vector_epochs,
        batch_size=BATCH,
        learning_rate=RATE,
        beta_1=0.5,
        schedule="cosine",
        seed=one.seed,
    )
    moments = Moments.of(test)
    codes = network.encode(test)
    samples = network.sample_codes(config.samples, np.random.default_rng((one.seed, 2)))
    return {
        "distance": frechet_distance(network.decode(samples), moments),
        "reconstructed": frechet_distance(network.reconstruct(others), moments),
        "floor": frechet_distance(others, moments),
        "mse": float(np.mean(np.square(network.decode(codes) - test))),
        **judge_codes(network, codes),
    }


def train_images(config: DimensionsConfig, one: Training, folder: Path) -> Row:
    """Distances are those of a classifier's features."""
    import keras

    from experiments.images.study import extractor_of
    from gmae_tf.train import TrainConfig, build, fit_network, load, prepare, with_preset

    keras.backend.clear_session()
    options = with_preset(
        TrainConfig(
            model=one.model,
            model_options=_options(config, one),
            latent_dim=one.latent_dim,
            n_data=config.images,
            epochs=config.image_epochs,
            data_dir=config.data_dir,
            seed=one.seed,
        )
    )
    data = load(options)
    extractor = extractor_of(data)
    assert extractor is not None  # MNIST has labels
    weight, _ = prepare(options, data, folder)
    model = build(options, data, weight)
    fit_network(options, model.network, data, folder)
    count = min(config.samples, len(data.test), len(data.validation))
    rng = np.random.default_rng((one.seed, 2))
    test = np.sort(rng.choice(len(data.test), count, replace=False))
    moments = Moments.of(extractor(np.asarray(data.test[test])))
    codes = model.encode(data.test)
    error = (model.decode(codes).astype(np.float32) - data.test) / 255
    return {
        "distance": frechet_distance(extractor(model.sample(count, rng)), moments),
        "reconstructed": frechet_distance(
            extractor(model.reconstruct(data.validation[:count])), moments
        ),
        "floor": frechet_distance(extractor(data.validation[:count]), moments),
        "features": extractor.name,
        "mse": float(np.mean(np.square(error))),
        **judge_codes(model.network, codes),
    }


def judge_codes(network: Autoencoder, codes: NDArray[np.floating]) -> dict[str, Any]:
    """Active dimensions by the mask, or without one by their variances; NAC of two and more."""
    from keras import ops

    from gmae_tf.metrics.latent import absolute_correlation, active_dimensions

    mask = getattr(network.method, "mask", None)
    if mask is None:
        active = active_dimensions(codes)
    else:
        active = np.asarray(ops.convert_to_numpy(mask())) >= MASKED
    if active.sum() < 2:
        return {"active": int(active.sum()), "nac": None}
    # A dimension that the mask leaves but that does not vary has no correlations.
    return {"active": int(active.sum()), "nac": absolute_correlation(codes[:, active]).correlation}


def _options(config: DimensionsConfig, one: Training) -> dict[str, Any]:
    return config.options if one.model == "maskaae" else {}
