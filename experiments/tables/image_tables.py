"""Tables of the image experiments, from their result files, for reproduction.py.

A result file that is not there leaves "not measured", and is no error.
"""

from __future__ import annotations

from statistics import NormalDist, mean, stdev
from typing import Any

from experiments.tables import markdown
from experiments.tables.markdown import NOTHING, grid, number, read

Key = tuple[str, float, "float | None"]
Rows = list[dict[str, Any]]
Results = dict[str, Any]
DATASETS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
LOSSES = {
    ("none", 0.0): "published loss",
    ("none", 1.0): "with the sliced term",
    ("neighbours", 0.0): "guided",
    ("neighbours", 1.0): "guided, with the sliced term",
}
SCALES = (1.0, 2.0, 3.0, 4.0, 6.0, 10.0)
PLAIN: Key = ("none", 0.0, None)
TERMS = ("ks", "covariance", "sliced")


def result(name: str) -> Results:
    """A result file of the images by name; empty without one."""
    return markdown.load(name, "images")


def groups(results: dict[str, Any]) -> dict[Key, Rows]:
    """Rows of a study by (guide, weight of the sliced term, scale), all seeds together."""
    found: dict[Key, Rows] = {}
    for row in results.get("results", ()):
        found.setdefault((row["guide"], row["sliced"], row["scale"]), []).append(row)
    return found


def called(key: Key) -> str:
    """A model in words."""
    guide, sliced, scale = key
    if scale is None:
        return "no penalty, ex-post mixture"
    return f"{LOSSES.get((guide, sliced), guide)}, scale {scale:g}"


def about(results: dict[str, Any]) -> str:
    """How the models of a study were trained and measured, in one line."""
    options, rows = results["options"], results["results"]
    seeds = sorted({row["seed"] for row in rows})
    devices = ", ".join(sorted({d.split(":")[0] for d in results["machine"]["devices"]}))
    features = ", ".join(sorted({f"`{row['features']}`" for row in rows}))
    return (
        f"{options['size']} network, {results['training_images']:,} training images, "
        f"{options['epochs']} epochs, learning rate {options['learning_rate']:g} "
        f"({options['schedule']}), expected error {options['target_mse']}, "
        f"noise on codes {options.get('latent_noise') or 'none'}, "
        f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}, {devices}; distances of "
        f"{results['settings']['samples']:,} images to the test images in {features}"
    )


def average(rows: Rows | None, name: str) -> float | None:
    """Mean over seeds; None where it was not measured."""
    values = [row[name] for row in rows or () if row.get(name) is not None]
    return mean(values) if values else None


def cell(rows: Rows | None, name: str) -> str:
    """Mean over seeds, with the standard deviation where there are several."""
    values = [row[name] for row in rows or () if row.get(name) is not None]
    if not values:
        return NOTHING if rows is None else "–"
    factor, digits = {"accuracy": (100, 2), "mse": (1, 4)}.get(
        name, (1, 1 if name.startswith("fd") else 3)
    )
    shown = f"{factor * mean(values):.{digits}f}"
    if len(values) > 1:
        shown += f" ± {factor * stdev(values):.{digits}f}"
    return shown + (" %" if name == "accuracy" else "")


def above(value: float | None, base: float | None) -> float | None:
    """By how many per cent a value exceeds another."""
    return None if value is None or not base else 100 * (value / base - 1)


def less(first: float | None, second: float | None) -> bool | None:
    """Whether first < second; None where one is unknown."""
    return None if first is None or second is None else first < second


def verdict(*conditions: bool | None) -> str:
    """Whether all hold; that it was not measured where one is unknown."""
    if None in conditions:
        return NOTHING
    return "yes" if all(conditions) else "**no**"


def recovery(scale: float, components: int = 10) -> float:
    """Share of prior samples whose likeliest component is their own, one-hot means, variance 1.

    It is the probability that a normal with mean `scale` exceeds all others, with mean 0:
    the integral of phi(u - scale) Phi(u)^(K - 1).
    """
    normal, step = NormalDist(), 0.01
    points = [step * i for i in range(-800, 2000)]
    return step * sum(normal.pdf(u - scale) * normal.cdf(u) ** (components - 1) for u in points)


def study_table() -> list[str]:
    """Accuracy, NMI and distances by scale of the means, sliced term and guide."""
    lines = []
    pairs = {
        "accuracy, NMI": ("accuracy", "nmi"),
        "distance of prior samples, of the ex-post mixture": ("fd_prior", "fd_ex_post"),
    }
    for data, name in DATASETS.items():
        results = result(f"study_{data}")
        found = groups(results)
        if not found:
            lines += [f"{name}: {NOTHING}.", ""]
            continue
        lines += [f"{name}: {about(results)}.", ""]
        for title, (first, second) in pairs.items():

            def both(key: Key, found: Any = found, names: Any = (first, second)) -> str:
                cells = [cell(found.get(key), name) for name in names]
                return NOTHING if key not in found else ", ".join(cells)

            rows = [[f"{scale:g}", *(both((*loss, scale)) for loss in LOSSES)] for scale in SCALES]
            rows.append(["no penalty", both(PLAIN), "–", "–", "–"])
            lines += [*grid([f"{name}: {title}; scale", *LOSSES.values()], rows), ""]
    return lines[:-1]


