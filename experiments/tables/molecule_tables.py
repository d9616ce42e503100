"""Tables of docs/molecules.md."""

from __future__ import annotations

from experiments.space.settings import RESULTS as SPACE
from experiments.tables.markdown import benchmark, grid, joined, load, read, trained
from experiments.tables.searches import baseline_bests, coverage, surrogate_table

SEARCHES = {
    "penalized_logp": "penalised logP, at most 38 heavy atoms, inside the domain",
    "uncapped": "penalised logP, at most 69 heavy atoms; earlier search, no domain",
    "qed": "QED, no structural alerts; earlier search, no domain",
}
SURROGATES = {
    "surrogate": "plain model, deep kernel on the decoder's plan",
    "surrogate_nearest": "plain model, nearest neighbours on the codes",
    "surrogate_sparse": "plain model, inducing points on the codes, as published",
}
IMPROVEMENTS = (
    ("JT-VAE, Jin et al. 2018", 0.84, 1.45, 83.6),
    ("GCPN, You et al. 2018", 2.49, 1.30, 100.0),
)
"""Mean, standard deviation, and per cent of the 800 molecules that were improved."""


def molecule_tables() -> list[str]:
    """All of them."""
    ours = {f"ours, {meaning}": load(name, "molecules") for name, meaning in SURROGATES.items()}
    return joined(
        model_table(),
        curve_table(),
        mask_table(),
        [*surrogate_table("90 % / 10 % of the training molecules", ours), shipped_row()],
        search_table(),
        published_table(),
        improve_table(),
        speed_table(),
    )


def model_table() -> list[str]:
    """Measurements of the pretrained model."""
    results = trained("compact")
    samples = results["prior_samples"]
    values = {
        "held-out molecules reconstructed exactly (greedy)": results["exact_match"],
        "cross-entropy of held-out molecules, nats a molecule": results["reconstruction_nats"],
        "weighted KS term of held-out codes": results["ks"],
        "weighted covariance term of held-out codes": results["covariance"],
        f"valid, of {samples['sampled']:,} prior samples": samples["valid"],
        "distinct among the valid": samples["unique"],
        "not in the training data, among the distinct": samples["novel"],
        "internal diversity": samples["diversity"],
        "scaffolds": samples["scaffolds"],
        "training steps": results["history"][-1]["steps"],
    }
    rows = [
        [meaning, f"{value:,}" if isinstance(value, int) else f"{value:.4f}"]
        for meaning, value in values.items()
    ]
    return grid(["measured on the model", "value"], rows)


def curve_table() -> list[str]:
    """Reconstruction from noisy codes against steps."""
    columns = {"exact_match": 3, "reconstruction": 2, "heads": 3, "ks": 2, "covariance": 2}
    columns["sliced"] = 2
    rows = [
        [f"{row['steps']:,}", *(f"{row[key]:.{digits}f}" for key, digits in columns.items())]
        for row in trained("compact")["history"]
    ]
    header = ["step", "exact, with noise", "nats, with noise", "squared error of heads"]
    return grid([*header, "KS term", "covariance term", "sliced term"], rows)


def mask_table() -> list[str]:
    """Share of valid decodes by mask."""
    shares = trained("compact")["valid_by_mask"]
    rows = [
        [name.replace("_", "-"), f"{share:.4f}", f"{shares['random'][name]:.4f}"]
        for name, share in shares["prior"].items()
    ]
    return grid(["valid with masks", "prior samples", "random logits"], rows)


def shipped_row() -> str:
    """The published Gaussian process, in the space of the shipped model."""
    found = read(SPACE / "molecules.gp.json")["penalized_logp"]
    name = "ours, shipped model, inducing points on the codes, as published, 1 seed"
    return grid([name, f"{found['rmse']:.3f}", f"{found['ll']:.3f}"], [])[0]


def search_table() -> list[str]:
    """The searches for molecules, with their baselines."""
    header = ["search", "evaluations", "top 3", "median best", "worst seed", "in the 90 % interval"]
    header += ["valid", "average", "random, median best", "prior samples, median best"]
    rows = []
    for name, meaning in SEARCHES.items():
        if results := load(name, "molecules"):
            each = results["evaluations_per_seed"]
            top = [f"`{row['string']}` {row['score']:.3f}" for row in results["top"]]
            rows.append(
                [
                    meaning,
                    f"{len(each)} × {each[0]}",
                    "<br>".join(top),
                    f"{results['median_best']:.3f}",
                    f"{min(results['best_per_seed']):.3f}",
                    coverage(results),
                    f"{results['validity']:.2f}",
                    f"{results['average_score']:.2f}",
                    *baseline_bests(results, 3),
                ]
            )
    return grid(header, rows)


def published_table() -> list[str]:
    """Published searches for penalised logP, and two yardsticks."""
    rows = []
    for row in load("penalized_logp", "molecules")["published"]:
        values = row["values"]
        if scores := values.get("top"):
            top = ", ".join(s if isinstance(s, str) else f"{s:.2f}" for s in scores)
            shares = [values.get(key, "–") for key in ("validity", "average_score")]
            rows.append([row["method"], top, *shares, row["source"]])
    return grid(["method", "top 3", "valid", "average", "source"], rows)


def improve_table() -> list[str]:
    """Improvements near given molecules, beside the published ones of other molecules."""
    if not (found := load("improve", "molecules")):
        return []
    similar, rows = found["config"]["min_similarity"], found["molecules"]
    starts = [row["value"] for row in rows]
    of = f"the {len(rows)} worst, which start at {sum(starts) / len(starts):.2f}"
    names = {"turbo": "ours", "joint": "ours", "random": "random known molecules that are similar"}
    lines = [
        [name, f"{mean:.2f} ± {deviation:.2f}", f"{success:g} %", "the 800 worst", "–"]
        for name, mean, deviation, success in IMPROVEMENTS
    ]
    for key, name in names.items():
        if (each := found.get(key)) is None:
            continue
        improvement = f"{each['improvement']:.2f} ± {each['deviation']:.2f}"
        success = f"{100 * each['success']:.4g} %"
        lines.append([name, improvement, success, of, f"{each['evaluations']:.0f}"])
    header = [f"penalised logP at similarity {similar} or more", "improvement", "improved"]
    return grid([*header, "test molecules", "evaluations each"], lines)


def speed_table() -> list[str]:
    """Parsing and decoding."""
    parser, decoder = benchmark("smiles_parser"), benchmark("molecule_decode")
    masked = decoder["masks"]["length-aware + rings + valences, all rules"]["seconds"]
    ours = f"parse a molecule, ours ({parser['ratio']:.0f} times faster)"
    decode = f"decode {decoder['codes']:,} codes of {decoder['steps']} steps, all masks"
    return grid(
        ["speed, one core", "time"],
        [
            [
                "parse a molecule, nltk's chart parser",
                f"{parser['nltk_microseconds'] / 1e3:.2f} ms",
            ],
            [ours, f"{parser['ours_microseconds']:.1f} µs"],
            [f"{decode}, without the network", f"{masked:.2f} s"],
        ],
    )
