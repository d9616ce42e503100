"""The tables and sentences that put the results of an evaluation into words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN = "–"
LOWER, HIGHER = "↓", "↑"
SECTIONS = {
    "generation": "Generated images",
    "clusters": "Components as clusters",
    "latent": "Codes and prior",
    "reconstruction": "Reconstruction",
    "training": "Training",
}
DENSITIES = {
    "prior": "the prior",
    "mixture": "ex-post mixture of ten Gaussians",
    "gaussian": "ex-post Gaussian",
    "kde": "ex-post kernel density",
}
TERMS = {"ks": "KS term", "covariance": "covariance term", "sliced": "sliced term"}
GUIDED = (
    "The training was guided (--guide neighbours): groups of images were found beforehand, without "
    "labels, and each image was drawn to the component of its group."
)


@dataclass(frozen=True)
class Row:
    """`cells` are formatted; `note` explains the row; an anchor row is set back."""

    cells: tuple[str, ...]
    note: str = ""
    anchor: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its anchor `name`; arrows say what is better."""

    name: str
    title: str
    columns: tuple[str, ...]
    """None where a row is a name and its value."""
    rows: tuple[Row, ...]


def tables(results: Mapping[str, Any]) -> dict[str, list[Table]]:
    """All tables of `evaluation.json`, by section."""
    made = {
        "generation": [generation_table(results["generation"])] if results["generation"] else [],
        "clusters": [clusters_table(results["clusters"])] if results["clusters"] else [],
        "latent": latent_tables(results["latent"]),
        "reconstruction": [reconstruction_table(results["reconstruction"])],
        "training": [],
    }
    return made


def generation_table(values: Mapping[str, Any]) -> Table:
    """Sets of images against the test set."""
    extractor = values["extractor"]
    keys = {"sliced_wasserstein": _marked("sliced W2", LOWER)}
    if extractor is not None:
        keys = {
            "frechet": _marked(extractor["name"], LOWER),
            "kernel": _marked("KID", LOWER),
            "f8": _marked("PRD F8", HIGHER),
            "f1_8": _marked("PRD F1/8", HIGHER),
            "precision": _marked("precision", HIGHER),
            "recall": _marked("recall", HIGHER),
            **keys,
        }
    rows = tuple(
        Row(
            (row["name"], *(_measure(key, row[key]) for key in keys)),
            row["what"],
            row["kind"] == "anchor",
        )
        for row in values["rows"]
    )
    return Table("generation-table", "Against test images", ("images", *keys.values()), rows)


def _measure(key: str, value: float | None) -> str:
    if key in ("f8", "f1_8", "precision", "recall"):
        return number(value, 3)
    if key == "kernel" and value is not None and abs(value) < 0.1:
        return number(value, 5)  # near 0 its digits are noise
    return number(value)


def clusters_table(values: Mapping[str, Any]) -> Table:
    """Agreement of clusters and classes."""
    shares = values["component_shares"]
    rows = (
        ("accuracy, one to one (Hungarian)", percent(values["accuracy"]), HIGHER),
        ("accuracy, majority of training labels", percent(values["majority_accuracy"]), HIGHER),
        ("normalised mutual information", number(values["nmi"], 3), HIGHER),
        ("mean average precision", number(values["map"], 3), HIGHER),
        ("confidence (mean largest responsibility)", percent(values["confidence"]), ""),
        ("smallest and largest component", f"{percent(min(shares))}, {percent(max(shares))}", ""),
    )
    return _values("clusters-table", "Components against labels", rows)


def latent_tables(values: Mapping[str, Any]) -> list[Table]:
    """Terms of the loss, independence, densities."""
    made = []
    if values["terms"] is not None:
        terms = [(TERMS[k], number(v), "") for k, v in values["terms"].items()]
        made.append(_values("terms-table", "Codes against the prior, goal 1", terms))
    own = values["independence"]
    active = f"{own['active']} of {values['latent_dim']}"
    rows = [
        ("active dimensions", active, ""),
        ("mean absolute correlation (NAC)", number(own["correlation"], 4), LOWER),
        ("the same of so many independent codes", number(own["floor"], 4), ""),
        ("correlation, difference from the prior's", number(own["correlation_gap"], 4), LOWER),
        ("mean absolute covariance", number(own["covariance"], 4), LOWER),
        ("covariance, difference from the prior's", number(own["covariance_gap"], 4), LOWER),
    ]
    made.append(_values("independence-table", "Independence of the coordinates", rows))
    likelihoods = values["log_likelihood"]
    rows = [
        (DENSITIES[k], number(likelihoods[k], 3), HIGHER) for k in DENSITIES if k in likelihoods
    ]
    made.append(_values("density-table", "Log-likelihood of test codes, nats", rows))
    return made


