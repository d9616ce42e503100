"""Find molecules: a property, a function of the user's, or measurements that only he can make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesopt.acquisition.candidates import Effort
from bayesopt.cli.options import ColumnOptions, ConstraintOptions, RunConfig, direction
from bayesopt.report.summary import PublishedRow
from bayesopt.space import Array, Problem
from bayesopt.tasks import molecule_words as words
from bayesopt.tasks.molecule_codec import MoleculeCodec, MoleculeModel
from bayesopt.tasks.molecule_rows import PENALISED, alkane, best_of_data, published_rows
from gmae_tf.errors import UserError
from molecules.chem.constraints import Constraints
from molecules.chem.features import WHOLE
from molecules.chem.penalized import RAW, Normalisation, terms
from molecules.chem.properties import canonical, parse
from molecules.chem.recombine import children
from molecules.data.library import Known, load_known, read_known
from molecules.scoring.objective import Objective
from molecules.scoring.scorer import Score, Scorer

if TYPE_CHECKING:
    from bayesopt.report.figures import Plot

PRETRAINED = Path(__file__).parents[2] / "data" / "pretrained" / "molecules"
DEFAULT_OBJECTIVE = "penalized_logp"
DEFAULT_CAP = 38
"""Heavy atoms of the largest molecules of ZINC 250k, and the usual bound of published searches."""
FEWEST = 10
"""Known molecules with a value below which nothing can be learnt."""
CALLS = 1_000
"""Known molecules that a user's function is asked for before a search."""
EFFORT = Effort(
    draws=300,
    enough=200,
    attempts=2,
    centres=200,
    screen=10,
    faithful=True,
    recombined=200,
    generations=20,
    evolutions=4,
    lengths=(0.3, 0.1, 0.6),
)
"""A thousand decodes, or children, take a second or two."""
REGION = 20_000
"""Codes that show where the decoder is at home."""


