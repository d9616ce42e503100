"""From trials to numbers: everything a report says, computed once and without side effects.

Trials and functions of trials hold scores as the engines do: lower is better. What is shown has the
sign of the user: `results_json` and the pictures pass scores through `SearchRecord.shown`. A trial
is *evaluated* when it has a score or when it decoded to no string at all; a trial that only waits
for its score counts nowhere.

Schema of `results.json` (`results_json`; strict JSON, an unknown number is null; scores in the
user's sign):

    task, objective, strategy     str, str (a sentence), str
    maximise, score_name          bool: higher scores are better; str: what a score is called
    data_protocol, command        str: what the search was allowed to see; how to repeat it
    top                           best distinct strings over all seeds, best first: [{string, score,
                                  in_training_data, evaluation (1-based, first time found), seed,
                                  seeds_that_found_it}]
    surrogate                     {rmse, rmse_standard_error, log_likelihood,
                                  log_likelihood_standard_error, seeds}: held-out data, in units of
                                  the score and nats per point
    validity                      share of evaluated trials with a string, mean over seeds
    average_score                 mean of the scores other than `worst_score`, mean over seeds
    validity_standard_error, average_score_standard_error          over seeds, null below two seeds
    evaluations                   evaluated trials, all seeds together
    seeds, evaluations_per_seed, best_per_seed    lists, in the same order
    median_best                   median of best_per_seed; a seed that found nothing is worst
    baselines                     {name: {strategy, top, validity, ..., median_best}} as above
    calibration                   {nominal, coverage, rmse, predictions, batches: [{batch,
                                  evaluations, validity, predictions, mean_predicted, mean_score,
                                  coverage}]}: predictions made before the score was known
    worst_score                   score of what cannot be evaluated
    published                     [{method, values, source}]
    config, versions, notes       as given
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesopt.space import turned
from gmae_tf.utils.json import to_json

if TYPE_CHECKING:
    from bayesopt.storage import SurrogateFit, Trial

Array = np.ndarray[Any, np.dtype[Any]]

NOMINAL_COVERAGE = 0.9
UNKNOWN = "\u2013"  # what stands in a table for a number that is not known
HALF_WIDTH = 1.6448536269514722  # 95 % quantile of N(0, 1): the half width of a 90 % interval in sd


@dataclasses.dataclass(frozen=True)
class PublishedRow:
    """One row of a published table, to stand beside ours.

    `values` uses the names of `results.json` where they exist (`top` as a sequence of scores,
    `rmse`, `log_likelihood`, `median_best`, `validity`, `average_score`, `evaluations`); other
    names become further columns, and a string ("0.40") is shown as it is. `source` says where the
    numbers come from and under which protocol.
    """

    method: str
    values: Mapping[str, float | str | Sequence[float | str]]
    source: str


@dataclasses.dataclass(frozen=True, eq=False)
class SearchRecord:
    """All that a finished (or interrupted) search knows about itself; the report adds nothing.

    Shapes: `training_codes` [m, D] and `training_scores` [m] are a sample for the latent map and
    may be empty ([0, D], [0]). `baselines` maps a name ("random", "prior") to its trials. Scores
    are the engines', lower is better; with `maximize` they are the negatives of the user's.
    `score_name` and `noun` say what a score and a string are called.
    """

    task: str
    objective: str
    strategy: str
    trials: tuple[Trial, ...]
    fits: tuple[SurrogateFit, ...]
    baselines: Mapping[str, tuple[Trial, ...]]
    training_codes: Array
    training_scores: Array
    worst_score: float
    known_rows: tuple[PublishedRow, ...] = ()
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    data_protocol: str = ""
    command: str = ""
    maximize: bool = False
    score_name: str = "score"
    noun: str = "string"

    def shown(self, score: Any) -> Any:
        """A score, an array or a sequence of scores (or None) in the user's sign."""
        return turned(score, self.maximize)


def results_json(record: SearchRecord) -> dict[str, Any]:
    """The content of `results.json`: plain Python values only, see the schema of this module."""
    content = {
        "task": record.task,
        "objective": record.objective,
        "maximise": record.maximize,
        "score_name": record.score_name,
        "data_protocol": record.data_protocol,
        "command": record.command,
        **_shown(record, record.strategy, record.trials),
        "surrogate": surrogate(record.fits),
        "baselines": {
            name: _shown(record, name, trials) for name, trials in record.baselines.items()
        },
        "calibration": _shown_calibration(record),
        "worst_score": record.shown(record.worst_score),
        "published": [dataclasses.asdict(row) for row in record.known_rows],
        "config": record.config,
        "versions": record.versions,
        "notes": record.notes,
    }
    result: dict[str, Any] = to_json(content)
    return result


