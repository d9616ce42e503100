"""Table of README.md."""

from __future__ import annotations

from typing import Any

from experiments.tables.expression_tables import EXACT
from experiments.tables.markdown import grid, load, trained


def headline() -> list[str]:
    """Published numbers beside ours, like with like first."""
    return grid(["expressions", "published", "here"], [*expressions(), *molecules(), *images()])


def expressions() -> list[list[str]]:
    """Rows of the expressions."""
    model = trained("expressions")
    gp, hidden = load("surrogate", "expressions")["surrogate"], load("hidden", "expressions")
    exact = sum(best < EXACT for best in hidden["best_per_seed"])
    random = hidden["baselines"]["random"]["median_best"]
    return [
        [
            "Gaussian process on 90,000 codes: test RMSE, log likelihood",
            "0.877, -1.309 (GMAE)",
            f"{gp['rmse']:.3f}, {gp['log_likelihood']:.3f}",
        ],
        [
            "best score in 250 evaluations, the six best strings hidden",
            "–",
            f"median {hidden['median_best']:g}, the exact expression in {exact} of "
            f"{len(hidden['seeds'])} seeds (random strings: median {random:.3f})",
        ],
        ["held-out strings reconstructed exactly", "–", f"{model['exact_match']:.4f}"],
        [
            "decodes that are complete strings",
            "0.99 (GVAE, in its search)",
            f"{model['prior_complete']:.2f} of 10,000 prior samples",
        ],
    ]


def molecules() -> list[list[str]]:
    """Rows of the molecules; an alkane of the same size stands beside the best of the search."""
    model, best = trained("compact"), load("penalized_logp", "molecules")
    like, near, deep = (
        f"{gp['rmse']:.3f}, {gp['log_likelihood']:.3f}"
        for gp in (
            load(name, "molecules")["surrogate"]
            for name in ("surrogate_sparse", "surrogate_nearest", "surrogate")
        )
    )
    top = ", ".join(f"{row['score']:.2f}" for row in best["top"])
    alkane = next(row for row in best["published"] if row["method"] == "alkane C38")["values"]
    samples = model["prior_samples"]
    return [
        ["**molecules (ZINC 250k)**", "**published**", "**here**"],
        [
            "Gaussian process on 220,000 codes: test RMSE, log likelihood",
            "1.400, -1.689 (GMAE)",
            f"{like} (the published kind, 1 seed: worse); nearest neighbours {near}; deep kernel "
            f"on the decoder's plan {deep}",
        ],
        [
            "best three by penalised logP",
            "5.30, 4.93, 4.49 (JT-VAE, 2,500 evaluations)",
            f"{top} (chains of sulfur, at most 38 heavy atoms, {len(best['seeds'])} seeds of "
            f"{best['evaluations_per_seed'][0]} evaluations; the plain alkane of this size has "
            f"{alkane['top'][0]:.2f})",
        ],
        [
            "held-out molecules reconstructed exactly",
            "0.537 (GVAE, sampled)",
            f"{model['exact_match']:.3f} (greedy)",
        ],
        [
            "decodes that are valid molecules",
            "0.72 (GMAE, in its search)",
            f"{samples['valid']:.4f} of {samples['sampled']:,} prior samples (by masks: any "
            "network has 1)",
        ],
    ]


def images() -> list[list[str]]:
    """Rows of the images: means over the seeds of the preset, and the published loss."""
    final = {
        name: load(f"final_{name}", "images")["results"] for name in ("mnist", "fashion_mnist")
    }
    studies = {name: load(f"study_{name}", "images")["results"] for name in final}

    def average(rows: list[dict[str, Any]], key: str, *about: Any) -> float:
        chosen = [r[key] for r in rows if (r["guide"], r["scale"], r["sliced"]) == about]
        return sum(chosen) / len(chosen)

    def guided(name: str, key: str) -> float:
        scale = max(r["scale"] or 0 for r in final[name])
        return average(final[name], key, "neighbours", scale, 0)

    def both(name: str) -> str:
        ours = [guided(name, key) for key in ("accuracy", "nmi")]
        alone = [average(studies[name], key, "none", 1, 0) for key in ("accuracy", "nmi")]
        return (
            f"{ours[0]:.1%}, {ours[1]:.2f} (guided: trained without labels, its preset chosen by "
            f"test labels); published loss alone, 20,000 images, {alone[0]:.1%}, {alone[1]:.2f}"
        )

    prior, ex_post = (guided("mnist", key) for key in ("fd_prior", "fd_ex_post"))
    plain = average(final["mnist"], "fd_ex_post", "none", None, 0)
    return [
        ["**images (small network, 2 seeds)**", "**published**", "**here**"],
        [
            "MNIST, components as clusters: accuracy, NMI",
            "85.5%, 0.72 (GMAE)",
            both("mnist"),
        ],
        ["Fashion-MNIST, the same", "56.2%, 0.60 (GMAE)", both("fashion_mnist")],
        [
            "MNIST, distance of prior samples and of ex-post samples",
            "13.1, 12.8 (FID)",
            f"{prior:.1f}, {ex_post:.1f} (fd_clf; plain autoencoder, ex-post: {plain:.1f})",
        ],
    ]
