"""Options of the search commands: those of every task, and those that only one task has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from gmae_tf.errors import UserError


@dataclass(frozen=True)
class SearchOptions:
    """Options of every task."""

    task: Literal["expr", "molecules", "strings"] = "expr"
    """What to search for: an expression that fits data, a molecule, or a string of any grammar, of
    which --model holds a trained model."""
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
    target_score: float | None = None
    """Stop a search that has found this score; by default at the best score that there can be,
    where that is known, as 0 of --task expr."""
    seconds: float | None = None
    """Stop each search after so many seconds; formulas of a table are looked for 60 seconds by
    default, and less where one is exact."""
    patience: int | None = None
    """Stop a search after so many evaluations without a new best score."""
    top: int = 3
    """How many of the best to show; results.csv has all."""
    seeds: str = "0"
    """Repetitions, such as 0-9 or 0,3,5."""
    baselines: bool = True
    """Also run random and prior sampling with the same budget."""
    model: Path | None = None
    """Folder of the trained model, or a shipped one (expressions, scientific, compact); the
    pretrained one of the task by default."""
    data: str | None = None
    """Known strings. For expr: official (the 100,000 of Grammar VAE), generated, or a text file; by
    default official for arithmetic, and generated for a model of another grammar. For molecules:
    a .csv, .smi or .sdf file, zinc or builtin; by default what the pretrained model knows. For
    strings: a text file with one a line, or a .csv file whose first column has them; by default
    none, and the search begins with samples of the model's prior."""
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
    points: int | None = None
    """Training points of the surrogate: the best known, at most 1,000 of them, and a random choice
    of the others; 0 for all. By default the 300 best for expr, else 2,000; 5,000 of features or
    codes."""
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
    """expr: a table to find a formula for, with fitted constants (`bayesopt.SymbolicRegressor`),
    from the beginning each time; with --model, a search in the latent space of that model
    instead."""
    x_columns: str | None = None
    """expr: input columns of the table, separated by commas; by default x, or x1, x2, ..., or all
    but --y-column."""
    y_column: str | None = None
    """expr: its output column, y by default."""
    weight_column: str | None = None
    """expr: a column with weights of the rows."""
    latent: bool = False
    """expr: also take neighbours in the latent space of the model scientific for formulas."""
    processes: int = 2
    """expr: processes that look for formulas."""
    exclude_better_than: float | None = None
    """expr: hide known strings that score this or less; 0.0363 for the benchmark, -1 hides
    nothing."""


@dataclass(frozen=True)
class ConstraintOptions:
    """What a proposed molecule must satisfy."""

    max_heavy_atoms: int | None = None
    """molecules: most atoms other than hydrogen; 38 where the objective is a penalised logP, which
    grows with the size."""
    max_sa: float | None = None
    """molecules: highest synthetic accessibility score, from 1 (easy) to 10 (hard)."""
    alerts: bool | None = None
    """molecules: structural alerts (PAINS, BRENK): --alerts allows them, --no-alerts refuses them;
    by default those alone that your own molecules have."""
    min_similarity: float | None = None
    """molecules: least Tanimoto similarity to the molecule of --to, in [0, 1]."""
    to: str | None = None
    """molecules: SMILES of the molecule that similarities are measured to."""
    require: str | None = None
    """molecules: comparisons of properties that must hold: "1 <= logp <= 3 and tpsa < 90"."""
    unconstrained: bool = False
    """molecules: propose also what lies outside the domain of applicability, that is, with atom
    environments, their numbers, ring sizes or sizes that no known molecule has, or with alerts."""


@dataclass(frozen=True)
class ValueOptions:
    """Where measured values stand, and which are better."""

    value_column: str | None = None
    """molecules, strings: column of --data (or property of an .sdf) with values that are known
    already; for strings one called value by default."""
    maximize: bool = False
    """molecules, strings: higher values are better, whatever the objective's own direction is."""
    minimize: bool = False
    """molecules, strings: lower values are better."""


@dataclass(frozen=True)
class FileOptions:
    """Where the user's molecules stand, and what is done with them."""

    smiles_column: str | None = None
    """molecules: column of --data that holds SMILES, found by its name or content by default."""
    largest_fragment: bool = False
    """molecules: of salts and mixtures in --data keep the largest part; else they are left out."""
    standardize: bool = False
    """molecules: bring those of --data into RDKit's standard form, with no bonds to metals."""
    neutralize: bool = False
    """molecules: remove charges of those of --data, by hydrogens, so that charged and neutral forms
    join."""


