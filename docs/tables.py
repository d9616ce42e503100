"""Print the tables of docs/expressions.md from the result files beside it.

python docs/tables.py            print them
python docs/tables.py --write    put them into docs/expressions.md, between its markers
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RESULTS = DOCS / "results" / "expressions"
MODEL = DOCS.parent / "data" / "pretrained" / "expressions" / "model.json"
PAGE = DOCS / "expressions.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

SEARCHES = {
    "hidden": "six best hidden, 250 evaluations",
    "open": "nothing hidden, 250 evaluations",
    "half": "better half hidden, 500 evaluations",
    "ei": "six best hidden, 250 evaluations, strategy `ei`",
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
        baselines = [f"{results['baselines'][b]['median_best']:.4f}" for b in ("random", "prior")]
        lines.append(
            f"| {meaning} | {len(results['seeds'])} | {results['median_best']:.4f} | {exact} "
            f"| {top} | {' | '.join(baselines)} |"
        )
    return lines


def tables() -> str:
    """All tables as Markdown."""
    parts = (model_table(), surrogate_table(), search_table())
    return "\n\n".join("\n".join(part) for part in parts)


def main() -> None:
    """Print, or write into the page."""
    if "--write" not in sys.argv:
        print(tables())
        return
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{after}")


if __name__ == "__main__":
    main()
