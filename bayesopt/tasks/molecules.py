"""The task of finding molecules: by a property, a function, or measurements by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesopt.dataset import Dataset, turned
from bayesopt.space import SearchSpace
from bayesopt.tasks import molecule_words as words
from bayesopt.tasks.base import PublishedRow, Task, published_rows
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError
from gmae_tf.utils.plotting import Picture
from molecules.chem.constraints import Constraints
from molecules.chem.domain import FILE as DOMAIN
from molecules.chem.domain import Domain
from molecules.chem.draw import grid
from molecules.chem.output import write_table
from molecules.chem.penalized import RAW, Normalisation, terms
from molecules.chem.properties import all_alerts, canonical, parse
from molecules.codec import MoleculeCodec, MoleculeModel
from molecules.data.library import Known, load_known, read_known
from molecules.data.sources import NAMED
from molecules.presets import PRESETS
from molecules.scoring.objective import Objective
from molecules.scoring.scorer import Score, Scorer

PRETRAINED = PRESETS["compact"]
CALLS = 1_000
"""Known molecules for which a user's function is called before a search."""
REGION = 20_000
"""Codes that show where the decoder is at home."""


class MoleculeTask(Task):
    """The task of `--task molecules`: a search space of canonical SMILES, known values, a report.

    Parameters
    ----------
    objective : name or function, see `molecules.Objective`; None: only the user can measure, and
        `value_column` names the property.
    constraints : bounds on the molecules to propose; by default none but the usual bound of size
        for a penalised logP.
    alerts : allow all structural alerts in that domain, not those alone that `data` have.
    unconstrained : let the search leave the domain of applicability (`molecules.chem.domain`) of
        the molecules that the model was trained on and of `data`.  Only a model with that domain
        beside it, as the shipped one, limits a search so.
    to : SMILES of a reference molecule, around which the search starts too.
    maximize : whether higher is better; None: as the objective itself says.
    time_limit, memory_limit, jobs, scheduler : of `molecules.Scorer`.
    largest_fragment, standardize, neutralize : what is done with the molecules of `data`, see
        `molecules.data.cleaning.Policy`.
    codec : of the model, where several tasks share it and what it remembers.
    """

    name = "molecules"
    noun = "molecule"
    column = "smiles"
    points_per_lengthscale = 20

    def __init__(
        self,
        objective: str | None = words.DEFAULT_OBJECTIVE,
        *,
        constraints: Constraints | None = None,
        alerts: bool | None = None,
        unconstrained: bool = False,
        to: str | None = None,
        maximize: bool | None = None,
        data: str | None = None,
        smiles_column: str | None = None,
        value_column: str | None = None,
        model: Path | None = None,
        n_data: int | None = None,
        data_dir: Path | None = None,
        time_limit: float = 30.0,
        memory_limit: float | None = None,
        jobs: int | None = None,
        scheduler: str | None = None,
        largest_fragment: bool = False,
        standardize: bool = False,
        neutralize: bool = False,
        codec: MoleculeCodec | None = None,
    ) -> None:
        self._objective, self._to = objective, to
        if constraints is None:
            constraints = words.default_constraints(objective)
        if objective is not None:  # a wrong name is an error before anything is loaded
            default = Objective(objective, to, RAW).maximise  # of any normalisation
            self.maximize = default if maximize is None else maximize
        else:
            self.maximize = maximize is not False
        self.codec = codec or load_codec(model)
        preset = read_known(model or PRETRAINED, self.codec.latent_dim)
        reference = None if to is None else canonical(to)
        if reference is not None and self.codec.refuses(reference) is not None:
            reference = None
        if data is None and preset is not None:
            if n_data is None and objective is not None and ":" in objective:
                n_data = CALLS
            known = preset.sample(n_data)
        else:
            known = load_known(
                self.codec,
                data or "builtin",
                smiles_column=smiles_column,
                value_column=value_column,
                n=n_data,
                data_dir=data_dir,
                largest_fragment=largest_fragment,
                standardize=standardize,
                neutralize=neutralize,
            )
        if known.report is not None:
            self.reports = (known.report,)
        if reference is not None and objective is not None:
            known = known.with_molecule(reference, self.codec)
        self._failures: list[Score] = []
        self._scorer = self._make_scorer(known, time_limit, memory_limit, jobs, scheduler)
        self.score_name = words.score_name(objective or value_column or "value")
        values = self._values(known)
        has = np.isfinite(values)
        self._unscored = int((~has).sum())
        if has.sum() < words.FEWEST:
            left_out = "" if known.report is None else known.report.first_dropped()
            raise UserError(words.too_few(has.sum(), self._first_failure(), left_out))
        self.known = known = known.take(np.flatnonzero(has))
        domain = (model or PRETRAINED) / DOMAIN
        if domain.is_file() and not unconstrained:
            inside = Domain.load(domain)
            if data is not None:  # else the molecules beside the model, which was trained on them
                inside = inside.widened(list(known.smiles), alerts=data not in NAMED)
            if reference is not None:
                inside = inside.widened([reference])
            if alerts:
                inside = replace(inside, alerts=all_alerts())
            constraints = replace(constraints, domain=inside)
        self.constraints = constraints
        self.dataset = Dataset(known.smiles, values[has], known.codes, known.censoring)
        worst = self.dataset.values.min() if self.maximize else self.dataset.values.max()
        self.failed_value = float(worst)
        self.space = SearchSpace(
            self.codec,
            constraints=None if constraints == Constraints() else constraints,
            unconstrained=True,  # the domain is one of the constraints
            near=reference,
            region_codes=None if preset is None else preset.sample(REGION).codes,
        )
        self.centres = self._centres()

    def _make_scorer(
        self,
        known: Known,
        time_limit: float,
        memory_limit: float | None,
        jobs: int | None,
        scheduler: str | None,
    ) -> Scorer | None:
        if self._objective is None:
            return None
        normalisation = None
        if self._objective == "penalized_logp_data":
            normalisation = Normalisation.of(terms(parse(s)) for s in known.smiles)
        what = Objective(self._objective, self._to, normalisation)
        return Scorer(what, jobs, time_limit, memory_limit=memory_limit, scheduler=scheduler)

    def _values(self, known: Known) -> Array:
        """Values [N] of the known molecules in the user's sign, NaN where there is none."""
        values = np.full(len(known.smiles), np.nan)
        if known.measured is not None:
            values = known.measured.copy()
        elif (computed := known.computed.get(self._objective or "")) is not None:
            values = computed.copy()
        missing = np.flatnonzero(~np.isfinite(values))
        if len(missing) and self._scorer is not None:
            values[missing] = self.evaluate([known.smiles[i] for i in missing])
        return values

    def terms(self, strings: Sequence[str]) -> pd.DataFrame | None:
        """Summands or factors of a scalarised objective, of N molecules."""
        parts = [] if self._objective is None else Objective(self._objective, self._to).terms()
        values = {part.name: [part.resolve()(s) for s in strings] for part in parts}
        return pd.DataFrame(values) if values else None

    def evaluate(self, strings: Sequence[str]) -> Array:
        """Values [N] of the objective, NaN for a failure."""
        if self._scorer is None:
            raise UserError("only you can measure this: use bayesopt.run ask and tell.")
        scores = self._scorer.score(list(strings))
        self._failures.extend(score for score in scores if not score.ok)
        values = np.array([score.value for score in scores], dtype=np.float64)
        return np.where(np.isfinite(values), values, np.nan)

    def _centres(self) -> NDArray[np.int64] | None:
        data = self.dataset
        try:
            return self.space.centre_rows(
                data.strings, self.known.codes, turned(data.values, self.maximize)
            )
        except UserError as error:
            raise UserError(
                f"no known molecule satisfies the constraints ({words.limits(self.constraints)}): "
                "a search has nowhere to start, so loosen them or give molecules that do by --data."
            ) from error

    # ------------------------------------------------------------------ words and pictures

    @property
    def objective(self) -> str:
        """The objective and its constraints, in words."""
        what = words.meaning(self._objective, self._to) or self.score_name
        limits = words.limits(self.constraints)
        towards = "maximised" if self.maximize else "minimised"
        return f"{what}, {towards}" + (f", with {limits}" if limits else "")

    @property
    def data_protocol(self) -> str:
        """What the search may see, in words."""
        known = len(self.known.smiles)
        return (
            f"{known:,} molecules are known to the search ({self.known.source}); none of them, and "
            "none that the model was trained on, is proposed."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know besides."""
        notes = []
        if self.codec.decoded:
            share = 100 * self.codec.valid / self.codec.decoded
            notes.append(
                f"{share:.4g} % of the {self.codec.decoded:,} codes decoded in this session gave a "
                "valid molecule, candidates included that were never evaluated."
            )
        dropped = 0 if self.known.report is None else len(self.known.report.dropped)
        if self._unscored or dropped:
            notes.append(
                f"Of the known molecules {dropped:,} rows are not used, and {self._unscored:,} "
                "have no value; they are left out."
            )
        limits = 0 if self.known.censoring is None else np.count_nonzero(self.known.censoring)
        if limits:
            notes.append(
                f"{limits:,} of the measured values are limits, such as >10; the surrogate takes "
                "each at its limit."
            )
        if self._failures:
            notes.append(f"{len(self._failures):,} scores failed{self._first_failure()}.")
        return tuple(notes)

    def _first_failure(self) -> str:
        first = next(iter(self._failures), None)
        return "" if first is None else f" (the first, {first.smiles}: {first.reason.rstrip('.')})"

    @property
    def published(self) -> tuple[PublishedRow, ...]:
        """The best known molecules, rows of the papers, and what size alone is worth."""
        ranked = np.sort(self.dataset.values)[:: -1 if self.maximize else 1]
        source = f"computed: {self.known.source}"
        best = PublishedRow("best known before", {"top": ranked[:3].tolist()}, source)
        rows = (best, *published_rows(self._objective or ""))
        cap = self.constraints.max_heavy_atoms
        if self._objective not in words.PENALISED or cap is None or self._scorer is None:
            return rows
        alkane = float(self._scorer.values(["C" * cap])[0])
        about = "computed: a penalised logP grows with the molecule, and this needs no search"
        return (*rows, PublishedRow(f"alkane C{cap}", {"top": [alkane]}, about))

    def pictures(self, top: Sequence[str], scores: Sequence[float]) -> list[Picture]:
        """Drawings of the best molecules, each with its rank and score."""
        if not top:
            return []
        legends = [f"{i}:  {score:.4g}" for i, score in enumerate(scores, start=1)]
        with TemporaryDirectory() as folder:
            png = grid(top, Path(folder) / "top.png", legends, columns=3).read_bytes()
        caption = f"Below each molecule stand its rank and its {self.score_name}."
        return [Picture("figures", "best", "The best molecules found", caption, png)]

    def files(self, results: pd.DataFrame, folder: Path) -> list[Path]:
        """The molecules as an SDF, whose properties are the other columns."""
        path = folder / "results.sdf"
        write_table(results.dropna(subset=[self.column]), path, smiles_column=self.column)
        return [path]

    def close(self) -> None:
        """End the processes that score."""
        if self._scorer is not None:
            self._scorer.close()


def load_codec(folder: Path | None) -> MoleculeCodec:
    """What turns molecules into codes and back; the pretrained model by default."""
    return MoleculeCodec(_load_model(folder))


def _load_model(folder: Path | None) -> MoleculeModel:
    from molecules.model import load

    return load(folder or "compact")