def choice_table() -> list[str]:
    """Candidates of a preset, judged without labels; the chosen one first."""
    results = result("choice_mnist")
    if not results:
        return [f"{NOTHING.capitalize()}."]
    chosen, options = results["chosen"], results["options"]
    rows = sorted(results["results"], key=lambda row: row["distance"])
    rows.sort(key=lambda row: any(row[key] != chosen[key] for key in ("scale", "share", "rest")))
    lines = [
        [
            f"{100 * row['share']:.0f} %",
            f"{100 * row['rest']:.0f} %",
            f"{row['information']:.3f}",
            f"{row['distance']:.3f}",
            f"{row['reconstruction']:.4f}",
        ]
        for row in rows
    ]
    header = ["whole weight until", "then", "information, nats", "distance of samples", "MSE"]
    about = (
        f"MNIST, {options['size']} network, {options['epochs']} epochs, scale {chosen['scale']:g}"
    )
    return [f"{about}, seed 0; the first line was chosen.", "", *grid(header, lines)]


def evaluation_table() -> list[str]:
    """Every measure of one model of each data set, with floors and ceilings."""
    lines = []
    for data, name in DATASETS.items():
        results = result(f"evaluation_{data}")
        if not results.get("generation"):
            lines += [f"{name}: {NOTHING}.", ""]
            continue
        lines += [f"{name}: {_evaluated(results)}", ""]
        columns = {
            "frechet": (1, "fd_clf"),
            "kernel": (2, "kernel distance"),
            "f1_8": (3, "precision F 1/8"),
            "f8": (3, "recall F 8"),
            "precision": (3, "precision, neighbours"),
            "recall": (3, "recall, neighbours"),
            "sliced_wasserstein": (4, "pixels, sliced Wasserstein"),
        }
        rows = [
            [row["name"], *(number(row.get(key), digits) for key, (digits, _) in columns.items())]
            for row in results["generation"]["rows"]
        ]
        lines += [*grid([name, *(title for _, title in columns.values())], rows), ""]
    return lines[:-1]


def _evaluated(results: dict[str, Any]) -> str:
    """Which model, features and codes; two or three sentences."""
    options, generation, latent = results["options"], results["generation"], results["latent"]
    key = (options.get("guide", "none"), options["sliced_weight"], options["mean_scale"])
    words = [
        f"{called(key)}, {options['size']} network, {results['data']['train']:,} training images, "
        f"{options['epochs']} epochs, seed {options['seed']}; {generation['n']:,} images a set."
    ]
    if features := generation["extractor"]:
        words.append(
            f"Features `{features['name']}`, {features['dim']} dimensions, of a classifier with "
            f"test accuracy {number(features['test_accuracy'], 4)}."
        )
    terms = ", ".join(f"{name} {value:.2f}" for name, value in (latent["terms"] or {}).items())
    independence, error = latent["independence"], results["reconstruction"]
    words.append(
        f"Terms of test codes (1 for prior samples): {terms or 'none'}. Mean absolute correlation "
        f"of codes {independence['correlation']:.3f} (floor {independence['floor']:.3f}), beyond "
        f"the prior's {number(independence.get('correlation_gap'), 3)}. Reconstruction of test "
        f"images: mean squared error {error['mse']:.4f}, {error['psnr']:.1f} dB."
    )
    return " ".join(words)


def ablation_table() -> list[str]:
    """Two digits and a prior of two components: each term alone, and both."""
    results = result("ablation")
    if not results:
        return [f"{NOTHING.capitalize()}."]
    rows = [
        [
            {"ks": "KS alone", "covariance": "covariance alone"}.get(row["terms"], row["terms"]),
            str(row["epoch"]),
            *(number(row.get(term)) for term in TERMS),
            ", ".join(f"{100 * share:.0f} %" for share in row["share"]),
            ", ".join(number(distance) for distance in row["distance"]),
            number(100 * row["accuracy"], 1, " %"),
        ]
        for row in results["results"]
    ]
    header = ["term", "epoch", "KS", "covariance", "sliced", "share of each component"]
    return grid([*header, "distance of its codes' mean", "accuracy"], rows)


def loss_table() -> list[str]:
    """What the terms say of codes that miss the prior."""
    results = result("loss_analysis")
    if not results:
        return [f"{NOTHING.capitalize()}."]
    rows = [
        [row["prior"], row["codes"]]
        + [f"{row[term]['mean']:.2f} ({100 * row[term]['noticed']:.0f} %)" for term in TERMS]
        for row in results["blind_spots"]
    ]
    return grid(["prior", "codes", "KS", "covariance", "sliced"], rows)


def recovery_table() -> list[str]:
    """How well components of the prior can be told apart at all."""
    return grid(
        ["one-hot means, variance 1: scale", *(f"{scale:g}" for scale in SCALES)],
        [
            [f"recovered of {k} components", *(f"{100 * recovery(s, k):.1f} %" for s in SCALES)]
            for k in (10, 20)
        ],
    )


def speed_table() -> list[str]:
    """A training step beside the same network in PyTorch."""
    rows = []
    for path in sorted(markdown.BENCHMARKS.glob("image_step*.json")):
        results = read(path)
        for name, row in results["frameworks"].items():
            where = f"{results['size']}, batches of {results['batch_size']}, {row['device']}"
            rows.append([where, name, number(row["step_ms"], 1)])
            rows[-1] += [number(row["images_per_second"], 0), number(row.get("ratio"))]
            rows[-1] += [number(row.get("cpu_ratio")), results["machine"]]
    header = ["network", "framework", "ms a step", "images a second", "of PyTorch's rate"]
    header += ["by processor time", "machine"]
    return grid(header, rows) if rows else [f"{NOTHING.capitalize()}."]
