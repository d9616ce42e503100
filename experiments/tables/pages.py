"""Print the tables of README.md and of the pages beside this file from the result files.

python -m experiments.tables.pages            print them
python -m experiments.tables.pages --write    put them into the pages, between their markers
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from experiments.tables.search_tables import (
    ablation_table,
    batch_table,
    gplearn_table,
    improve_table,
    oracle_table,
)

EXACT = 1e-9
"""Scores below differ from 0 by rounding."""
DOCS = Path(__file__).resolve().parents[2] / "docs"
RESULTS = DOCS / "results"
MODELS = DOCS.parent / "data" / "pretrained"
BENCHMARKS = DOCS.parent / "experiments" / "benchmarks" / "results"

SEARCHES = {
    "hidden": "six best hidden, 250 evaluations",
    "papers": "nothing hidden, `--protocol paper`, 250 evaluations",
    "open": "nothing hidden, new strings only, 250 evaluations",
    "half": "better half hidden, 500 evaluations",
}


MOLECULE_SEARCHES = {
    "penalized_logp": "penalised logP, at most 38 heavy atoms",
    "uncapped": "penalised logP, at most 69 heavy atoms",
    "qed": "QED, no structural alerts",
}

MOLECULE_SURROGATES = {
    "surrogate": "deep kernel on the decoder's plan",
    "surrogate_nearest": "nearest neighbours on the codes",
    "surrogate_sparse": "inducing points on the codes, as published",
}


def read(path: Path) -> dict[str, Any]:
    """A JSON file."""
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def load(name: str, experiment: str = "expressions") -> dict[str, Any]:
    """A result file by name."""
    return read(RESULTS / experiment / f"{name}.json")


def trained(experiment: str) -> dict[str, Any]:
    """What a pretrained model was measured to do."""
    results: dict[str, Any] = read(MODELS / experiment / "model.json")["results"]
    return results


def model_table() -> list[str]:
    """What the pretrained model reaches."""
    results = trained("expressions")
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
    return gaussian_process("90,000 / 10,000", {"ours": load("surrogate")})


def gaussian_process(split: str, ours: dict[str, dict[str, Any]]) -> list[str]:
    """Held-out errors beside the published ones; ours by name."""
    lines = [f"| Gaussian process, {split} | test RMSE | test LL |", "|---|---|---|"]
    for row in next(iter(ours.values()))["published"]:
        values = row["values"]
        if "rmse" in values:
            lines.append(
                f"| {row['method']}, published | {values['rmse']} | {values['log_likelihood']} |"
            )
    return lines + [_quality(name, results["surrogate"]) for name, results in ours.items()]


def _quality(name: str, quality: dict[str, Any]) -> str:
    """A row of the mean over seeds, with its standard error."""
    seeds = len(quality["seeds"])
    shown = []
    for key in ("rmse", "log_likelihood"):
        error = quality[f"{key}_standard_error"]
        shown.append(f"{quality[key]:.3f}" + ("" if error is None else f" ± {error:.3f}"))
    of = f"mean of {seeds} seeds" if seeds > 1 else "1 seed"
    return f"| {name}, {of} | {' | '.join(shown)} |"


def search_table() -> list[str]:
    """The searches, with their baselines."""
    lines = [
        "| search | seeds | median best | worst seed | seeds that reach 0 | in the 90 % interval "
        "| top 3 | random, median best | prior samples, median best |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, meaning in SEARCHES.items():
        if not (RESULTS / "expressions" / f"{name}.json").exists():
            continue
        results = load(name)
        top = ", ".join(f"`{row['string']}` {row['score']:.4f}" for row in results["top"])
        exact = sum(best < EXACT for best in results["best_per_seed"])
        baselines = [
            f"{results['baselines'][b]['median_best']:.4f}" if b in results["baselines"] else "–"
            for b in ("random", "prior")
        ]
        lines.append(
            f"| {meaning} | {len(results['seeds'])} | {results['median_best']:.4f} "
            f"| {max(results['best_per_seed']):.4f} | {exact} "
            f"| {100 * results['calibration']['coverage']:.0f} % | {top} "
            f"| {' | '.join(baselines)} |"
        )
    return lines


def headline() -> str:
    """The few numbers of README.md."""
    model = trained("expressions")
    gp, hidden = load("surrogate")["surrogate"], load("hidden")
    exact = sum(best < EXACT for best in hidden["best_per_seed"])
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
            *molecule_headline(),
            *image_headline(),
        ]
    )


def image_headline() -> list[str]:
    """The images in README.md: means over the seeds of the preset, and the published loss."""
    found = {
        name: load(f"final_{name}", "images")["results"] for name in ("mnist", "fashion_mnist")
    }
    studies = {name: load(f"study_{name}", "images")["results"] for name in found}

    def average(rows: list[dict[str, Any]], key: str, *about: Any) -> float:
        chosen = [r[key] for r in rows if (r["guide"], r["scale"], r["sliced"]) == about]
        return sum(chosen) / len(chosen)

    def guided(name: str, key: str) -> float:
        scale = max(r["scale"] or 0 for r in found[name])
        return average(found[name], key, "neighbours", scale, 0)

    def both(name: str) -> str:
        ours = [guided(name, key) for key in ("accuracy", "nmi")]
        alone = [average(studies[name], key, "none", 1, 0) for key in ("accuracy", "nmi")]
        return (
            f"{ours[0]:.1%}, {ours[1]:.2f} (guided, no labels); published loss alone, "
            f"20,000 images, "
            f"{alone[0]:.1%}, {alone[1]:.2f}"
        )

    prior, ex_post = (guided("mnist", key) for key in ("fd_prior", "fd_ex_post"))
    plain = average(found["mnist"], "fd_ex_post", "none", None, 0)
    return [
        "| **images (small network, 2 seeds)** | **published** | **here** |",
        f"| MNIST, components as clusters: accuracy, NMI | 85.5%, 0.72 (GMAE) | {both('mnist')} |",
        f"| Fashion-MNIST, the same | 56.2%, 0.60 (GMAE) | {both('fashion_mnist')} |",
        "| MNIST, distance of prior samples and of ex-post samples | 13.1, 12.8 (FID) "
        f"| {prior:.1f}, {ex_post:.1f} (fd_clf; plain autoencoder, ex-post: {plain:.1f}) |",
    ]


def molecule_headline() -> list[str]:
    """The molecules in README.md."""
    model, gp = trained("molecules"), load("surrogate", "molecules")["surrogate"]
    near = load("surrogate_nearest", "molecules")["surrogate"]
    best = load("penalized_logp", "molecules")
    top = ", ".join(f"{row['score']:.2f}" for row in best["top"])
    samples = model["prior_samples"]
    return [
        "| **molecules (ZINC 250k)** | **published** | **here** |",
        "| Gaussian process on 220,000 codes: test RMSE, log likelihood | 1.400, -1.689 (GMAE) "
        f"| {gp['rmse']:.3f}, {gp['log_likelihood']:.3f} (deep kernel); on the codes "
        f"alone {near['rmse']:.3f}, {near['log_likelihood']:.3f} |",
        "| best three by penalised logP | 5.30, 4.93, 4.49 (JT-VAE, 2,500 evaluations) "
        f"| {top} (at most 38 heavy atoms, {len(best['seeds'])} seeds of "
        f"{best['evaluations_per_seed'][0]} evaluations) |",
        "| held-out molecules reconstructed exactly | 0.537 (GVAE, sampled) "
        f"| {model['exact_match']:.3f} (greedy) |",
        "| decodes that are valid molecules | 0.72 (GMAE, in its search) "
        f"| {samples['valid']:.4f} of {samples['sampled']:,} prior samples |",
    ]


def molecule_model_table() -> list[str]:
    """What the pretrained model of molecules reaches."""
    results = trained("molecules")
    samples = results["prior_samples"]
    rows = {
        "held-out molecules reconstructed exactly (greedy)": results["exact_match"],
        "cross-entropy of held-out molecules, nats a molecule": results["reconstruction_nats"],
        "weighted KS term of held-out codes": results["ks"],
        "weighted covariance term of held-out codes": results["covariance"],
        f"valid, of {samples['sampled']:,} prior samples": samples["valid"],
        "distinct among the valid": samples["unique"],
        "not in the training data, among the distinct": samples["novel"],
        "internal diversity": samples["diversity"],
        "scaffolds": samples["scaffolds"],
        "epochs": len(results["history"]),
    }
    lines = ["| measured on the model | value |", "|---|---|"]
    return lines + [
        f"| {meaning} | {value:,} |" if isinstance(value, int) else f"| {meaning} | {value:.4f} |"
        for meaning, value in rows.items()
    ]


def curve_table() -> list[str]:
    """Reconstruction against epochs."""
    lines = [
        "| epoch | exact | nats | KS term | covariance term |",
        "|---|---|---|---|---|",
    ]
    for epoch, row in enumerate(trained("molecules")["history"], start=1):
        lines.append(
            f"| {epoch} | {row['val_exact_match']:.3f} | {row['val_reconstruction']:.2f} "
            f"| {row['val_ks']:.2f} | {row['val_covariance']:.2f} |"
        )
    return lines


def mask_table() -> list[str]:
    """Share of valid decodes by mask."""
    shares = trained("molecules")["valid_by_mask"]
    lines = ["| valid with masks | prior samples | random logits |", "|---|---|---|"]
    for name, share in shares["prior"].items():
        lines.append(f"| {name.replace('_', '-')} | {share:.4f} | {shares['random'][name]:.4f} |")
    return lines


def molecule_surrogate_table() -> list[str]:
    """The Gaussian processes on all molecules, beside the published ones."""
    ours = {
        f"ours, {meaning}": load(name, "molecules") for name, meaning in MOLECULE_SURROGATES.items()
    }
    return gaussian_process("90 % / 10 % of the training molecules", ours)


def molecule_search_table() -> list[str]:
    """The searches for molecules, with their baselines."""
    lines = [
        "| search | evaluations | top 3 | median best | worst seed | in the 90 % interval | valid "
        "| average | random, median best | prior samples, median best |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, meaning in MOLECULE_SEARCHES.items():
        if not (RESULTS / "molecules" / f"{name}.json").exists():
            continue
        results = load(name, "molecules")
        top = "<br>".join(f"`{row['string']}` {row['score']:.3f}" for row in results["top"])
        each = results["evaluations_per_seed"]
        baselines = [
            f"{results['baselines'][b]['median_best']:.3f}" if b in results["baselines"] else "–"
            for b in ("random", "prior")
        ]
        lines.append(
            f"| {meaning} | {len(each)} × {each[0]} | {top} | {results['median_best']:.3f} "
            f"| {min(results['best_per_seed']):.3f} "
            f"| {100 * results['calibration']['coverage']:.0f} % "
            f"| {results['validity']:.2f} | {results['average_score']:.2f} "
            f"| {' | '.join(baselines)} |"
        )
    return lines


def published_table() -> list[str]:
    """What else is known of penalised logP."""
    lines = ["| method | top 3 | valid | average | source |", "|---|---|---|---|---|"]
    for row in load("penalized_logp", "molecules")["published"]:
        values = row["values"]
        scores = values.get("top", ())
        top = ", ".join(s if isinstance(s, str) else f"{s:.2f}" for s in scores)
        if not top:
            continue
        lines.append(
            f"| {row['method']} | {top} | {values.get('validity', '–')} "
            f"| {values.get('average_score', '–')} | {row['source']} |"
        )
    return lines


def speed_table() -> list[str]:
    """Parsing and decoding."""
    parser, decoder = (
        read(BENCHMARKS / f"{name}.json") for name in ("smiles_parser", "molecule_decode")
    )
    masked = decoder["masks"]["length-aware + rings + valences, all rules"]["seconds"]
    return [
        "| speed, one core | time |",
        "|---|---|",
        f"| parse a molecule, nltk's chart parser | {parser['nltk_microseconds'] / 1000:.2f} ms |",
        f"| parse a molecule, ours ({parser['ratio']:.0f} times faster) "
        f"| {parser['ours_microseconds']:.1f} µs |",
        f"| decode {decoder['codes']:,} codes of {decoder['steps']} steps, all masks, without the "
        f"network | {masked:.2f} s |",
    ]


def molecule_tables() -> str:
    """All tables of docs/molecules.md."""
    parts = (
        molecule_model_table(),
        curve_table(),
        mask_table(),
        molecule_surrogate_table(),
        molecule_search_table(),
        published_table(),
        improve_table(),
        speed_table(),
    )
    return "\n\n".join("\n".join(part) for part in parts if part)


def tables() -> str:
    """All tables of docs/expressions.md."""
    parts = (
        model_table(),
        surrogate_table(),
        search_table(),
        ablation_table(),
        oracle_table(),
        gplearn_table(),
        batch_table(),
    )
    return "\n\n".join("\n".join(part) for part in parts if part)


PAGES = {
    DOCS.parent / "README.md": ("headline", headline),
    DOCS / "expressions.md": ("tables", tables),
    DOCS / "molecules.md": ("molecules", molecule_tables),
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
