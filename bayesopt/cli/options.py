"""Options of the search commands: those of every task, and those that only one task has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from gmae_tf.errors import UserError


@dataclass(frozen=True)
class SearchOptions:
    """Options of every task."""

    task: Literal["expr", "molecules"] = "expr"
    """What to search for: an expression that fits data, or a molecule."""
    out: Path | None = None
    """Folder of the run, runs/TASK by default; the same command continues what it holds."""
    strategy: Literal["joint", "ei", "random", "prior"] = "joint"
    """Joint expected improvement of a batch, the paper's expected improvement, or a baseline."""
    sources: Literal["latent,evolution", "latent", "evolution"] = "latent,evolution"
    """Who proposes candidates of joint: Markov chains in the latent space, an evolution of known
    strings by the surrogate's judgement. The report says what each has found."""
    budget: int = 250
    """Evaluations for each seed; 0 only fits and tests the surrogate."""
    batch_size: int = 50
    """Evaluations between two updates of the surrogate."""
    seeds: str = "0"
    """Repetitions, such as 0-9 or 0,3,5."""
    baselines: bool = True
    """Also run random and prior sampling with the same budget."""
    model: Path | None = None
    """Folder of the trained model; the pretrained one of the task by default."""
    data: str | None = None
    """Known strings. For expr: official (the 100,000 of Grammar VAE), generated, or a text file; by
    default official for arithmetic, and generated for a model of another grammar. For molecules:
    a .csv, .smi or .sdf file, zinc or builtin; by default what the pretrained model knows."""
    n_data: int | None = None
    """Use only so many of them, drawn at random."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    revisit: bool = False
    """Let known strings be proposed, as the published searches do; else only new ones are."""
    protocol: Literal["best", "paper"] = "best"
    """paper: search as Kusner et al. 2017 did. The strategy is ei, the surrogate reads the codes of
    all known strings by 500 inducing points and a squared exponential kernel, nothing is hidden,
    nothing recombined, and known strings may be proposed; other options for these are ignored."""
    reads: Literal["counts", "features", "codes"] = "counts"
    """What the surrogate reads of a string. counts: how often it has which part (neighbourhoods of
    atoms, subtrees of derivations), and its latent code where held-out likelihood is better with
    it. features: properties and counts with a linear trend for a molecule, values at points for an
    expression. codes: the latent code alone, as in the papers. The options of the surrogate below
    are for features and codes."""
    points: int = 2000
    """Training points of the surrogate: the 1,000 best known and a random choice; 0 for all."""
    hyper_points: int = 5000
    """Training points on which its hyper-parameters are found."""
    inducing_points: int = 300
    """Inducing points of the sparse Gaussian process."""
    surrogate: Literal["sgpr", "svgp", "nearest", "deep"] = "sgpr"
    """Collapsed bound, or stochastic bound with natural gradients, on all training points; or the
    nearest training points of each code, slower and more exact where there are very many; or the
    collapsed bound on features that a network learns from what the decoder makes of a code."""
    neighbours: int = 200
    """Nearest training points on which a prediction rests, of the surrogate nearest."""
    kernel: Literal["squared_exponential", "matern52", "matern32"] = "matern52"
    """Its kernel, with one lengthscale for each dimension."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


@dataclass(frozen=True)
class ExprOptions:
    """Options of `--task expr`."""

    target: str | None = None
    """expr: an expression in x to find, on 1,000 points from -10 to 10, instead of the
    benchmark's."""
    target_csv: Path | None = None
    """expr: data to fit, a CSV file with columns x and y."""
    exclude_better_than: float | None = None
    """expr: hide known strings that score this or less; 0.0363 for the benchmark, -1 hides
    nothing."""
    composite: bool | None = None
    """expr: tell the surrogate that a score is the mean square distance to values that are to be
    found; by default for your own target, but not for the benchmark, for its published searches
    know nothing of the score."""


