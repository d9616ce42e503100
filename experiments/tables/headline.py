"""Table of README.md."""

from __future__ import annotations

from experiments.space.settings import RESULTS as SPACE
from experiments.tables.expression_tables import EXACT
from experiments.tables.image_tables import PLAIN, Rows, average, groups, result
from experiments.tables.markdown import grid, load, read, trained
from gmae_tf.images.options import preset_of

GUIDED = {
    "invariance": ": no labels, no second network",
    "neighbours": ", the preset: no labels, but a second network, and chosen by test labels",
}


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
    shipped = read(SPACE / "molecules.gp.json")["penalized_logp"]
    plain = load("surrogate_sparse", "molecules")["surrogate"]
    top = ", ".join(f"{row['score']:.2f}" for row in best["top"])
    known = next(row for row in best["published"] if row["method"] == "best known before")["values"]
    budget = f"{len(best['seeds'])} seeds of {best['evaluations_per_seed'][0]} evaluations"
    samples = model["prior_samples"]
    return [
        ["**molecules (ZINC 250k)**", "**published**", "**here**"],
        [
            "Gaussian process on 220,000 codes: test RMSE, log likelihood",
            "1.400, -1.689 (GMAE)",
            f"{shipped['rmse']:.3f}, {shipped['ll']:.3f} (inducing points on the codes, as "
            f"published; trained by the papers' loss alone: {plain['rmse']:.3f}, "
            f"{plain['log_likelihood']:.3f})",
        ],
        [
            "best three by penalised logP",
            "5.30, 4.93, 4.49 (JT-VAE, 2,500 evaluations)",
            f"{top} (inside the domain of the known molecules, without structural alerts, "
            f"{budget}; the best of the known molecules has {known['top'][0]:.2f})",
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
    return [
        ["**images (small network)**", "**published**", "**here**"],
        [
            "MNIST, components as clusters: accuracy, NMI",
            "85.5%, 0.72 (GMAE)",
            clusters("mnist"),
        ],
        ["Fashion-MNIST, the same", "56.2%, 0.60 (GMAE)", clusters("fashion_mnist")],
        [
            "MNIST, distance of prior samples and of ex-post samples",
            "13.1, 12.8 (FID)",
            f"{average(preset('mnist'), 'fd_prior'):.1f}, "
            f"{average(preset('mnist'), 'fd_ex_post'):.1f} (fd_clf; plain autoencoder, ex-post: "
            f"{average(groups(result('final_mnist'))[PLAIN], 'fd_ex_post'):.1f})",
        ],
    ]


def preset(data: str) -> Rows:
    """Trainings with the preset on all images of a data set."""
    options = preset_of(data, "small")
    return groups(result(f"final_{data}"))[options["guide"], 0.0, options["mean_scale"]]


def clusters(data: str) -> str:
    """Accuracy and NMI of each guide, and of the published loss."""
    found = groups(result(f"final_{data}"))
    words = [
        f"{both(rows)} (`--guide {guide}`{GUIDED[guide]}; {len(rows)} seeds)"
        for guide in GUIDED
        for key, rows in found.items()
        if key[0] == guide
    ]
    alone = groups(result(f"study_{data}"))["none", 0.0, 1.0]
    return "; ".join([*words, f"published loss alone, 20,000 images, {both(alone)}"])


def both(rows: Rows) -> str:
    """Accuracy and NMI."""
    return f"{average(rows, 'accuracy'):.1%}, {average(rows, 'nmi'):.2f}"