def _shown(record: SearchRecord, strategy: str, trials: Sequence[Trial]) -> dict[str, Any]:
    """`summary` in the user's sign."""
    numbers = summary(strategy, trials, record.worst_score)
    for key in ("average_score", "best_per_seed", "median_best"):
        numbers[key] = record.shown(numbers[key])
    for row in numbers["top"]:
        row["score"] = record.shown(row["score"])
    return numbers


def _shown_calibration(record: SearchRecord) -> dict[str, Any]:
    """`calibration` in the user's sign."""
    numbers = calibration(record.trials)
    for row in numbers["batches"]:
        for key in ("mean_predicted", "mean_score"):
            row[key] = record.shown(row[key])
    return numbers


def summary(strategy: str, trials: Sequence[Trial], worst_score: float) -> dict[str, Any]:
    """What one strategy found, over all its seeds."""
    valid, valid_error = mean_and_error(validity(group) for group in by_seed(trials).values())
    average, average_error = mean_and_error(
        average_score(group, worst_score) for group in by_seed(trials).values()
    )
    best = best_per_seed(trials)
    bests = [math.inf if score is None else score for score in best.values()]
    return {
        "strategy": strategy,
        "top": top(trials),
        "validity": valid,
        "validity_standard_error": valid_error,
        "average_score": average,
        "average_score_standard_error": average_error,
        "evaluations": len(evaluated(trials)),
        "seeds": list(best),
        "evaluations_per_seed": [len(group) for group in by_seed(trials).values()],
        "best_per_seed": list(best.values()),
        "median_best": float(np.median(bests)) if bests else None,
    }


