"""What a command refuses before any heavy import: folders, names, files, columns, numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import ColumnOptions, ConstraintOptions, RunConfig, ValueOptions
from bayesopt.surrogates.require import require_gpflow
from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import UNREADABLE, first_line, read_description
from gmae_tf.utils.rows import Dropped, RowReport
from gmae_tf.utils.text import read_text

if TYPE_CHECKING:
    from molecules.chem.constraints import Constraints

LEAST = {
    "budget": 0,
    "batch_size": 1,
    "top": 1,
    "patience": 1,
    "points": 0,
    "hyper_points": 2,
    "inducing_points": 1,
    "neighbours": 1,
}
MODEL_PARTS = ("model.weights.h5", "grammar.cfg", "training.npy")
"""As `grammar.autoencoder.model` names them, which imports Keras."""


def check_run(config: RunConfig) -> None:
    """Refuse by a `UserError` a search that cannot be run as it is written."""
    for name, minimum in LEAST.items():
        value = getattr(config, name)
        if value is not None and value < minimum:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} must be {minimum} or more, not {value}")
    if config.seconds is not None and config.seconds <= 0:
        raise UserError(f"--seconds must be greater than 0, not {config.seconds:g}")
    if config.surrogate != "sgpr" and config.reads == "counts" and config.protocol != "paper":
        raise UserError(
            f"--surrogate {config.surrogate} does not read counts: add --reads codes or features."
        )
    if config.revisit and config.strategy == "joint":
        raise UserError("--strategy joint proposes new strings only: leave out --revisit.")
    check_folders(config.model, config.out)
    check_objective(config)
    if config.task == "strings":
        return
    if config.task == "molecules":
        from bayesopt.tasks.molecule_words import DEFAULT_OBJECTIVE

        objective = config.objective or DEFAULT_OBJECTIVE
        check_molecules(config, objective, config.data, scheduler=config.scheduler)
        constraints_of(config, objective)
        return
    from grammar.expressions.targets import load_target

    load_target(
        config.target,
        config.target_csv,
        x_columns=(config.x_columns or "").split(","),
        y_column=config.y_column,
    )
    if config.data in (None, "official", "generated"):
        return
    if not Path(config.data).is_file():
        raise UserError(
            f"--data {config.data} cannot be read: give official, generated, or a text file."
        )
    read_text(config.data)


def check_objective(config: RunConfig) -> None:
    """Refuse what cannot be computed: no function of strings, or values that only a user has."""
    if config.objective is not None and not config.objective.strip():
        raise UserError("--objective is empty: name a property, or package.module:function.")
    if config.task == "strings":
        _check_strings(config)
    elif config.value_column is not None and config.objective is None:
        better = "--minimize" if config.minimize else "--maximize"
        data = "" if config.data is None else f" --data {config.data}"
        raise UserError(
            f"--value-column {config.value_column} has measured values, which a search cannot "
            "compute for new molecules. To be told which to measure next: python -m bayesopt.run "
            f"ask{data} --value-column {config.value_column} {better}. To search by a computed "
            "score, of which the column has known values: add --objective NAME."
        )


def _check_strings(config: RunConfig) -> None:
    """Refuse a search for strings without a model, a function, or a readable file."""
    from molecules.scoring.objective import Objective
    from molecules.scoring.scorer import Scorer

    direction(config)
    if config.model is None:
        raise UserError("--task strings needs --model, the folder of python -m grammar.train.")
    objective = None if config.objective is None else Objective(config.objective)
    if objective is None or not objective.is_function:
        raise UserError(
            "--task strings needs --objective package.module:function, a function of a string that "
            f"gives a number{'' if objective is None else f', not {objective.name}'}."
        )
    if config.data is not None:
        if not Path(config.data).is_file():
            raise UserError(f"--data {config.data} cannot be read: there is no such file.")
        read_text(config.data)
    Scorer(objective, config.jobs, molecules=False, scheduler=config.scheduler).close()


def model_folder(model: Path | None) -> Path | None:
    """The folder of a shipped model, such as `expressions` or `compact`; else what was given."""
    return None if model is None else _shipped().get(str(model), model)


def _shipped() -> dict[str, Path]:
    from grammar.autoencoder.model import GrammarAutoencoder
    from molecules.presets import PRESETS

    return {**GrammarAutoencoder.PRESETS, **PRESETS}


def check_folders(model: Path | None, out: Path | None) -> None:
    """Refuse a folder without a whole model, and a file where the run's folder should be."""
    require_gpflow()
    if model is not None:
        try:
            read_description(model / "model.json", MODEL_PARTS)
        except UNREADABLE as error:
            reason = first_line(error)
            if not (model / "model.json").is_file():
                reason = "it has no model.json" if model.is_dir() else "there is no such folder"
            raise UserError(
                f"{model} does not hold a trained model ({reason}): name a folder that "
                "grammar.train or molecules.train has written, or a shipped model "
                f"({', '.join(_shipped())})."
            ) from error
    if out is not None:
        place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
        if not place.is_dir():
            raise UserError(f"--out {out}: {place} is a file; name a folder.")


