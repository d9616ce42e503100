"""The report of a latent space of molecules: tables, drawings, and the parts of its HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.utils.plotting import Picture
from gmae_tf.utils.report import Section, Table, number, percent
from grammar.autoencoder.space import LEVELS, noisy
from grammar.autoencoder.space_report import (
    MAPPED,
    STEPS,
    codes_given_back,
    gaussian_process_table,
    map_picture,
    terms_table,
    walk_codes,
)
from molecules.chem.draw import grid
from molecules.model import MoleculeAutoencoder
from molecules.space.metrics import properties, similarity

MEANS = {
    "valid": ("share of molecules", 3),
    "penalized_logp": ("penalised logP", 3),
    "logp": ("logP", 3),
    "sa": ("SA", 3),
    "qed": ("QED", 3),
    "weight": ("weight, g/mol", 1),
    "rings_above_7": ("share with a ring of more than 7 atoms", 4),
}
"""Title and digits of the means that are shown."""
NO_FCD = (
    "The Fréchet ChemNet distance was not computed: pip install fcd (it needs PyTorch) and "
    "evaluate again."
)
DRAWN, AROUND = 12, 4
"""Molecules of a walk that are drawn at most, and decodes of each noise around one."""


def tables(found: Mapping[str, Any]) -> list[Table]:
    """All tables of `evaluate_space`."""
    n = f"{found['held_out_molecules']:,} held-out molecules"
    exact = Table(
        "Exact reconstruction (greedy)", ("molecules", "exact"), [(n, percent(found["exact"], 2))]
    )
    made = [exact, *terms_table(found["terms"]), _means_table(found), _noise_table(found["noise"])]
    if any(found.get("gp", {}).values()):
        scores = {MEANS[name][0]: row for name, row in found["gp"].items()}
        made.append(gaussian_process_table(scores))
    if found.get("fcd") is not None:
        rows = [("prior samples to held-out molecules", number(found["fcd"]))]
        made.append(Table("Fréchet ChemNet distance", ("molecules", "FCD"), rows))
    return made


def headline(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The most important numbers of `evaluate_space`."""
    noise = found["noise"]["0.6"]
    return [
        ("Reconstructed exactly", percent(found["exact"], 2)),
        (
            "Prior samples, held-out: penalised logP",
            ", ".join(number(found[name].get("penalized_logp"), 2) for name in ("prior", "data")),
        ),
        (
            "Noise 0.6: similarity, change of penalised logP",
            f"{number(noise['similarity'], 2)}, {number(noise['change'], 2)}",
        ),
    ]


def _means_table(found: Mapping[str, Any]) -> Table:
    """Mean properties of held-out molecules, samples and midpoints, and distances."""
    columns = ("mean", "held-out", "prior", "distance", "ex-post", "distance", "midpoints")
    rows = []
    for name, (title, digits) in MEANS.items():
        values = (
            found["data"].get(name),
            found["prior"].get(name),
            found["prior"]["wasserstein"].get(name),
            found["ex_post"].get(name),
            found["ex_post"]["wasserstein"].get(name),
            found["midpoints"].get(name),
        )
        rows.append((title, *(number(value, digits) for value in values)))
    note = (
        "Ex-post: samples of a Gaussian fitted to the held-out codes; midpoints: of random pairs "
        "of held-out codes. Distances are 1-Wasserstein, to the held-out molecules (as in MOSES)."
    )
    return Table("Properties of samples and midpoints", columns, rows, note)


def _noise_table(noise: Mapping[str, Mapping[str, float]]) -> Table:
    columns = ("standard deviation", "same molecule", "similarity", "mean change", "median change")
    rows = [
        (
            level,
            percent(row["same"]),
            *(number(row[name]) for name in ("similarity", "change", "median_change")),
        )
        for level, row in noise.items()
    ]
    note = (
        "Similarity: mean Tanimoto similarity of Morgan fingerprints (radius 2, 2,048 bits). "
        "Change: absolute, of penalised logP."
    )
    return Table("Noise on codes", columns, rows, note)


def sections(
    model: MoleculeAutoencoder, held_out: Sequence[str], found: Mapping[str, Any], seed: int = 0
) -> list[Section]:
    """The parts of the page: tables, a walk and neighbours drawn, and a map of codes."""
    rng = np.random.default_rng(seed)
    chosen = [held_out[i] for i in rng.permutation(len(held_out))[:MAPPED]]
    rules = model.codec.encode([model.normal_form(text) for text in chosen])
    codes = np.asarray(model.network.encode(rules), np.float64)
    written = model.codec.decode(rules)
    first, second = codes_given_back(model.decode_spellings(codes), written)
    logp = np.array([properties(text)[3] for text in written])
    pictures = [
        walk_picture(model, codes[[first, second]], (str(written[first]), str(written[second]))),
        neighbours_picture(model, codes[first], str(written[first]), rng),
        map_picture(codes, logp, "logP"),
    ]
    note = [] if found.get("fcd") is not None else [NO_FCD]
    return [
        Section("Measures", tables(found), note),
        Section("Between and around molecules", pictures=pictures),
    ]


def walk_picture(model: MoleculeAutoencoder, codes: NDArray[Any], ends: tuple[str, str]) -> Picture:
    """Molecules on the straight line between the codes [2, D] of two, which stand at both ends."""
    decoded = model.decode_spellings(walk_codes(*codes))
    shares = np.linspace(0, 100, STEPS).round().astype(int)
    passed = [
        (text, f"{next(part)[1]} %")
        for text, part in groupby(zip(decoded, shares, strict=True), key=lambda pair: pair[0])
        if text and np.isfinite(properties(text)[0])
    ]
    if passed and passed[0][0] == ends[0]:
        passed = passed[1:]
    last = "end"
    if passed and passed[-1][0] == ends[1]:
        last = f"end, from {passed.pop()[1]}"
    if len(passed) > DRAWN - 2:
        kept = np.linspace(0, len(passed) - 1, DRAWN - 2).round().astype(int)
        passed = [passed[i] for i in kept]
    line = [(ends[0], "start"), *passed, (ends[1], last)]
    return Picture(
        "space",
        "walk",
        "A walk between two held-out molecules",
        "Decodes on the straight line between two codes, with the share of the way at which each "
        "begins.",
        _drawn([text for text, _ in line], [legend for _, legend in line], 4),
    )


def neighbours_picture(
    model: MoleculeAutoencoder, code: NDArray[Any], smiles: str, rng: np.random.Generator
) -> Picture:
    """Decodes of a molecule's code with noise, a row for each standard deviation."""
    strings, legends = [], []
    for level in LEVELS:
        moved = model.decode_spellings(noisy(np.repeat(code[None], AROUND, axis=0), level, rng))
        strings += [smiles, *moved]
        legends += ["the molecule"]
        legends += [f"noise {level}: similarity {similarity([smiles], [s]):.2f}" for s in moved]
    shown = [text if text and np.isfinite(properties(text)[0]) else None for text in strings]
    return Picture(
        "space",
        "neighbours",
        "Around a held-out molecule",
        "Decodes of its code with Gaussian noise of each standard deviation, with their Tanimoto "
        "similarity to the molecule on the left.",
        _drawn(
            [text for text in shown if text],
            [legend for text, legend in zip(shown, legends, strict=True) if text],
            AROUND + 1,
        ),
    )


def _drawn(smiles: Sequence[str], legends: Sequence[str], columns: int) -> bytes:
    """A grid of molecules as a PNG."""
    with TemporaryDirectory() as folder:
        return grid(smiles, Path(folder) / "grid.png", legends, columns).read_bytes()
