"""The tables and sentences that put the results of an evaluation into words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment

UNKNOWN = "–"
LOWER, HIGHER = "↓", "↑"
SECTIONS = {
    "generation": "Generated images",
    "clusters": "Components as clusters",
    "latent": "Codes and prior",
    "reconstruction": "Reconstruction",
    "training": "Training",
}
SCORES = {
    "kernel": f"KID\u00a0{LOWER}",
    "f8": f"PRD F8\u00a0{HIGHER}",
    "f1_8": f"PRD F1/8\u00a0{HIGHER}",
    "precision": f"precision\u00a0{HIGHER}",
    "recall": f"recall\u00a0{HIGHER}",
}
DENSITIES = {
    "prior": "the prior",
    "mixture": "ex-post mixture of ten Gaussians",
    "gaussian": "ex-post Gaussian",
    "kde": "ex-post kernel density",
}
TERMS = {"ks": "KS term", "covariance": "covariance term", "sliced": "sliced term"}
TEMPLATES = Path(__file__).parents[1] / "templates"


class Row(NamedTuple):
    """`cells` are formatted; `note` explains the row; an anchor row is set back."""

    cells: tuple[str, ...]
    note: str = ""
    anchor: bool = False


class Table(NamedTuple):
    """A table with its anchor `name`; no columns where a row is a name and its value."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def tables(results: Mapping[str, Any]) -> dict[str, list[Table]]:
    """All tables of `evaluation.json`, by section; arrows say what is better."""
    made: dict[str, list[Table]] = {name: [] for name in SECTIONS}
    if results["generation"]:
        made["generation"].append(_generation_table(results["generation"]))
    if found := results["clusters"]:
        shares = found["component_shares"]
        extremes = f"{percent(min(shares))}, {percent(max(shares))}"
        rows = {
            f"accuracy, one to one (Hungarian) {HIGHER}": percent(found["accuracy"]),
            f"accuracy, majority of training labels {HIGHER}": percent(found["majority_accuracy"]),
            f"normalised mutual information {HIGHER}": number(found["nmi"], 3),
            f"mean average precision {HIGHER}": number(found["map"], 3),
            "confidence (mean largest responsibility)": percent(found["confidence"]),
            "smallest and largest component": extremes,
        }
        made["clusters"].append(_values("clusters-table", "Components against labels", rows))
    latent, errors = results["latent"], results["reconstruction"]
    if latent["terms"] is not None:
        rows = {TERMS[name]: number(value) for name, value in latent["terms"].items()}
        made["latent"].append(_values("terms-table", "Codes against the prior, goal 1", rows))
    own = latent["independence"]
    rows = {
        "active dimensions": f"{own['active']} of {latent['latent_dim']}",
        f"mean absolute correlation (NAC) {LOWER}": number(own["correlation"], 4),
        "the same of so many independent codes": number(own["floor"], 4),
        f"correlation, difference from the prior's {LOWER}": number(own["correlation_gap"], 4),
        f"mean absolute covariance {LOWER}": number(own["covariance"], 4),
        f"covariance, difference from the prior's {LOWER}": number(own["covariance_gap"], 4),
    }
    made["latent"].append(_values("independence-table", "Independence of the coordinates", rows))
    likelihoods = latent["log_likelihood"]
    rows = {
        f"{words} {HIGHER}": number(likelihoods[kind], 3)
        for kind, words in DENSITIES.items()
        if kind in likelihoods
    }
    made["latent"].append(_values("density-table", "Log-likelihood of test codes, nats", rows))
    rows = {
        f"mean squared error, pixels in [0, 1] {LOWER}": number(errors["mse"]),
        f"peak signal-to-noise ratio, dB {HIGHER}": number(errors["psnr"], 2),
    }
    made["reconstruction"].append(_values("reconstruction-table", "Test images", rows))
    return made


def _generation_table(values: Mapping[str, Any]) -> Table:
    """Sets of images against the test set."""
    extractor, columns = values["extractor"], {}
    if extractor is not None:
        columns = {"frechet": f"{extractor['name']}\u00a0{LOWER}", **SCORES}
    columns["sliced_wasserstein"] = f"sliced W2\u00a0{LOWER}"

    def shown(key: str, value: float | None) -> str:
        if key == "kernel" and value is not None and abs(value) < 0.1:
            return number(value, 5)  # near 0 its digits are noise
        return number(value, 3 if key in SCORES and key != "kernel" else None)

    rows = (
        Row(
            (row["name"], *(shown(key, row[key]) for key in columns)),
            row["what"],
            row["kind"] == "anchor",
        )
        for row in values["rows"]
    )
    head = ("images", *columns.values())
    return Table("generation-table", "Against test images", head, tuple(rows))


def sentences(results: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a reader must know beside the numbers of each section: the macros of a template."""
    macros = environment(autoescape=False).get_template("sentences.j2").module
    made = {}
    for name in SECTIONS:
        lines = str(getattr(macros, name)(results)).splitlines()
        made[name] = [line.strip() for line in lines if line.strip()]
    return made


def environment(*, autoescape: bool = True) -> Environment:
    """The templates of an evaluation, with its formats as filters."""
    from gmae_tf.utils.html import page_environment

    made = page_environment(TEMPLATES, autoescape=autoescape)
    made.filters.update(number=number, percent=percent)
    return made


def number(value: float | None, decimals: int | None = None) -> str:
    """Four digits that count, or so many decimals; thousands apart, never an exponent."""
    if value is None:
        return UNKNOWN
    if decimals is None:
        decimals = 3 - math.floor(math.log10(abs(value))) if value else 0
        decimals = min(8, max(0, decimals))
    return f"{value:,.{decimals}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share in per cent; 100 % is all of them, never almost all."""
    shown = f"{100 * share:.0f}" if share in (0, 1) else f"{min(100 * share, 99.9):.1f}"
    return f"{shown}\u00a0%"


def _values(name: str, title: str, rows: Mapping[str, str]) -> Table:
    """A table of names and values; an arrow does not stand alone on a line."""
    glued = {
        label.replace(f" {LOWER}", f"\u00a0{LOWER}").replace(f" {HIGHER}", f"\u00a0{HIGHER}"): value
        for label, value in rows.items()
    }
    return Table(name, title, (), tuple(Row(pair) for pair in glued.items()))
