"""python -m experiments.papers.dimensions: the data, active dimensions, the command."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.papers.dimensions import DimensionsConfig, draw, judge_codes, plan, table
from experiments.papers.synthetic import AMBIENT, SLOPE, Manifold
from gmae_tf.errors import UserError
from tests.conftest import RunCli


@pytest.mark.parametrize("n", [4, 16])
def test_the_map_keeps_every_dimension(n: int):
    """A1 and A2: singular values of the Jacobian stay between the bounds, and so do distances."""
    manifold, rng = Manifold.random(n, seed=3), np.random.default_rng(0)
    low, high = SLOPE * manifold.gain, manifold.gain
    a, b = rng.normal(size=(2, 500, n))
    for z in a[:20]:
        values = np.linalg.svd(manifold.jacobian(z), compute_uv=False)
        assert values.shape == (n,)
        assert low * (1 - 1e-9) <= values.min() <= values.max() <= high * (1 + 1e-9)
        step = 1e-7 * rng.normal(size=n)
        moved = (manifold(z[None] + step) - manifold(z[None]))[0]
        np.testing.assert_allclose(moved, manifold.jacobian(z) @ step, rtol=1e-4, atol=1e-12)
    ratio = np.linalg.norm(manifold(a) - manifold(b), axis=1) / np.linalg.norm(a - b, axis=1)
    assert low <= ratio.min() <= ratio.max() <= high


def test_vectors_are_curved_and_of_unit_scale():
    draw_vectors = Manifold.random(8, seed=0).draw
    x = draw_vectors(4000, np.random.default_rng(0))
    assert x.shape == (4000, AMBIENT)
    assert 0.3 < x.var(axis=0).mean() < 3
    share = np.sort(np.linalg.eigvalsh(np.cov(x, rowvar=False)))[::-1]
    assert share[:8].sum() < 0.98 * share.sum()  # more directions than dimensions
    again = Manifold.random(8, seed=0).draw(4000, np.random.default_rng(0))
    np.testing.assert_array_equal(x, again)
    assert not np.array_equal(Manifold.random(8, seed=1).shift, Manifold.random(8, seed=0).shift)


def test_active_are_what_the_mask_or_the_variance_leaves():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(20_000, 4)) * [1.0, 1.0, 1.0, 0.01]
    codes[:, 2] = codes[:, 1]  # of which the mask below takes one away
    plain = judge_codes(SimpleNamespace(method=None), codes)
    assert plain["active"] == 3
    assert plain["nac"] == pytest.approx(1 / 3, abs=0.03)
    masked = SimpleNamespace(method=SimpleNamespace(mask=lambda: np.array([1, 0.1, 0.05, 0.05])))
    found = judge_codes(masked, codes)
    assert found["active"] == 2
    assert found["nac"] < 0.07
    alone = SimpleNamespace(method=SimpleNamespace(mask=lambda: np.array([1.0, 0, 0, 0])))
    assert judge_codes(alone, codes) == {"active": 1, "nac": None}  # no pair


def test_capacities_surround_the_true_dimension():
    runs = plan(DimensionsConfig(true_dims=(8,), latent_dims=(16, 32), seeds="0-1"))
    found = {(r.data, r.model, r.latent_dim, r.seed) for r in runs}
    assert len(found) == len(runs)
    models = ("wae-mmd", "maskaae")
    vectors = {("n = 8", a, m, s) for a in models for m in (4, 8, 16, 32) for s in (0, 1)}
    assert found == vectors | {("MNIST", a, m, 0) for a in models for m in (16, 32)}
    assert {r.true_dim for r in runs if r.data == "MNIST"} == {None}
    assert {r.data for r in plan(DimensionsConfig(data="mnist"))} == {"MNIST"}
    with pytest.raises(UserError, match="--latent-dims must be greater than 0"):
        plan(DimensionsConfig(latent_dims=(8, 0)))


def test_the_table_has_both_models_side_by_side():
    row = {"data": "n = 8", "true_dim": 8, "latent_dim": 16, "mse": 0.01, "nac": 0.04}
    rows = [
        {**row, "model": "wae-mmd", "seed": 0, "distance": 4.0, "active": 16},
        {**row, "model": "wae-mmd", "seed": 1, "distance": 6.0, "active": 16},
        {**row, "model": "maskaae", "seed": 0, "distance": 1.0, "active": 9},
    ]
    titles, lines = table(rows)
    assert len(titles) == len(lines[0]) == 10
    assert lines[0][:4] == ["n = 8", "16", "5.00 ± 1.41", "0.0100 ± 0.0000"]
    assert lines[0][6:9] == ["1.00", "0.0100", "9"]
    assert table(rows[:2])[1][0][6:] == ["–"] * 4
    assert draw(rows).startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_command_repeats_nothing(tmp_path: Path, run_here: RunCli):
    command = (
        *("-m", "experiments.papers.dimensions", "--data", "synthetic", "--out", tmp_path),
        *("--true-dims", "[2]", "--capacities", "[2]", "--seeds", "0"),
        *("--vectors", "300", "--vector-epochs", "1"),
        *("--samples", "200", "--options", '{"critic": [8]}', "--device", "cpu"),
    )
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert [(r["latent_dim"], r["model"]) for r in results] == [(4, "wae-mmd"), (4, "maskaae")]
    for row in results:
        assert 0 < row["floor"] < row["distance"]
        assert 0 <= row["active"] <= row["latent_dim"]
    assert (tmp_path / "dimensions.png").read_bytes().startswith(b"\x89PNG")

    again = run_here(*command)
    assert again.returncode == 0, again.stderr
    assert "epoch 1/1" in first.stdout
    assert "epoch 1/1" not in again.stdout
    assert json.loads((tmp_path / "results.json").read_text())["results"] == results

    wrong = run_here(*command, "--true-dims", "[0]")
    assert wrong.returncode == 2
    assert "--true-dims must be greater than 0" in wrong.stderr
    assert "Traceback" not in wrong.stderr
