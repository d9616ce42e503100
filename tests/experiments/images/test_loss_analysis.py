from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.images.loss_analysis import (
    AnalysisConfig,
    analyse,
    blind_spots,
    curve,
    independent,
    merged,
    rotated,
    scaled_covariances,
    scaled_deviations,
    scaled_means,
    shifted,
    terms,
)
from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture

TWO = GaussianMixture.one_hot(2, 3, 3.0)


def test_terms_are_those_of_each_batch_by_double_loop(rng: np.random.Generator) -> None:
    prior = GaussianMixture([[0.0, 1.0], [2.0, -1.0]], [1.0, 0.5], [0.3, 0.7])
    drawn: list[Any] = []

    def draw(n: int, source: np.random.Generator) -> Any:
        drawn.append(source.normal(size=(n, 2)))
        return drawn[-1]

    found = terms(prior, [draw, draw], 7, 3, rng, sliced=False)
    assert list(found) == ["ks", "covariance"]
    for i, block in enumerate(drawn):
        for j, batch in enumerate(block.reshape(3, 7, 2)):
            ordered = np.sort(batch, axis=0)
            target = np.arange(1, 8)[:, None] / 7
            ks = np.mean((prior.marginal_cdf(ordered) - target) ** 2) * 6 * 49 / 8
            assert found["ks"][i, j] == pytest.approx(ks, rel=1e-4)
    ratio = found["covariance"] / [
        [np.mean((np.cov(b.T, bias=True) - prior.covariance()) ** 2) for b in d.reshape(3, 7, 2)]
        for d in drawn
    ]
    assert ratio == pytest.approx(np.full((2, 3), ratio[0, 0]), rel=1e-3)


def test_prior_samples_give_one_for_every_term(rng: np.random.Generator) -> None:
    for n in (20, 200):
        found = terms(TWO, [TWO.sample], n, 400, rng)
        for values in found.values():
            error = values.std() / np.sqrt(values.size)
            assert values.mean() == pytest.approx(1.0, abs=4.5 * error)


def test_changes_move_the_moments_that_they_name() -> None:
    assert shifted(TWO, 0.5).means == pytest.approx(TWO.means + 0.5)
    assert scaled_means(TWO, 2.0).means == pytest.approx(2 * TWO.means)
    assert scaled_covariances(TWO, 2.0).covariances[0] == pytest.approx(2 * np.eye(3))
    assert scaled_deviations(TWO, 2.0).covariances[1] == pytest.approx(4 * np.eye(3))
    turned = rotated(TWO, 90)
    assert turned.mean() == pytest.approx(TWO.mean())
    assert turned.means[0] == pytest.approx([3.0, 3.0, 0.0])
    assert rotated(TWO, 180).means == pytest.approx(TWO.means[::-1])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_merging_keeps_mean_and_covariance(share: float) -> None:
    found = merged(TWO, share)
    assert found.mean() == pytest.approx(TWO.mean())
    assert found.covariance() == pytest.approx(TWO.covariance())
    distance = np.linalg.norm(found.means[0] - found.means[1])
    assert distance == pytest.approx((1 - share) * 3 * np.sqrt(2))


def test_independent_codes_have_the_marginals_but_not_the_covariance(
    rng: np.random.Generator,
) -> None:
    codes = independent(TWO)(20_000, rng)
    quantiles = np.quantile(codes, [0.1, 0.5, 0.9], axis=0)
    assert TWO.marginal_cdf(quantiles) == pytest.approx(
        np.repeat([[0.1], [0.5], [0.9]], 3, axis=1), abs=0.02
    )
    assert np.cov(codes.T)[0, 1] == pytest.approx(0.0, abs=0.1)
    assert TWO.covariance()[0, 1] == pytest.approx(-2.25)


def test_a_curve_is_least_where_nothing_is_changed(rng: np.random.Generator) -> None:
    prior = GaussianMixture.one_hot(2, 2)
    amounts = np.array([0.0, 1.0, 2.0, 4.0])
    found = curve("D = 2", "means times", prior, scaled_means, amounts, 200, 40, rng)
    assert found["amounts"] == [0.0, 1.0, 2.0, 4.0]
    assert found["batch_size"] == 200
    for term in ("ks", "covariance"):
        mean, low, high = (np.array(found[term][name]) for name in ("mean", "low", "high"))
        assert int(np.argmin(mean)) == 1
        assert mean[1] < 2 < mean[0]
        assert mean[2] < mean[3]
        assert (low <= mean).all()
        assert (mean <= high).all()


def test_blind_spots_are_blind_where_theory_says_so(rng: np.random.Generator) -> None:
    table = {(row["prior"], row["codes"]): row for row in blind_spots(150, rng)}
    one = table["one-hot x1", "one Gaussian"]
    ten = table["one-hot x10", "one Gaussian"]
    assert one["ks"]["mean"] == pytest.approx(1.0, abs=0.15)
    assert one["ks"]["noticed"] < 0.2
    assert ten["ks"]["mean"] > 10
    assert ten["ks"]["noticed"] == 1.0
    flipped = table["(3,3), (-3,-3)", "modes flipped"]
    assert flipped["ks"]["mean"] == pytest.approx(1.0, abs=0.4)
    assert flipped["covariance"]["mean"] == pytest.approx(523, rel=0.05)
    parity = table["even corners", "odd corners"]
    assert parity["ks"]["noticed"] < 0.2
    assert parity["covariance"]["noticed"] < 0.2
    assert parity["sliced"]["mean"] == pytest.approx(11.4, rel=0.15)
    assert parity["sliced"]["noticed"] == 1.0


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_command_writes_numbers_and_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analyse(AnalysisConfig(out=tmp_path, repeats=3, batch_sizes=(20,), points=2))
    results = json.loads((tmp_path / "loss_analysis.json").read_text())
    assert {c["panel"] for c in results["multimodal"]} == {"D = 2", "D = 3"}
    assert 1.0 in results["unimodal"][1]["amounts"]
    assert len(results["structure"]) == 9
    for name in ("unimodal", "multimodal", "structure"):
        assert (tmp_path / f"loss_analysis_{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "odd corners" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"repeats": 1}, {"points": 1}, {"batch_sizes": (100, 1)}])
def test_useless_options_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="at least 2"):
        analyse(AnalysisConfig(out=tmp_path, **wrong))
    assert not list(tmp_path.iterdir())
