"""From trials to numbers: everything a report says, computed once, in the user's sign.

Schema of `results.json` (`results_json`; strict JSON, an unknown number is null):

    task, objective, strategy     str, str (a sentence), str
    maximise, score_name, noun    bool: higher scores are better; names of a score and of a string
    data_protocol, command        str: what the search was allowed to see; how to repeat it
    top                           best distinct strings over all seeds, best first: [{string, score,
                                  in_training_data, evaluation (1-based, first time found), seed,
                                  seeds_that_found_it}]
    surrogate                     {rmse, rmse_standard_error, log_likelihood,
                                  log_likelihood_standard_error, seeds}: held-out data, in units of
                                  the score and nats per point
    sources                       {source: {evaluations, best}}: its shares of the evaluations and
                                  of the ten best, all seeds together
    kernel                        {batches, weights: {name: mean over batches, 0 where left out},
                                  noise, calibration: means over batches, with_codes: batches whose
                                  kernel reads codes, held_out_log_likelihood: {names of kernels:
                                  leave-one-out, nats per point, mean over batches}}; null if the
                                  surrogate is not one on counts
    trade_offs                    [{string, score, each term of the objective}]: the Pareto front,
                                  at most 20; empty where the objective is one thing
    chains                        {batches, temperatures, candidates: {source: number}, moves:
                                  [{move, proposed, moved (to another string), accepted}]}: Markov
                                  chains of the source latent; null if there were none
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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bayesopt.acquisition.chains import STEPS
from bayesopt.dataset import turned
from bayesopt.inputs import CODES
from bayesopt.space import SOURCES
from bayesopt.storage import COLUMNS, SurrogateFit, Trial, source_shares
from bayesopt.tasks.base import Task
from gmae_tf.utils.json import to_json

BEST = 10
"""Of so many best evaluations the sources' shares are told."""
FRONT = 20
"""So many strings of a Pareto front are listed, at most."""
NOMINAL_COVERAGE = 0.9
HALF_WIDTH = 1.6448536269514722
"""95 % quantile of N(0, 1): the half width of a 90 % interval in standard deviations."""


@dataclass(frozen=True, eq=False)
class SearchRecord:
    """All that a finished (or interrupted) search knows about itself; the report adds nothing.

    `trials` holds those of the strategy and of the `baselines` beside it, see `trial_table`;
    `batches` are the descriptions of all batches of the search (`TrialStore.descriptions`); `about`
    goes into `results.json` as it is: config, versions, command, notes, data_protocol; `shown` is
    how many of the best are listed.
    """

    task: Task
    strategy: str
    trials: pd.DataFrame
    fits: Sequence[SurrogateFit] = ()
    baselines: Sequence[str] = ()
    batches: Sequence[Mapping[str, Any]] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    shown: int = 3

    def of(self, strategy: str) -> pd.DataFrame:
        """The trials of one strategy."""
        return self.trials[self.trials.strategy == strategy]

    @property
    def own(self) -> pd.DataFrame:
        """The trials of the search itself, not of its baselines."""
        return self.of(self.strategy)


def trial_table(trials: Iterable[Trial], maximize: bool) -> pd.DataFrame:
    """Evaluated trials, one a row, with the fields of `Trial`, scores in the user's sign.

    A trial is evaluated when it has a score or when it decoded to no string at all; one that waits
    for its score counts nowhere.
    """
    rows = [[getattr(trial, name) for name in COLUMNS] for trial in trials]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("score", "predicted_mean"):
        table[name] = turned(table[name].astype(float), maximize)
    table["predicted_sd"] = table.predicted_sd.astype(float)
    return table[table.score.notna() | table.string.isna()]