@dataclass(frozen=True)
class ColumnOptions(FileOptions, ValueOptions):
    """Where the user's molecules and values stand, and which values are better."""


@dataclass(frozen=True)
class ObjectiveOptions:
    """What to optimise, and how it is computed."""

    objective: str | None = None
    """molecules: penalized_logp (the default), logp, qed, sa and so on; arithmetic on them, such as
    "0.5*qed + similarity"; or a function of a SMILES as package.module:function. strings: a
    function of a string as package.module:function, maximised unless --minimize is given."""
    time_limit: float = 30.0
    """molecules, strings: seconds for the score of one, which then counts as failed."""
    memory_limit: float | None = None
    """molecules, strings: gigabytes of a process that scores, beyond which the string counts as
    failed; by default its share of the machine's memory."""
    jobs: int | None = None
    """molecules, strings: processes that score; one for each core by default."""
    scheduler: str | None = None
    """molecules, strings: of a dask.distributed cluster, whose workers then score: its address,
    such as tcp://host:8786, or its scheduler file."""


@dataclass(frozen=True)
class MoleculeOptions(ObjectiveOptions, ColumnOptions, ConstraintOptions):
    """Options of `--task molecules`."""


@dataclass(frozen=True)
class StringOptions(ObjectiveOptions, ValueOptions):
    """Options of `--task strings`."""


@dataclass(frozen=True)
class RunConfig(MoleculeOptions, ExprOptions, SearchOptions):
    """Options of `python -m bayesopt.run`."""


TASK_OPTIONS = {"expr": ExprOptions, "molecules": MoleculeOptions, "strings": StringOptions}
"""The options that a task has beside those of every task."""


@dataclass(frozen=True)
class AskConfig(ConstraintOptions, ColumnOptions):
    """Options of `python -m bayesopt.run ask`."""

    task: Literal["molecules"] = "molecules"
    """What to ask for."""
    out: Path = Path("runs/ask")
    """Folder of the campaign; it remembers the other options, so that later only it is needed."""
    data: str | None = None
    """What was measured before: a .csv or .sdf file with molecules and values."""
    largest_fragment: bool = True
    """Of salts and mixtures in --data keep the largest part; --no-largest-fragment leaves them
    out."""
    batch_size: int = 10
    """Molecules to ask for; later as many as before."""
    more: bool = False
    """Ask for a further batch while one is out; it keeps away from what is waited for."""
    model: Path | None = None
    """Folder of the trained model; the pretrained one by default."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


@dataclass(frozen=True)
class StatusConfig:
    """Options of `python -m bayesopt.run status`."""

    out: Path = Path("runs/ask")
    """Folder of the campaign."""


@dataclass(frozen=True)
class PredictConfig(StatusConfig):
    """Options of `python -m bayesopt.run predict`."""

    molecules: Path = field(kw_only=True)
    """A .csv, .smi or .sdf file of molecules; --molecules itself may be left out."""
    smiles_column: str | None = None
    """Column that holds SMILES; by default one called smiles, or that has them."""
    to: Path = Path("predictions.csv")
    """File to write: molecules, once each as canonical SMILES, with means and standard
    deviations."""


@dataclass(frozen=True)
class TellConfig(StatusConfig):
    """Options of `python -m bayesopt.run tell`."""

    measured: Path = field(kw_only=True)
    """The CSV file of `ask` with values filled in, or any table with the columns smiles and that of
    the values; --measured itself may be left out. An empty cell goes on waiting, and the word
    failed says that the molecule could not be made or measured. A column sd has the standard
    deviation of a measurement."""
    replace: bool = False
    """Values that were told before with others are right now."""


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
    own = {field.name for field in fields(TASK_OPTIONS[config.task])}
    for group in TASK_OPTIONS.values():
        for option in fields(group):
            name, default = option.name, option.default
            if name in own or (value := values.pop(name, default)) == default:
                continue
            flag = f"{'no-' if value is False else ''}{name.replace('_', '-')}"
            having = [task for task, options in TASK_OPTIONS.items() if hasattr(options, name)]
            raise UserError(
                f"--{flag} belongs to --task {' or '.join(having)}: leave it out, or choose that "
                "task."
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
        revisit=True,
        points=0,
        inducing_points=500,
        surrogate="sgpr",
        kernel="squared_exponential",
        exclude_better_than=-1.0 if config.task == "expr" else config.exclude_better_than,
    )