def evaluated(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that cost an evaluation: those with a score, and those that decoded to nothing."""
    return [trial for trial in trials if trial.score is not None or trial.string is None]


def valid_trials(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that decoded to a string and have a finite score."""
    return [t for t in trials if t.string is not None and math.isfinite(score_of(t))]


def score_of(trial: Trial) -> float:
    """The score as a float; NaN when there is none."""
    return math.nan if trial.score is None else float(trial.score)


def by_seed(trials: Iterable[Trial]) -> dict[int, list[Trial]]:
    """Evaluated trials of each seed in the order of their evaluation; seeds ascending."""
    groups: dict[int, list[Trial]] = {}
    for trial in sorted(evaluated(trials), key=lambda trial: (trial.seed, trial.evaluation)):
        groups.setdefault(trial.seed, []).append(trial)
    return groups


def top_trials(trials: Iterable[Trial], n: int = 3) -> list[Trial]:
    """The n best distinct strings over all seeds, each by the trial that found it first.

    Distinct as strings, not as functions. Ties: the earlier evaluation, then the lower seed.
    (The Grammar VAE tables list the bests of three *runs* instead.)
    """
    first: dict[str, Trial] = {}
    for trial in sorted(valid_trials(trials), key=_rank):
        first.setdefault(trial.string or "", trial)
    return list(first.values())[:n]


def _rank(trial: Trial) -> tuple[float, int, int, str]:
    return (score_of(trial), trial.evaluation, trial.seed, trial.string or "")


def top(trials: Sequence[Trial], n: int = 3) -> list[dict[str, Any]]:
    """`top_trials` as the rows of `results.json`."""
    return [
        {
            "string": best.string,
            "score": score_of(best),
            "in_training_data": bool(best.in_training_data),
            "evaluation": best.evaluation,
            "seed": best.seed,
            "seeds_that_found_it": len({t.seed for t in trials if t.string == best.string}),
        }
        for best in top_trials(trials, n)
    ]


def best_per_seed(trials: Iterable[Trial]) -> dict[int, float | None]:
    """Lowest score of each seed over the trials that gave a string (None: no valid trial)."""
    return {
        seed: min((score_of(trial) for trial in valid_trials(group)), default=None)
        for seed, group in by_seed(trials).items()
    }


def running_best(trials: Iterable[Trial]) -> dict[int, Array]:
    """Lowest score so far of each seed, [n_evaluations]: entry i is the best after i + 1.

    NaN before the first valid trial. Proposals that wait for their score leave the value as it is.
    """
    traces = {}
    for seed, group in by_seed(trials).items():
        values = np.full(max(trial.evaluation for trial in group), np.nan)
        for trial in valid_trials(group):
            values[trial.evaluation - 1] = score_of(trial)
        traces[seed] = np.fmin.accumulate(values)
    return traces


def median_trace(traces: Iterable[Array]) -> Array:
    """Pointwise median of running bests; a shorter run keeps its last value to the end, [n_max]."""
    runs = list(traces)
    length = max((len(run) for run in runs), default=0)
    if not length:
        return np.zeros(0)
    padded = np.stack([np.pad(run, (0, length - len(run)), mode="edge") for run in runs])
    return np.asarray(np.median(np.where(np.isnan(padded), np.inf, padded), axis=0))


def validity(trials: Iterable[Trial]) -> float | None:
    """Share of evaluated trials that decoded to a string (None without trials)."""
    done = evaluated(trials)
    return sum(trial.string is not None for trial in done) / len(done) if done else None


def average_score(trials: Iterable[Trial], worst_score: float) -> float | None:
    """Mean of the scores other than `worst_score`, which what cannot be evaluated gets.

    The convention of the Grammar VAE tables (Kusner et al. 2017): what could not be evaluated is
    left out here and shows in the validity alone.
    """
    scores = np.array([score_of(trial) for trial in evaluated(trials)])
    kept = scores[np.isfinite(scores) & (scores != worst_score)]
    return float(kept.mean()) if kept.size else None


def mean_and_error(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard error std(ddof=1)/sqrt(n) of the known values; the error needs two."""
    known = np.array([value for value in values if value is not None and math.isfinite(value)])
    if not known.size:
        return None, None
    error = float(known.std(ddof=1) / math.sqrt(known.size)) if known.size > 1 else None
    return float(known.mean()), error


def surrogate(fits: Sequence[SurrogateFit]) -> dict[str, Any]:
    """Held-out RMSE and log-likelihood of the surrogate before the search, mean over seeds."""
    rmse, rmse_error = mean_and_error(fit.rmse for fit in fits)
    likelihood, likelihood_error = mean_and_error(fit.log_likelihood for fit in fits)
    return {
        "rmse": rmse,
        "rmse_standard_error": rmse_error,
        "log_likelihood": likelihood,
        "log_likelihood_standard_error": likelihood_error,
        "seeds": [fit.seed for fit in fits],
    }


def predicted(trials: Iterable[Trial]) -> list[Trial]:
    """Trials whose score was predicted before it was known: what calibration is measured on."""
    return [
        trial
        for trial in valid_trials(trials)
        if trial.predicted_mean is not None
        and trial.predicted_sd is not None
        and math.isfinite(trial.predicted_mean)
        and math.isfinite(trial.predicted_sd)
    ]


def prediction_arrays(trials: Sequence[Trial]) -> tuple[Array, Array, Array, Array]:
    """True score, predicted mean, half width of the 90 % interval, inside it? Each [n]."""
    truth = np.array([score_of(trial) for trial in trials], dtype=float)
    mean = np.array([trial.predicted_mean for trial in trials], dtype=float)
    half = HALF_WIDTH * np.array([trial.predicted_sd for trial in trials], dtype=float)
    return truth, mean, half, np.abs(truth - mean) <= half


def calibration(trials: Sequence[Trial]) -> dict[str, Any]:
    """Did the proposals score what the surrogate predicted: over all, and batch by batch."""
    pairs = predicted(trials)
    truth, mean, _, inside = prediction_arrays(pairs)
    batches = sorted({trial.batch for trial in evaluated(trials)})
    return {
        "nominal": NOMINAL_COVERAGE,
        "coverage": float(inside.mean()) if pairs else None,
        "rmse": float(np.sqrt(np.mean((truth - mean) ** 2))) if pairs else None,
        "predictions": len(pairs),
        "batches": [_batch_row(b, [t for t in trials if t.batch == b]) for b in batches],
    }


def _batch_row(batch: int, trials: Sequence[Trial]) -> dict[str, Any]:
    pairs = predicted(trials)
    truth, mean, _, inside = prediction_arrays(pairs)
    return {
        "batch": batch,
        "evaluations": len(evaluated(trials)),
        "validity": validity(trials),
        "predictions": len(pairs),
        "mean_predicted": float(mean.mean()) if pairs else None,
        "mean_score": float(truth.mean()) if pairs else None,
        "coverage": float(inside.mean()) if pairs else None,
    }


def short(value: float | None, digits: int = 4) -> str:
    """A score for human eyes: fixed decimals, 0 for what only rounding keeps from 0."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return "0" if abs(value) < 1e-9 else f"{value:.{digits}f}"


def with_error(numbers: Mapping[str, Any], key: str, digits: int = 3) -> str:
    """`mean ± standard error` from a dictionary that holds `key` and `key_standard_error`."""
    error = numbers.get(f"{key}_standard_error")
    value = short(numbers.get(key), digits)
    return value if error is None else f"{value} ± {error:.{digits}f}"
