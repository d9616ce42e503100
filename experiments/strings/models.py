"""Models for strings, trained and searched with alike: what both comparisons have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.runner import (
    Row,
    StudyOptions,
    Trial,
    open_study,
    print_table,
    run_trials,
    timed,
    write_results,
)
from experiments.search.command import run_search
from experiments.summary import NOTE, Cell, Column, summarise, text
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_seeds
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder

SEARCH, RANDOM = "search", "random"
"""Folder of a model's search; and what stands beside the models: draws from the data."""
GROWS = ("models", "seeds")
"""Options that a continued comparison may change."""
KL_WEIGHT = 0.1
"""With 1, the bound, the posterior collapses: see docs/expressions.md.  Not tuned for molecules."""
FEWEST = 110
"""Strings that training, validation and surrogate need at least."""


@dataclass(frozen=True)
class CompareOptions(StudyOptions):
    """Options of every comparison of models for strings."""

    models: str = "gvae,cvae,gcvvae,grae,gmae"
    """Which models: gvae and cvae (VAE of rules and of characters), gcvvae (constant variance),
    grae (deterministic, sampled from a mixture fitted afterwards), gmae."""
    model_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Other options for some, as in '{"gvae": {"kl_weight": 1}}'."""
    n_data: int | None = None
    """Use only so many strings, drawn at random, the same for all models and seeds."""
    latent_dim: int = 25
    """Dimensions of the latent space."""
    epochs: int | None = None
    """Passes over the training strings, the same for all; those of the training by default."""
    batch_size: int | None = None
    """Strings per batch, that of the training by default."""
    training: dict[str, Any] = field(default_factory=dict)
    """Other options of the training, the same for all models, as in '{"noise": 0.4}'."""
    budget: int = 250
    """Evaluations of each search; 0 only fits and tests the surrogate."""
    samples: int = 10_000
    """Prior samples that are decoded and scored."""


@dataclass(frozen=True)
class Variant:
    """A model for strings: a name of `gmae_tf.models`, its options, and what it writes."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    characters: bool = False


@dataclass(frozen=True)
class Job:
    """One model and seed."""

    name: str
    variant: Variant
    seed: int


def variants(latent_dim: int, kl_weight: float = KL_WEIGHT) -> dict[str, Variant]:
    """The five models, all weights relative to nats of a string.

    The published code of the Grammar VAE averages its KL over the dimensions, and the cross-entropy
    over the rules, and decodes codes with a noise of 0.01 standard deviations: its weights say
    little about those of a model with the noise of its posterior, as here.  No source gives the
    weights of the constant-variance and the deterministic model for strings; here they have the
    proportions of the image models of Ghosh et al. 2020 on MNIST: 0.039 : 0.312 for the KL, with
    deviation 0.7, and 0.0245 : 0.156 for the squared length of a code.
    """
    vae = {"kl_weight": kl_weight}
    # The option of rae weighs a mean over dimensions.
    norm = 0.0245 / 0.156 * kl_weight / 2 * latent_dim
    return {
        "gvae": Variant("vae", vae),
        "cvae": Variant("vae", vae, characters=True),
        "gcvvae": Variant("cv-vae", {"deviation": 0.7, "kl_weight": kl_weight * 0.039 / 0.312}),
        "grae": Variant("rae", {"code_weight": norm}),
        "gmae": Variant("gmae"),
    }


def columns(what: str, lower: bool, decimals: tuple[int, int]) -> tuple[Column, ...]:
    """What is compared: of `what` in words, whether less is better, decimals of means and bests."""
    means, bests = decimals
    return (
        Column("exact_match", f"held-out {what}, exact %", False, 1, 100.0),
        Column("prior_valid", "prior samples, valid %", False, 1, 100.0),
        Column("prior_score", "prior samples, average score", lower, means),
        Column("rmse", "GP test RMSE", True, 3),
        Column("log_likelihood", "GP test LL", False, 3),
        Column("best", "search, best score", lower, bests),
        Column("search_valid", "search, valid %", None, 1, 100.0),
        Column("search_score", "search, average score", lower, means),
        Column("seconds", "training, seconds", None, 0),
    )