def reconstruction_table(values: Mapping[str, Any]) -> Table:
    """Errors on test images."""
    rows = (
        ("mean squared error, pixels in [0, 1]", number(values["mse"]), LOWER),
        ("peak signal-to-noise ratio, dB", number(values["psnr"], 2), HIGHER),
    )
    return _values("reconstruction-table", "Test images", rows)


def sentences(results: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a reader must know beside the numbers of each section."""
    made: dict[str, list[str]] = {name: [] for name in SECTIONS}
    generation, clusters, latent = results["generation"], results["clusters"], results["latent"]
    if generation is not None:
        made["generation"] = _generation_sentences(generation)
    if clusters is not None:
        shares = ", ".join(percent(share) for share in clusters["component_shares"])
        made["clusters"] = [
            f"Clusters are {clusters['source']}; each of {clusters['images']:,} test images "
            "belongs to the most probable one. No label was used in training. The mean average "
            f"precision is the {clusters['map_definition']}.",
            *([GUIDED] if results["options"].get("guide") == "neighbours" else []),
            f"Shares of components 1 to {clusters['components']}: {shares}.",
        ]
    else:
        made["clusters"] = ["The data set has no labels to compare the components with."]
    made["latent"] = [
        f"{latent['images']:,} test images, encoded in evaluation mode."
        + (
            f" The terms are means over batches of {latent['batch_size']}, as in training, and "
            "each is 1 on average for samples of the prior: above 1 the codes differ from it, "
            "below 1 they are more regular than samples."
            if latent["terms"] is not None
            else " This model has no prior."
        )
    ]
    made["reconstruction"] = [
        f"{results['reconstruction']['images']:,} test images, reconstructions rounded to the "
        "nearest of 256 levels."
    ]
    return made


def _generation_sentences(values: Mapping[str, Any]) -> list[str]:
    extractor = values["extractor"]
    made = [
        f"Every row compares {values['n']:,} images with {values['n']:,} test images, all in "
        "8 bits (decoded pixels are rounded to the nearest of 256 levels, none is stretched). "
        "Interpolations are straight, because the mean of a mixture is not 0 and a spherical path "
        "about the origin would lead out of it."
    ]
    if extractor is None:
        return [*made, "Sliced W2 is the sliced Wasserstein distance of order 2 between pixels."]
    name = extractor["name"]
    if extractor["test_accuracy"] is not None:
        made.append(
            f"{name} is the Frechet distance in the {extractor['dim']} features of a classifier of "
            f"this data set that was trained with this project and is right on "
            f"{percent(extractor['test_accuracy'])} of its test images. It is not FID, and only "
            "numbers of the same name compare."
        )
    else:
        made.append(f"{name} is in the {extractor['dim']} features of the published Inception.")
    made.append(
        "KID is the squared maximum mean discrepancy in the same features; PRD F8 and F1/8 are "
        "recall and precision for distributions, precision and recall those of the three nearest "
        "neighbours; sliced W2 is the sliced Wasserstein distance of order 2 between pixels."
    )
    gap = values["prior_gap_percent"]
    if gap is not None:
        side = "above" if gap >= 0 else "below"
        made.append(
            f"Prior samples are {abs(gap):.1f} % {side} samples of the ex-post mixture in {name}: "
            "0 % would mean that the codes fill the prior."
        )
    return made


def headline(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The few numbers at the top of the page."""
    made = []
    generation, clusters = results["generation"], results["clusters"]
    if generation is not None and generation["extractor"] is not None:
        by_name = {row["name"]: row["frechet"] for row in generation["rows"]}
        shown = ("prior samples", "ex-post mixture", "reconstructions", "interpolations")
        text = ", ".join(f"{name} {number(by_name[name])}" for name in shown if name in by_name)
        made.append((f"{generation['extractor']['name']} {LOWER}", text))
    if clusters is not None:
        text = f"accuracy {percent(clusters['accuracy'])}, NMI {number(clusters['nmi'], 3)}"
        made.append((f"Clusters {HIGHER}", text))
    terms = results["latent"]["terms"]
    if terms is not None:
        text = ", ".join(f"{TERMS[k]} {number(v)}" for k, v in terms.items())
        made.append(("Codes (goal 1)", text))
    own = results["reconstruction"]
    made.append((f"Reconstruction {LOWER}", f"mean squared error {number(own['mse'])}"))
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


def _values(name: str, title: str, rows: Sequence[tuple[str, str, str]]) -> Table:
    """A table of names, values and what is better."""
    made = tuple(Row((_marked(label, mark), value)) for label, value, mark in rows)
    return Table(name, title, (), made)


def _marked(label: str, mark: str) -> str:
    return f"{label}\u00a0{mark}" if mark else label  # an arrow does not stand alone on a line