def check_molecules(
    columns: ColumnOptions,
    objective: str | None,
    data: str | None,
    fewest: int = 0,
    scheduler: str | None = None,
) -> None:
    """Refuse wrong names of properties, functions, files and columns, and too few values.

    Imports RDKit only; a user's function is imported by a process of its own, and on the workers
    of a scheduler where there is one.
    """
    from bayesopt.tasks.molecule_words import too_few
    from molecules.chem.penalized import RAW
    from molecules.data.files import read_records
    from molecules.data.sources import NAMED
    from molecules.scoring.objective import Objective
    from molecules.scoring.scorer import Scorer

    direction(columns)
    if objective is not None:
        jobs, to = getattr(columns, "jobs", None), getattr(columns, "to", None)
        Scorer(Objective(objective, to, RAW), jobs, scheduler=scheduler).close()
    for name in ("smiles_column", "value_column"):
        if getattr(columns, name) is not None and data is None:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} names a column of --data: give that file too.")
    if data is None or data in NAMED:
        return
    path = Path(str(data))
    if not path.is_file():
        raise UserError(f"--data {path} cannot be read: there is no such file.")
    if ".sdf" in path.suffixes and not fewest:
        return  # RDKit takes long to read many
    found = read_records(
        path, smiles_column=columns.smiles_column, value_column=columns.value_column
    )
    valued = sum(row.value is not None and row.problem is None for row in found.records)
    if valued < fewest:
        lost = tuple(Dropped(r.place, r.text, r.problem) for r in found.records if r.problem)
        left_out = RowReport(str(path), len(found.records), valued, lost, found.unit)
        raise UserError(f"{path}: {too_few(valued, left_out=left_out.first_dropped())}")


def direction(columns: ValueOptions) -> bool | None:
    """Whether higher is better, None if nothing was said; both at once is a `UserError`."""
    if columns.maximize and columns.minimize:
        raise UserError("--maximize and --minimize exclude each other: give one of them.")
    return True if columns.maximize else False if columns.minimize else None


def constraints_of(options: ConstraintOptions, objective: str | None) -> Constraints:
    """The constraints that the options describe, with the usual bound of the objective."""
    from bayesopt.tasks.molecule_words import default_constraints

    if (
        options.to is not None
        and options.min_similarity is None
        and "similarity" not in str(objective)
    ):
        raise UserError(
            "--to names the molecule of --min-similarity or of --objective similarity: "
            "give one of them."
        )
    bounds: dict[str, Any] = {"max_sa": options.max_sa, "no_alerts": options.alerts is False}
    if options.max_heavy_atoms is not None:
        bounds["max_heavy_atoms"] = options.max_heavy_atoms
    if options.min_similarity is not None:
        bounds.update(min_similarity=options.min_similarity, to=options.to)
    if options.require is not None:
        bounds["require"] = (options.require,)
    return replace(default_constraints(objective), **bounds)