def jobs(config: CompareOptions) -> list[Job]:
    """Models to train, seed by seed.  `UserError` for what the options cannot mean."""
    from gmae_tf.models import options_of
    from gmae_tf.models.config import Recipe

    known = variants(config.latent_dim)
    names = list(dict.fromkeys(name.strip() for name in config.models.split(",")))
    for name in (*names, *config.model_options):
        if name not in known:
            raise UserError(f"{name!r} is none of the models: choose from {', '.join(known)}")
    for name, options in config.model_options.items():
        there = options_of(known[name].model)
        for option in options:
            if option not in there:
                has = ", ".join(there) or "none"
                raise UserError(f"{name} has no option {option!r}; its options: {has}")
    least = {"n_data": 1, "latent_dim": 1, "epochs": 1, "batch_size": 1, "budget": 0, "samples": 1}
    for option, minimum in least.items():
        value = getattr(config, option)
        if value is not None and value < minimum:
            flag = option.replace("_", "-")
            raise UserError(f"--{flag} must be {minimum} or more, not {value}")

    if "gmae" in names:
        _ = Recipe("gmae", config.latent_dim).prior  # whose components must fit

    def chosen(name: str) -> Variant:
        given = {**known[name].options, **config.model_options.get(name, {})}
        return replace(known[name], options=given)

    return [Job(name, chosen(name), seed) for seed in parse_seeds(config.seeds) for name in names]


def training_options(config: CompareOptions, job: Job, folder: Path) -> dict[str, Any]:
    """Options that the training commands of expressions and molecules share."""
    given = {name: getattr(config, name) for name in ("epochs", "batch_size")}
    return {
        "model": job.variant.model,
        "model_options": dict(job.variant.options),
        "out": folder,
        "seed": job.seed,
        "device": config.device,
        **{name: value for name, value in given.items() if value is not None},
        **config.training,
    }


def compare_strings(
    config: CompareOptions,
    command: str,
    what: str,
    data: str,
    *,
    load: Callable[[Any], list[str]],
    write: Callable[[Path, Sequence[str]], None],
    measure: Callable[[Any, Path, Job, Path], Row],
    columns: Sequence[Column],
    trainings: type,
    **about: Any,
) -> None:
    """Train, measure and search with what is not done yet, then write compare.json.

    what : strings or molecules.
    trainings : the options of one training.
    data : name of the file in the study's folder to which `write` writes what `load` returns.
    measure : trains and measures in a folder: (config, file, job, folder) -> numbers.
    """
    lock_run(config.out)
    from gmae_tf.utils.devices import select_device

    known = [option.name for option in fields(trainings)]
    for name in config.training:
        if name not in known:
            options = ", ".join(known)
            raise UserError(f"--training: there is no option {name!r}: choose from {options}")
    select_device(config.device)
    todo = jobs(config)
    strings = load(config)
    if len(strings) < FEWEST:
        raise UserError(f"{len(strings)} {what} are too few: at least {FEWEST} are needed")
    folder = open_study(config, command, GROWS)
    if not (folder / data).exists():
        write(folder / data, strings)
    found = partial(measure, config, folder / data)
    compare_models(config, folder, todo, found, columns, **{what: len(strings)}, **about)