def results_json(record: SearchRecord) -> dict[str, Any]:
    """The content of `results.json`: plain Python values only, see the schema of this module."""
    task = record.task
    content = {
        "task": task.name,
        "objective": task.objective,
        "maximise": task.maximize,
        "score_name": task.score_name,
        "noun": task.noun,
        "strategy": record.strategy,
        **summary(record.own, task),
        "top": top(record.own, task.maximize, record.shown).to_dict("records"),
        "surrogate": {
            **mean_and_error("rmse", [fit.rmse for fit in record.fits]),
            **mean_and_error("log_likelihood", [fit.log_likelihood for fit in record.fits]),
            "seeds": [fit.seed for fit in record.fits],
        },
        "trade_offs": trade_offs(record.own, task),
        "sources": sources(record.own, task.maximize),
        "kernel": kernels(record.batches),
        "chains": chains(record.batches),
        "baselines": {
            name: {"strategy": name, **summary(record.of(name), task)} for name in record.baselines
        },
        "calibration": calibration(record.own),
        "worst_score": task.failed_value,
        "published": task.published,
        **record.about,
    }
    result: dict[str, Any] = to_json(content)
    return result


def summary(trials: pd.DataFrame, task: Task) -> dict[str, Any]:
    """What one strategy found, over all its seeds.

    The average score leaves out the score of what cannot be evaluated, which shows in the validity
    alone: the convention of the Grammar VAE tables (Kusner et al. 2017).
    """
    seeds = trials.groupby("seed")
    usual = trials[trials.score != task.failed_value]
    best = valid(trials).groupby("seed").score.agg("max" if task.maximize else "min")
    best = best.reindex(list(seeds.groups)).astype(float)
    worst = -np.inf if task.maximize else np.inf
    return {
        "top": top(trials, task.maximize).to_dict("records"),
        **mean_and_error("validity", trials.string.notna().groupby(trials.seed).mean()),
        **mean_and_error("average_score", usual.groupby("seed").score.mean()),
        "evaluations": len(trials),
        "seeds": list(seeds.groups),
        "evaluations_per_seed": seeds.size().tolist(),
        "best_per_seed": best.tolist(),
        "median_best": best.fillna(worst).median(),
    }


def sources(trials: pd.DataFrame, maximize: bool) -> dict[str, dict[str, float]]:
    """Of each source: its shares of the evaluations and of the ten best."""
    scored = valid(trials)
    return source_shares(scored.source.tolist(), turned(scored.score.to_numpy(), maximize), BEST)


def trade_offs(trials: pd.DataFrame, task: Task) -> list[dict[str, Any]]:
    """The Pareto front of what the objective weighs against each other, best scores first.

    A string is on it if no other evaluated one is as good in every term and better in one.
    """
    found = valid(trials).drop_duplicates("string")
    terms = task.terms(found.string.tolist()) if len(found) else None
    if terms is None:
        return []
    values = terms.to_numpy() if task.maximize else -terms.to_numpy()
    front = [not ((values >= row).all(axis=1) & (values > row).any(axis=1)).any() for row in values]
    table = pd.concat([found[["string", "score"]].reset_index(drop=True), terms], axis=1)[front]
    table = table.sort_values("score", ascending=not task.maximize, kind="stable")
    return table.head(FRONT).to_dict("records")


