"""Tables of surrogates and searches that expressions and molecules share."""

from __future__ import annotations

from typing import Any

from experiments.tables.markdown import grid


def surrogate_table(split: str, ours: dict[str, dict[str, Any]]) -> list[str]:
    """Held-out errors of Gaussian processes beside the published ones; ours by name."""
    rows = [
        [f"{row['method']}, published", row["values"]["rmse"], row["values"]["log_likelihood"]]
        for row in next(iter(ours.values()))["published"]
        if "rmse" in row["values"]
    ]
    for name, results in ours.items():
        seeds = len(results["surrogate"]["seeds"])
        of = f"mean of {seeds} seeds" if seeds > 1 else "1 seed"
        rows.append([f"{name}, {of}", *reversed(surrogate_quality(results))])
    return grid([f"Gaussian process, {split}", "test RMSE", "test LL"], rows)


def surrogate_quality(results: dict[str, Any]) -> list[str]:
    """Log likelihood and error of a Gaussian process, with standard errors if there are seeds."""
    quality = results["surrogate"]
    errors = {key: quality[f"{key}_standard_error"] for key in ("log_likelihood", "rmse")}
    return [
        f"{quality[key]:.3f}" + ("" if error is None else f" ± {error:.3f}")
        for key, error in errors.items()
    ]


def coverage(results: dict[str, Any]) -> str:
    """Scores inside the 90 % interval."""
    return f"{100 * results['calibration']['coverage']:.0f} %"


def baseline_bests(results: dict[str, Any], digits: int) -> list[str]:
    """Median best of random strings and of prior samples."""
    found = results["baselines"]
    return [
        f"{found[name]['median_best']:.{digits}f}" if name in found else "–"
        for name in ("random", "prior")
    ]