def train_and_measure(
    config: CompareOptions,
    job: Job,
    folder: Path,
    *,
    train: Callable[[], None],
    kind: type[GrammarAutoencoder],
    judge: Callable[[Any, int, int], Mapping[str, float]],
    search_for: Sequence[object],
) -> Row:
    """Numbers of one model: of its training, prior samples, surrogate and search.

    train : into the folder, as the training command does.
    kind : of model.
    judge : numbers of so many prior samples of a trained model, drawn by a seed.
    search_for : arguments of `bayesopt.run` that say what to search for.
    """
    _, seconds = timed(folder, train)
    model = kind.load(folder)
    trained = model.details["results"]
    console().print(f"searching with {job.name}, seed {job.seed}", soft_wrap=True)
    searched = run_search(
        folder / SEARCH,
        *("--model", folder, "--seeds", job.seed, "--budget", config.budget),
        *("--device", config.device, *search_for),
        # Latent spaces are compared, not what else a search can read and do.
        *("--reads", "codes", "--sources", "latent", "--points", 10_000, "--inducing-points", 500),
    )
    return {
        "network": job.variant.model,
        "options": dict(job.variant.options),
        "characters": job.variant.characters,
        "exact_match": trained["exact_match"],
        "nats": trained["reconstruction_nats"],
        **judge(model, config.samples, job.seed),
        **search_numbers(searched),
        "seconds": seconds,
    }


def search_numbers(results: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a row, and those of the baselines, of a `results.json` with one seed."""

    def found(one: Mapping[str, Any]) -> dict[str, Any]:
        best = one["best_per_seed"]
        return {
            "best": best[0] if best else None,
            "search_valid": one["validity"],
            "search_score": one["average_score"],
            "top": [{"string": row["string"], "score": row["score"]} for row in one["top"]],
        }

    surrogate, baselines = results["surrogate"], results["baselines"]
    return {
        "rmse": surrogate["rmse"],
        "log_likelihood": surrogate["log_likelihood"],
        **found(results),
        "baselines": {name: found(one) for name, one in baselines.items()},
    }


def compare_models(
    config: CompareOptions,
    folder: Path,
    jobs: Sequence[Job],
    measure: Callable[[Job, Path], Row],
    columns: Sequence[Column],
    **about: Any,
) -> None:
    """Measure what is not measured yet, then write compare.json of all in the folder, and print it.

    columns : keys of rows; those that a search has too are shown of the random draws.
    """
    rows = run_trials(
        folder,
        [Trial({"model": job.name, "seed": job.seed}, partial(measure, job)) for job in jobs],
        config.scheduler,
    )
    order = list(variants(config.latent_dim))
    rows.sort(key=lambda row: (order.index(row["model"]), row["seed"]))
    draws = random_rows(rows)
    summary = summarise(rows, columns)
    cells = {model: {k: asdict(c) for k, c in found.items()} for model, found in summary.items()}
    write_results(folder / "compare.json", config, rows, **about, summary=cells, random=draws)
    shown = {**summary, **draws_summary(draws, columns)}
    print_table(["measured", *shown], summary_lines(shown, columns))
    console().print(NOTE, soft_wrap=True)
    for model in shown:
        best = ", ".join(f"{string} {score:.4f}" for string, score in
                         best_strings([*rows, *draws], model, columns))  # fmt: skip
        console().print(f"{model}, best three: {best or 'none'}", markup=False, soft_wrap=True)


def summary_lines(
    summary: Mapping[str, Mapping[str, Cell]], columns: Sequence[Column]
) -> list[list[str]]:
    """A line a measure, a column a model."""
    return [[c.title, *(text(cells[c.key], c) for cells in summary.values())] for c in columns]


def draws_summary(draws: Sequence[Row], columns: Sequence[Column]) -> dict[str, dict[str, Cell]]:
    """The random draws as a column beside the models, without ranks."""
    return summarise(draws, [replace(column, lower=None) for column in columns])


def best_strings(
    rows: Sequence[Row], model: str, columns: Sequence[Column]
) -> list[tuple[str, float]]:
    """The three best different strings of a model over its seeds, with their scores."""
    lower = next(column.lower for column in columns if column.key == "best")
    found = {top["string"]: top["score"] for row in rows if row["model"] == model
             for top in row["top"]}  # fmt: skip
    return sorted(found.items(), key=lambda pair: pair[1] if lower else -pair[1])[:3]


def random_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The random draws of each seed, from the first search that has them: they need no model."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        if RANDOM in row["baselines"]:
            draws = {"model": RANDOM, "seed": row["seed"], **row["baselines"][RANDOM]}
            found.setdefault(row["seed"], draws)
    return [found[seed] for seed in sorted(found)]
