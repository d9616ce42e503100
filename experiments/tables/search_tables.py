"""Tables of what the searches are measured against, for docs/tables.py."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
BENCHMARKS = DOCS.parent / "experiments" / "benchmarks" / "results"
IMPROVED = DOCS / "results" / "molecules" / "improve.json"

JIN = "JT-VAE, Jin et al. 2018", 0.84, 1.45, 83.6
YOU = "GCPN, You et al. 2018", 2.49, 1.30, 100.0


def gplearn_table() -> list[str]:
    """Errors on hidden targets, ours and gplearn's with its best population."""
    path = BENCHMARKS / "gplearn_targets.json"
    if not path.exists():
        return []
    found: dict[str, Any] = json.loads(path.read_text())
    size = str(found["population"])
    lines = [
        f"| hidden target, {found['evaluations']} evaluations, median of {found['seeds']} seeds "
        f"| ours | found | gplearn, populations of {size} |",
        "|---|---|---|---|",
    ]
    for row in found["results"]:
        ours = statistics.median(row["ours"])
        best = row["found"][row["ours"].index(min(row["ours"]))]
        theirs = statistics.median(row["gplearn"][size])
        lines.append(f"| `{row['target']}` | {ours:.4f} | `{best}` | {theirs:.4f} |")
    lines.append(
        f"| ours is better on {found['ours_better']}, gplearn on {found['gplearn_better']}, equal "
        f"on {found['equal']}; median | {found['median_ours']:.4f} | "
        f"| {found['median_gplearn']:.4f} |"
    )
    return lines


def oracle_table() -> list[str]:
    """Ranks of what was found where nothing fits exactly, among all short expressions."""
    path = BENCHMARKS / "oracle_rank.json"
    if not path.exists():
        return []
    found: dict[str, Any] = json.loads(path.read_text())
    rows = found["results"]
    lines = [
        f"| no string fits exactly, {found['budget']} evaluations | best scores "
        f"| ranks among all {rows[0]['expressions']:,} of at most {found['longest']} productions "
        "| the best of these | random draws, ranks |",
        "|---|---|---|---|---|",
    ]
    names = {"mixture": "a formula outside the grammar", "decay": "data with 10 % noise"}
    for target, name in names.items():
        seeds = sorted((row for row in rows if row["target"] == target), key=lambda r: r["score"])
        scores = ", ".join(f"{row['score']:.4f}" for row in seeds)
        ranks = ", ".join(f"{row['rank']:,}" for row in seeds)
        random = ", ".join(f"{row['random_rank']:,}" for row in seeds)
        best = f"{seeds[0]['best_of_all']:.4f}"
        lines.append(f"| {name} | {scores} | {ranks} | {best} | {random} |")
    return lines


def ablation_table() -> list[str]:
    """The search for expressions without its parts, one after the other."""
    path = BENCHMARKS / "search_ablation.json"
    if not path.exists():
        return []
    found: dict[str, Any] = json.loads(path.read_text())
    lines = [
        f"| better half hidden, {found['budget']} evaluations, {found['seeds']} seeds "
        "| median best | worst seed | exact | evaluations to 0.11, median |",
        "|---|---|---|---|---|",
    ]
    for row in found["results"]:
        name = {"random": "random strings", "prior": "prior samples"}.get(row["search"])
        reached = "–" if row["reached"] is None else row["reached"]
        lines.append(
            f"| {name or row['search']} | {row['median']:.4f} | {row['worst']:.4f} "
            f"| {row['exact']} | {reached} |"
        )
    return lines


def batch_table() -> list[str]:
    """Seconds of a batch on 90,000 points."""
    path = BENCHMARKS / "search_batch.json"
    if not path.exists():
        return []
    found: dict[str, Any] = json.loads(path.read_text())
    lines = [
        f"| a batch of {found['batch_size']}: refit, propose, decode, score | training points "
        "| first fit | each batch |",
        "|---|---|---|---|",
    ]
    for row in found["results"]:
        name = {"best": "default", "paper": "`--protocol paper`"}[row["protocol"]]
        lines.append(
            f"| {name} | {row['points']:,} | {row['first_fit']:.0f} s | {row['batch']:.0f} s |"
        )
    return lines


def improve_table() -> list[str]:
    """Improvements near given molecules, beside the published ones."""
    if not IMPROVED.exists():
        return []
    found: dict[str, Any] = json.loads(IMPROVED.read_text())
    config, rows = found["config"], found["molecules"]
    lines = [
        f"| penalised logP at similarity {config['min_similarity']} or more | improvement "
        "| improved | molecules, evaluations each |",
        "|---|---|---|---|",
    ]
    for name, mean, deviation, success in (JIN, YOU):
        lines.append(f"| {name} | {mean:.2f} ± {deviation:.2f} | {success:g} % | 800 |")
    names = {"turbo": "ours", "random": "random known molecules that are similar"}
    for key, name in names.items():
        each = found[key]
        lines.append(
            f"| {name} | {each['improvement']:.2f} ± {each['deviation']:.2f} "
            f"| {100 * each['success']:.4g} % | {len(rows)}, {each['evaluations']:.0f} |"
        )
    return lines
