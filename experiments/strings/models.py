"""What the comparisons of models for strings have in common, of expressions and of molecules.

A comparison is a folder: one folder in it for each model and seed, done once it has MEASURED.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.summary import Cell, Column, summarise
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_seeds

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder

MEASURED, RESULTS, SEARCH = "measured.json", "compare.json", "search"
RANDOM = "random"
"""What stands beside the models: strings drawn from the data, with the budget of a search."""
FREE = ("models", "seeds", "device")
"""Options that a continued comparison may change."""


@dataclass(frozen=True)
class CompareOptions:
    """Options of every comparison of models for strings."""

    models: str = "gvae,cvae,gcvvae,grae,gmae"
    """Which models: gvae and cvae (VAE of rules and of characters), gcvvae (constant variance),
    grae (deterministic, sampled from a mixture fitted afterwards), gmae."""
    model_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Other options for some, as in '{"gvae": {"kl_weight": 1}}'."""
    seeds: str = "0-2"
    """Seeds of weights, batch order and search, as in 0-2 or 0,3,5."""
    n_data: int | None = None
    """Use only so many strings, drawn at random, the same for all models and seeds."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    latent_dim: int = 25
    """Dimensions of the latent space."""
    epochs: int | None = None
    """Passes over the training strings, the same for all; those of the training by default."""
    batch_size: int | None = None
    """Strings per batch, that of the training by default."""
    budget: int = 250
    """Evaluations of each search; 0 only fits and tests the surrogate."""
    samples: int = 10_000
    """Prior samples that are decoded and scored."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


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
    folder: Path


def variants(kl_weight: float, latent_dim: int) -> dict[str, Variant]:
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


def jobs(config: CompareOptions, known: Mapping[str, Variant], out: Path) -> list[Job]:
    """What is to be done, seed by seed.  `UserError` for what the options cannot mean."""
    from gmae_tf.models import options_of
    from gmae_tf.models.config import Recipe

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

    return [
        Job(name, chosen(name), seed, out / f"{name}-seed{seed}")
        for seed in parse_seeds(config.seeds)
        for name in names
    ]


def unfinished(found: Sequence[Job]) -> Iterator[Job]:
    """Those without measurements, each announced; what the last one held is forgotten."""
    import keras

    for number, job in enumerate(found, start=1):
        if not (job.folder / MEASURED).exists():
            keras.backend.clear_session()
            what = f"{number} of {len(found)}: {job.name}, seed {job.seed}"
            console().print(what, soft_wrap=True)
            yield job


def training_options(config: CompareOptions, job: Job) -> dict[str, Any]:
    """What the training commands of both packages are told alike."""
    given = {name: getattr(config, name) for name in ("epochs", "batch_size")}
    return {
        "model": job.variant.model,
        "model_options": dict(job.variant.options),
        "out": job.folder,
        "seed": job.seed,
        "device": config.device,
        **{name: value for name, value in given.items() if value is not None},
    }


def train_and_measure(
    config: CompareOptions,
    job: Job,
    train: Callable[[], None],
    kind: type[GrammarAutoencoder],
    judge: Callable[[Any], Mapping[str, float]],
    *search_for: str | Path,
) -> None:
    """One model; the measurements are written last, and mark it as done.

    train : into the folder of the job, as the training command does.
    kind : of model.
    judge : numbers of the prior samples of a trained model.
    search_for : arguments of `bayesopt.run` that say what to search for.
    """
    fresh, start = not job.folder.exists(), time.perf_counter()
    train()
    # The time of a continued training says nothing.
    seconds = time.perf_counter() - start if fresh else None
    model = kind.load(job.folder)
    results = model.details["results"]
    console().print(f"searching with {job.name}, seed {job.seed}", soft_wrap=True)
    found = {
        "exact_match": results["exact_match"],
        "nats": results["reconstruction_nats"],
        **judge(model),
        **search(config, job, *search_for),
        "seconds": seconds,
    }
    write_measured(job, found)