class MoleculeTask:
    """The task of `--task molecules`: a `Problem` over canonical SMILES, and its report's words.

    Parameters
    ----------
    objective : name or function, see `molecules.scoring.objective`; None: only the user can measure, and
        `value_column` names the property.
    codec : of the model, where several tasks share it and what it remembers.
    """

    name = "molecules"
    noun = "molecule"
    points_per_lengthscale = 20

    def __init__(
        self,
        objective: str | None,
        bounds: ConstraintOptions,
        columns: ColumnOptions,
        *,
        model: Path | None = None,
        data: str | None = None,
        n_data: int | None = None,
        data_dir: Path | None = None,
        time_limit: float = 30.0,
        jobs: int | None = None,
        codec: MoleculeCodec | None = None,
    ) -> None:
        self._wanted, self._bounds = objective, bounds
        self.constraints = _constraints(objective, bounds)
        _check_columns(data, columns)
        turned = direction(columns.maximize, columns.minimize)
        if objective is not None:  # a wrong name is told before anything is loaded
            default = Objective(objective, bounds.to, RAW).maximise  # of any normalisation
            self.maximise = default if turned is None else turned
        else:
            self.maximise = turned is not False
        self.codec = codec or load_codec(model)
        self.effort = replace(EFFORT, anywhere=self.codec.model.network.has_prior)
        preset = read_known(model or PRETRAINED, self.codec.latent_dim)
        self.known = self._start(preset, data, columns, n_data, data_dir)
        self._failures: list[Score] = []
        self._scorer = self._make_scorer(time_limit, jobs)
        self.score_name = words.score_name(objective or columns.value_column or "value")
        values = self._values()
        has = np.isfinite(values)
        self._unscored = int((~has).sum())
        if has.sum() < FEWEST:
            raise UserError(
                f"only {has.sum()} known molecules have a value: at least {FEWEST} are needed"
                f"{self._first_failure()}."
            )
        self.known, self.values = self.known.take(np.flatnonzero(has)), values[has]
        self.problem = self._problem(preset)

    @classmethod
    def of(cls, config: RunConfig) -> MoleculeTask:
        """The task of the options of a run."""
        return cls(
            config.objective or DEFAULT_OBJECTIVE,
            config,
            config,
            model=config.model,
            data=config.data,
            n_data=config.n_data,
            data_dir=config.data_dir,
            time_limit=config.time_limit,
            jobs=config.jobs,
        )

    # ------------------------------------------------------------------ making the problem

    def _start(
        self,
        preset: Known | None,
        data: str | None,
        columns: ColumnOptions,
        n: int | None,
        data_dir: Path | None,
    ) -> Known:
        """The known molecules: the user's, those of the model, or the built-in ones."""
        wanted = self._wanted
        if data is None and preset is not None:
            if n is None and wanted is not None and ":" in wanted:
                n = CALLS
            known = preset.sample(n)
        else:
            known = load_known(
                self.codec,
                data or "builtin",
                smiles_column=columns.smiles_column,
                value_column=columns.value_column,
                n=n,
                data_dir=data_dir,
            )
        if self._bounds.to is not None and wanted is not None:
            reference = canonical(self._bounds.to)
            if self.codec.refuses(reference) is None:
                known = known.with_molecule(reference, self.codec)
        return known

    def _make_scorer(self, time_limit: float, jobs: int | None) -> Scorer | None:
        if self._wanted is None:
            return None
        normalisation = None
        if self._wanted == "penalized_logp_data":
            normalisation = Normalisation.of(terms(parse(s)) for s in self.known.smiles)
        what = Objective(self._wanted, self._bounds.to, normalisation)
        return Scorer(what, jobs=jobs, time_limit=time_limit)

    def _values(self) -> Array:
        """Values [N] of the known molecules in the user's sign, NaN where there is none."""
        known = self.known
        values = np.full(len(known.smiles), np.nan)
        if known.measured is not None:
            values = known.measured.copy()
        elif (computed := known.computed.get(self._wanted or "")) is not None:
            values = computed.copy()
        missing = np.flatnonzero(~np.isfinite(values))
        if len(missing) and self._scorer is not None:
            values[missing] = self._evaluate([known.smiles[i] for i in missing])
        return values

    def _evaluate(self, smiles: Sequence[str]) -> Array:
        assert self._scorer is not None
        scores = self._scorer.score(list(smiles))
        self._failures.extend(score for score in scores if not score.ok)
        return np.array([score.value for score in scores], dtype=np.float64)

    def _problem(self, preset: Known | None) -> Problem:
        scores = -self.values if self.maximise else self.values
        known = frozenset(self.known.smiles)
        self._worst = float(scores.max())
        self._strings = np.array(self.known.smiles, dtype=object)
        bounded = self.constraints != Constraints()
        cap, most = self.constraints.max_heavy_atoms, self.codec.most_atoms
        return Problem(
            codec=self.codec,
            score=self.score,
            worst_score=self._worst,
            strings=self.known.smiles,
            codes=self.known.codes,
            scores=scores,
            sample_prior=self._sample_prior,
            sample_strings=self._sample_strings,
            in_training_data=lambda s: s in known or s in self.codec.model.training_strings,
            feasible=self._feasible,
            novel=True,
            centres=self._centres(scores) if bounded else None,
            region_codes=self._region(preset),
            recombine=partial(children, most=min(cap or most, most)),
            features=self.codec.features,
            wholes=len(WHOLE),
            represent=self.codec.represent,
        )

    def score(self, strings: Sequence[str]) -> Array:
        """Scores [N] for the search, lower is better; a failure gets the worst known score."""
        if self._scorer is None:
            raise UserError("only you can measure this: use bayesopt.run ask and tell.")
        values = self._evaluate(strings)
        return np.where(np.isfinite(values), -values if self.maximise else values, self._worst)

    def _feasible(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each of N molecules has a code and satisfies the constraints, [N]."""
        written = np.array([self.codec.writes(s) for s in smiles], dtype=bool)
        if self.constraints != Constraints():
            asked = [s for s, has_code in zip(smiles, written, strict=True) if has_code]
            written[written] = self.constraints.allows(asked)
        return written

    def _centres(self, scores: Array) -> NDArray[np.int64]:
        """Rows of known molecules that satisfy the constraints, the best and the nearest of them.

        Of hundreds of thousands not all can be asked.
        """
        rows = np.argsort(scores, kind="stable")[:2_000]
        if self._bounds.to is not None:
            reference = canonical(self._bounds.to)
            if self.codec.refuses(reference) is None:
                far = np.linalg.norm(self.known.codes - self.codec.encode([reference]), axis=1)
                rows = np.union1d(rows, np.argsort(far)[:5_000])
        for tried in (rows, np.random.default_rng(0).permutation(len(scores))[:20_000]):
            allowed = self.constraints.allows([self.known.smiles[i] for i in tried])
            if allowed.any():
                return np.sort(tried[allowed]).astype(np.int64)
        raise UserError(
            f"no known molecule satisfies the constraints ({words.limits(self.constraints)}): a "
            "search has nowhere to start, so loosen them or give molecules that do by --data."
        )

    def _region(self, preset: Known | None) -> Array:
        """Codes of the decoder's home: of its training molecules, else of its prior."""
        rng = np.random.default_rng(0)
        if preset is not None:
            return preset.sample(REGION).codes
        if self.codec.model.network.has_prior:
            return self._sample_prior(REGION, rng)
        return self.known.codes

    def _sample_prior(self, n: int, rng: np.random.Generator) -> Array:
        network = self.codec.model.network
        if not network.has_prior:
            raise UserError("this model was trained without a prior: --baselines needs one")
        return np.asarray(network.sample_codes(n, rng), dtype=np.float64)

    def _sample_strings(self, n: int, rng: np.random.Generator) -> list[str]:
        return [str(s) for s in rng.choice(self._strings, size=n)]

    # ------------------------------------------------------------------ words and pictures

    @property
    def objective(self) -> str:
        """What is optimised, in words."""
        what = words.meaning(self._wanted, self._bounds.to) or self.score_name
        limits = words.limits(self.constraints)
        towards = "maximised" if self.maximise else "minimised"
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
    def published(self) -> tuple[PublishedRow, ...]:
        """Rows of the papers, the best known molecules, and the largest alkane."""
        best = best_of_data(self.values, self.maximise, self.known.source)
        rows = (best, *published_rows(self._wanted or ""))
        cap = self.constraints.max_heavy_atoms
        if self._wanted in PENALISED and cap is not None and self._scorer is not None:
            rows = (*rows, alkane(cap, float(self._scorer.values(["C" * cap])[0])))
        return rows

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
        if self._unscored or self.known.dropped:
            notes.append(
                f"Of the known molecules {self.known.dropped:,} could not be read and "
                f"{self._unscored:,} have no value; they are left out."
            )
        if self._failures:
            notes.append(f"{len(self._failures):,} scores failed{self._first_failure()}.")
        return tuple(notes)

    def _first_failure(self) -> str:
        first = next(iter(self._failures), None)
        return "" if first is None else f" (the first, {first.smiles}: {first.reason.rstrip('.')})"

    def plots(self, top: Sequence[str], scores: Sequence[float]) -> list[Plot]:
        """Drawings of the best molecules."""
        return [words.drawing(top, scores, self.score_name)] if top else []

    def close(self) -> None:
        """End the processes that score."""
        if self._scorer is not None:
            self._scorer.close()


def _constraints(objective: str | None, bounds: ConstraintOptions) -> Constraints:
    if bounds.to is not None and bounds.min_similarity is None and objective != "similarity":
        raise UserError(
            "--to names the molecule of --min-similarity or of --objective similarity: "
            "give one of them."
        )
    cap = bounds.max_heavy_atoms
    if cap is None and objective in PENALISED:
        cap = DEFAULT_CAP
    similar: dict[str, Any] = {}
    if bounds.min_similarity is not None:
        similar = {"min_similarity": bounds.min_similarity, "to": bounds.to}
    return Constraints(
        max_heavy_atoms=cap, max_sa=bounds.max_sa, no_alerts=not bounds.alerts, **similar
    )


def _check_columns(data: str | None, columns: ColumnOptions) -> None:
    for name in ("smiles_column", "value_column"):
        if getattr(columns, name) is not None and data is None:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} names a column of --data: give that file too.")


def load_codec(folder: Path | None) -> MoleculeCodec:
    """What turns molecules into codes and back; the pretrained model by default."""
    return MoleculeCodec(_load_model(folder))


def _load_model(folder: Path | None) -> MoleculeModel:
    from molecules.model import load

    return load(folder or "compact")