def kernels(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Weights and held-out likelihoods of the kernels of counts, means over batches."""
    told = [batch for batch in batches if "held_out_log_likelihood" in batch]
    if not told:
        return None
    return {
        "batches": len(told),
        "weights": pd.DataFrame([batch["kernel"] for batch in told]).fillna(0.0).mean().to_dict(),
        "noise": float(np.mean([batch["noise"] for batch in told])),
        "calibration": float(np.mean([batch["calibration"] for batch in told])),
        "with_codes": sum(CODES in batch["kernel"] for batch in told),
        "held_out_log_likelihood": pd.DataFrame(
            [batch["held_out_log_likelihood"] for batch in told]
        )
        .mean()
        .to_dict(),
    }


def chains(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the Markov chains in the latent space did: their moves, added up over batches.

    Moves are Crank-Nicolson steps by length, and jumps between components.
    """
    told = [batch for batch in batches if "proposed" in batch]
    if not told:
        return None
    names = ("proposed", "moved", "accepted")
    steps = {name: np.sum([batch[name] for batch in told], axis=0).tolist() for name in names}
    moves = [
        {"move": f"step {length:g}", **{name: steps[name][i] for name in names}}
        for i, length in enumerate(STEPS)
    ]
    jumps, taken = (sum(batch[name] for batch in told) for name in ("jumps", "jumps_accepted"))
    return {
        "batches": len(told),
        "temperatures": told[-1]["temperatures"],
        "candidates": {s: sum(batch.get(f"{s}_candidates", 0) for batch in told) for s in SOURCES},
        "moves": [*moves, {"move": "jump", "proposed": jumps, "moved": None, "accepted": taken}],
    }


def valid(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials that decoded to a string and have a score."""
    return trials[trials.string.notna() & trials.score.notna()]


def top(trials: pd.DataFrame, maximize: bool, n: int = 3) -> pd.DataFrame:
    """The n best distinct strings over all seeds, each by the trial that found it first.

    Distinct as strings, not as functions.  Ties: the earlier evaluation, then the lower seed.
    (The Grammar VAE tables list the bests of three *runs* instead.)
    """
    order = ["score", "evaluation", "seed"]
    ranked = valid(trials).sort_values(order, ascending=[not maximize, True, True])
    best = ranked.drop_duplicates("string").head(n)
    best = best[["string", "score", "in_training_data", "evaluation", "seed"]]
    found_by = trials.groupby("string").seed.nunique()
    return best.assign(seeds_that_found_it=best.string.map(found_by).astype(int))


def running_best(trials: pd.DataFrame, maximize: bool) -> pd.DataFrame:
    """Best score so far: a row for each evaluation from 1, a column for each seed.

    NaN before the first valid trial; a shorter run keeps its last value to the end.
    """
    scores = valid(trials).pivot(index="evaluation", columns="seed", values="score")
    scores = scores.reindex(range(1, max(trials.evaluation, default=0) + 1), axis="index")
    scores = scores.reindex(sorted(trials.seed.unique()), axis="columns")
    return (scores.cummax() if maximize else scores.cummin()).ffill()


def mean_and_error(name: str, values: Iterable[float]) -> dict[str, float]:
    """Mean and standard error std(ddof=1)/sqrt(n), NaN where unknown; that needs two values."""
    known = pd.Series(list(values), dtype=float)
    return {name: known.mean(), f"{name}_standard_error": known.sem()}


def predicted(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials whose score was predicted before it was known, and whether the 90 % interval held it.

    Columns `error` and `inside` are added.
    """
    known = valid(trials).dropna(subset=["predicted_mean", "predicted_sd"])
    error = known.score - known.predicted_mean
    return known.assign(error=error, inside=error.abs() <= HALF_WIDTH * known.predicted_sd)


def calibration(trials: pd.DataFrame) -> dict[str, Any]:
    """Did the proposals score what the surrogate predicted: over all, and batch by batch."""
    known = predicted(trials)
    every, groups = trials.groupby("batch"), known.groupby("batch")
    batches = pd.DataFrame(
        {
            "evaluations": every.size(),
            "validity": trials.string.notna().groupby(trials.batch).mean(),
            "predictions": groups.size().reindex(list(every.groups), fill_value=0),
            "mean_predicted": groups.predicted_mean.mean(),
            "mean_score": groups.score.mean(),
            "coverage": groups.inside.mean(),
        }
    )
    return {
        "nominal": NOMINAL_COVERAGE,
        "coverage": known.inside.astype(float).mean(),
        "rmse": np.sqrt(np.square(known.error).mean()),
        "predictions": len(known),
        "batches": batches.reset_index(names="batch").to_dict("records"),
    }