def search(config: CompareOptions, job: Job, *arguments: str | Path) -> dict[str, Any]:
    """Search with the model of a job, by the command, and read what it found.

    Raises
    ------
    UserError: the command failed; it has said why.
    """
    folder = job.folder / SEARCH
    command = [
        *(sys.executable, "-m", "bayesopt.run", "--model", job.folder, "--out", folder),
        *("--seeds", job.seed, "--budget", config.budget, "--device", config.device, *arguments),
        # Latent spaces are compared, not what else a search can read and do.
        *("--reads", "codes", "--no-recombine", "--points", 10_000, "--inducing-points", 500),
    ]
    status = subprocess.run([str(part) for part in command], check=False).returncode
    if status == 130:
        raise KeyboardInterrupt
    if status:
        raise UserError(f"the search of {job.name}, seed {job.seed} ended with status {status}")
    return search_numbers(json.loads((folder / "results.json").read_text(encoding="utf-8")))


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


def write_measured(job: Job, found: Mapping[str, Any]) -> None:
    """Mark a job as done."""
    from gmae_tf.utils.run_dir import write_atomic

    about = {
        "model": job.name,
        "seed": job.seed,
        "network": job.variant.model,
        "options": dict(job.variant.options),
        "characters": job.variant.characters,
    }
    write_atomic(job.folder / MEASURED, json.dumps(finite({**about, **found}), indent=1) + "\n")


def finite(value: Any) -> Any:
    """Plain data with null for what is no number."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def collect(
    config: CompareOptions,
    out: Path,
    order: Sequence[str],
    columns: Sequence[Column],
    about: Mapping[str, Any],
) -> None:
    """Write compare.json of all that is measured in a folder, and print it.

    columns : keys of rows; those that a search has too are shown of the random draws.
    """
    from experiments.images.study import machine
    from gmae_tf.utils.run_dir import write_atomic

    rows = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob(f"*/{MEASURED}")]
    rows.sort(key=lambda row: (order.index(row["model"]), row["seed"]))
    summary = summarise(rows, columns)
    plain = [replace(column, lower=None) for column in columns]
    draws = random_rows(rows)
    settings = {k: v for k, v in asdict(config).items() if k not in ("out", "data_dir")}
    results = {
        "settings": {k: str(v) if isinstance(v, Path) else v for k, v in settings.items()},
        **about,
        "machine": machine(),
        "summary": {m: {k: asdict(c) for k, c in cells.items()} for m, cells in summary.items()},
        "random": draws,
        "results": rows,
    }
    write_atomic(out / RESULTS, json.dumps(finite(results), indent=1) + "\n")
    print_table({**summary, **summarise(draws, plain)}, columns)
    print_top([*rows, *draws], columns)


def random_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The random draws of each seed, from the first search that has them: they need no model."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        if RANDOM in row["baselines"]:
            draws = {"model": RANDOM, "seed": row["seed"], **row["baselines"][RANDOM]}
            found.setdefault(row["seed"], draws)
    return [found[seed] for seed in sorted(found)]


def print_table(summary: Mapping[str, Mapping[str, Cell]], columns: Sequence[Column]) -> None:
    """A line a measure, a column a model."""
    from rich.table import Table

    from experiments.images.compare_page import NOTE, text

    table = Table("measured", box=None, padding=(0, 1))
    for name in summary:
        table.add_column(name, justify="right")
    for column in columns:
        table.add_row(
            column.title, *(text(cells[column.key], column) for cells in summary.values())
        )
    console().print(table)
    console().print(NOTE, soft_wrap=True)


def print_top(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    """The three best different strings of each model over its seeds."""
    lower = next(column.lower for column in columns if column.key == "best")
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        best = found.setdefault(row["model"], {})
        best.update({one["string"]: one["score"] for one in row["top"]})
    for model, best in found.items():
        ranked = sorted(best.items(), key=lambda pair: pair[1] if lower else -pair[1])[:3]
        shown = ", ".join(f"{string} {score:.4f}" for string, score in ranked)
        console().print(f"{model}, best three: {shown or 'none'}", markup=False, soft_wrap=True)
