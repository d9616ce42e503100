"""Print the tables of README.md and docs/expressions.md from the result files.

python docs/tables.py            print them
python docs/tables.py --write    put them into the pages, between their markers
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RESULTS = DOCS / "results" / "expressions"
MODEL = DOCS.parent / "data" / "pretrained" / "expressions" / "model.json"

SEARCHES = {
    "hidden": "six best hidden, 250 evaluations",
    "papers": "nothing hidden, known strings may be found again, 250 evaluations",
    "open": "nothing hidden, new strings only, 250 evaluations",
    "half": "better half hidden, 500 evaluations",
}


def load(name: str) -> dict[str, Any]:
    """A result file by name."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return content


def model_table() -> list[str]:
    """What the pretrained model reaches."""
    results = json.loads(MODEL.read_text())["results"]
    rows = {
        "held-out strings reconstructed exactly (greedy)": "exact_match",
        "weighted KS term of held-out codes": "ks",
        "weighted covariance term of held-out codes": "covariance",
        "prior samples that decode to a complete, valid string": "prior_complete",
        "distinct among them": "prior_distinct",
        "new among them": "prior_new",
    }
    lines = ["| measured on the model | value |", "|---|---|"]
    lines += [f"| {meaning} | {results[key]:.4f} |" for meaning, key in rows.items()]
    return [*lines, f"| epochs | {results['epochs']} |"]


def surrogate_table() -> list[str]:
    """The Gaussian process on all of the data, beside the published ones."""
    lines = ["| Gaussian process, 90,000 / 10,000 | test RMSE | test LL |", "|---|---|---|"]
    results = load("surrogate")
    for row in results["published"]:
        values = row["values"]
        if "rmse" in values:
            lines.append(
                f"| {row['method']}, published | {values['rmse']} | {values['log_likelihood']} |"
            )
    ours = results["surrogate"]
    return [
        *lines,
        f"| ours, mean of {len(ours['seeds'])} seeds "
        f"| {ours['rmse']:.3f} ± {ours['rmse_standard_error']:.3f} "
        f"| {ours['log_likelihood']:.3f} ± {ours['log_likelihood_standard_error']:.3f} |",
    ]


def search_table() -> list[str]:
    """The searches, with their baselines."""
    lines = [
        "| search | seeds | median best | seeds that reach 0 | top 3 | random, median best "
        "| prior samples, median best |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, meaning in SEARCHES.items():
        results = load(name)
        top = ", ".join(f"`{row['string']}` {row['score']:.4f}" for row in results["top"])
        exact = sum(best == 0 for best in results["best_per_seed"])
        baselines = [
            f"{results['baselines'][b]['median_best']:.4f}" if b in results["baselines"] else "–"
            for b in ("random", "prior")
        ]
        lines.append(
            f"| {meaning} | {len(results['seeds'])} | {results['median_best']:.4f} | {exact} "
            f"| {top} | {' | '.join(baselines)} |"
        )
    return lines


def headline() -> str:
    """The few numbers of README.md."""
    model = json.loads(MODEL.read_text())["results"]
    gp, hidden = load("surrogate")["surrogate"], load("hidden")
    exact = sum(best == 0 for best in hidden["best_per_seed"])
    random = hidden["baselines"]["random"]["median_best"]
    return "\n".join(
        [
            "| expressions | published | here |",
            "|---|---|---|",
            "| Gaussian process on 90,000 codes: test RMSE, log likelihood | 0.877, -1.309 (GMAE) "
            f"| {gp['rmse']:.3f}, {gp['log_likelihood']:.3f} |",
            "| best score in 250 evaluations, the six best strings hidden "
            f"| – | median {hidden['median_best']:g}, the exact expression in {exact} of "
            f"{len(hidden['seeds'])} seeds (random strings: median {random:.3f}) |",
            f"| held-out strings reconstructed exactly | – | {model['exact_match']:.4f} |",
            "| decodes that are complete strings | 0.99 (GVAE, in its search) "
            f"| {model['prior_complete']:.2f} of 10,000 prior samples |",
        ]
    )


def tables() -> str:
    """All tables of docs/expressions.md."""
    parts = (model_table(), surrogate_table(), search_table())
    return "\n\n".join("\n".join(part) for part in parts)


PAGES = {
    DOCS.parent / "README.md": ("headline", headline),
    DOCS / "expressions.md": ("tables", tables),
}


def page_with_tables(page: Path) -> str:
    """The text of a page, with its tables as the result files have them."""
    name, make = PAGES[page]
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = page.read_text()
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}\n{make()}\n{end}{after}"


def main() -> None:
    """Print, or write into the pages."""
    for page, (_, make) in PAGES.items():
        if "--write" in sys.argv:
            page.write_text(page_with_tables(page))
        else:
            print(make(), end="\n\n")


if __name__ == "__main__":
    main()