@dataclass(frozen=True)
class ConstraintOptions:
    """What a proposed molecule must satisfy."""

    max_heavy_atoms: int | None = None
    """molecules: most atoms other than hydrogen; 38 where the objective is a penalised logP, which
    grows with the size."""
    max_sa: float | None = None
    """molecules: highest synthetic accessibility score, from 1 (easy) to 10 (hard)."""
    alerts: bool = True
    """molecules: allow PAINS and BRENK alerts; --no-alerts refuses them."""
    min_similarity: float | None = None
    """molecules: least Tanimoto similarity to the molecule of --to, in [0, 1]."""
    to: str | None = None
    """molecules: SMILES of the molecule that similarities are measured to."""
    require: str | None = None
    """molecules: comparisons of properties that must hold: "1 <= logp <= 3 and tpsa < 90"."""
    unconstrained: bool = False
    """molecules: propose also what lies outside the domain of applicability, that is, with atom
    environments, their numbers, ring sizes or sizes that no known molecule has."""


@dataclass(frozen=True)
class ColumnOptions:
    """Where the user's molecules and values stand, and which values are better."""

    smiles_column: str | None = None
    """molecules: column of --data that holds SMILES; one called smiles by default."""
    value_column: str | None = None
    """molecules: column of --data (or property of an .sdf) with measured values."""
    maximize: bool = False
    """molecules: higher values are better, whatever the objective's own direction is."""
    minimize: bool = False
    """molecules: lower values are better."""


@dataclass(frozen=True)
class MoleculeOptions(ColumnOptions, ConstraintOptions):
    """Options of `--task molecules`."""

    objective: str | None = None
    """molecules: penalized_logp (the default), logp, qed, sa and so on; arithmetic on them, such as
    "0.5*qed + similarity"; or a function of a SMILES as package.module:function."""
    time_limit: float = 30.0
    """molecules: seconds for the score of one molecule, which then counts as failed."""
    jobs: int | None = None
    """molecules: processes that score; one for each core by default."""


@dataclass(frozen=True)
class RunConfig(MoleculeOptions, ExprOptions, SearchOptions):
    """Options of `python -m bayesopt.run`."""


@dataclass(frozen=True)
class AskConfig(ConstraintOptions, ColumnOptions):
    """Options of `python -m bayesopt.run ask`."""

    task: Literal["molecules"] = "molecules"
    """What to ask for."""
    out: Path = Path("runs/ask")
    """Folder of the campaign; it remembers the other options, so that later only it is needed."""
    data: str | None = None
    """What was measured before: a .csv or .sdf file with molecules and values."""
    batch_size: int = 10
    """Molecules to ask for; later as many as before."""
    model: Path | None = None
    """Folder of the trained model; the pretrained one by default."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


@dataclass(frozen=True)
class TellConfig:
    """Options of `python -m bayesopt.run tell`."""

    measured: Path
    """The CSV file of `ask` with values filled in; --measured itself may be left out. An empty cell
    says that the molecule could not be made or measured."""
    out: Path = Path("runs/ask")
    """Folder of the campaign."""


def given_to(function: Callable[..., Any], options: Any) -> dict[str, Any]:
    """The options that a function takes, by name."""
    taken = signature(function).parameters
    return {name: value for name, value in vars(options).items() if name in taken}


def chosen(config: RunConfig) -> dict[str, Any]:
    """The options that the chosen task has, by name.

    Raises
    ------
    UserError: an option of another task was given.
    """
    values = asdict(config)
    other, group = {
        "expr": ("molecules", MoleculeOptions),
        "molecules": ("expr", ExprOptions),
    }[config.task]
    for field in fields(group):
        if values.pop(field.name) != field.default:
            flag = "no-alerts" if field.name == "alerts" else field.name.replace("_", "-")
            raise UserError(
                f"--{flag} belongs to --task {other}: leave it out, or choose that task."
            )
    return values


def as_published(config: RunConfig) -> RunConfig:
    """The options of `--protocol paper`, those of the task included."""
    if config.protocol != "paper":
        return config
    return replace(
        config,
        strategy="ei",
        reads="codes",
        composite=None,
        revisit=True,
        points=0,
        inducing_points=500,
        surrogate="sgpr",
        kernel="squared_exponential",
        exclude_better_than=-1.0 if config.task == "expr" else config.exclude_better_than,
    )
