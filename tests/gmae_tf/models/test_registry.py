"""The registry, and what holds for every model in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.models import MODELS, entry, options_of
from gmae_tf.training.fit import fit


def test_an_unknown_name_gets_the_known_ones(make_model):
    with pytest.raises(UserError, match=r"^'va' is no model: choose one of ae, .*gmae-unimodal"):
        make_model("va")
    with pytest.raises(UserError, match="is no model"):
        options_of("va")
    assert entry("vae").title == "VAE"


def test_an_unknown_option_gets_the_known_ones(make_model):
    with pytest.raises(UserError, match=r"^vae has no option 'beta'; its options: kl_weight$"):
        make_model("vae", options={"beta": 2.0})
    with pytest.raises(UserError, match=r"its options: none$"):
        make_model("ae", options={"beta": 2.0})


def test_an_option_of_another_kind_is_told_in_a_sentence(make_model):
    with pytest.raises(UserError, match=r"^kl_weight of vae is a number, such as 0.312, not 'a'$"):
        make_model("vae", options={"kl_weight": "a"})


def test_options_have_defaults_and_reach_the_model(make_model):
    assert options_of("vae") == {"kl_weight": 0.312}
    assert options_of("ae") == {}
    assert make_model("vae").method.term_weights == {"kl": 0.312}
    assert make_model("vae", options={"kl_weight": 2.0}).method.term_weights == {"kl": 2.0}


def without_networks(config: dict) -> dict:
    """Keras numbers what it deserialises anew, so of a network only its class can be compared."""
    return {
        key: value["class_name"] if isinstance(value, dict) and "class_name" in value else value
        for key, value in config.items()
    }


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("eager")
def test_a_model_trains_saves_loads_and_samples(name, make_model, train, two_blobs, tmp_path: Path):
    rows = two_blobs[:100]
    model = make_model(name, steps=2)
    before = model.encode(rows)
    (logs,) = train(model, rows, epochs=1)
    assert all(np.isfinite(list(logs.values())))
    codes = model.encode(rows)
    assert codes.shape == (100, model.latent_dim)
    assert not np.allclose(codes, before)

    model.save_weights(tmp_path / "model.weights.h5")
    fresh = make_model(name, steps=2)
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(fresh.encode(rows), codes)

    if model.method is not None:
        config = json.loads(json.dumps(model.method.get_config()))
        again = type(model.method).from_config(config).get_config()
        assert without_networks(again) == without_networks(config)

    rng = np.random.default_rng(0)
    assert model.has_prior == (entry(name).samples in ("fixed", "learnt"))
    if model.has_prior:
        drawn = fresh.sample_codes(7, rng)
        assert drawn.shape == (7, model.latent_dim)
        assert np.isfinite(drawn).all()
        assert fresh.sample(3, rng).shape == (3, 6)
    else:
        with pytest.raises(UserError, match="has no prior to sample from"):
            model.sample_codes(7, rng)


@pytest.mark.parametrize("name", ["vae-flow", "vae-iop", "injflow"])
@pytest.mark.usefixtures("eager")
def test_a_resumed_training_equals_an_uninterrupted_one(
    name, make_model, two_blobs, tmp_path: Path
):
    def run(folder: str, epochs: int) -> tuple[Autoencoder, list[dict[str, float]]]:
        model = make_model(name)
        options = {"epochs": epochs, "batch_size": 25, "xla": False, "verbose": False}
        return model, fit(model, two_blobs[:50], two_blobs[:25], tmp_path / folder, **options)

    whole, logs = run("whole", 2)
    run("resumed", 1)
    resumed, found = run("resumed", 2)
    assert found == logs
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
