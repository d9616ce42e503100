"""Every proposal and every score of a run, in one SQLite file, so that a kill loses nothing.

A proposal is committed before it is scored and a score as soon as it is known.  SQLite's rollback
journal makes each commit atomic under kill -9; several processes may write different seeds.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.database import damaged, readable_errors
from gmae_tf.utils.json import to_json
from gmae_tf.utils.npz import load_arrays, packed

Array = NDArray[np.float64]
IN_MEMORY = ":memory:"
BUSY_SECONDS = 60.0
SCHEMA = {
    "run": "fingerprint TEXT NOT NULL",
    "trials": "strategy TEXT NOT NULL, seed INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " evaluation INTEGER NOT NULL, string TEXT, score REAL, in_training_data INTEGER NOT NULL,"
    " proposed_code BLOB NOT NULL, code BLOB NOT NULL, predicted_mean REAL, predicted_sd REAL,"
    " failed INTEGER NOT NULL, source TEXT NOT NULL, noise REAL,"
    " PRIMARY KEY (strategy, seed, evaluation)",
    "states": "strategy TEXT NOT NULL, seed INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " arrays BLOB NOT NULL, PRIMARY KEY (strategy, seed)",
    "batches": "strategy TEXT NOT NULL, seed INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " about TEXT NOT NULL, PRIMARY KEY (strategy, seed, batch)",
    "fits": "seed INTEGER PRIMARY KEY, arrays BLOB NOT NULL",
}
TRIAL = "strategy = ? AND seed = ? AND evaluation = ?"


@dataclass(frozen=True)
class Trial:
    """One evaluated (or proposed) string, a row of the table `trials`; lower scores are better.

    `evaluation` counts from 1 within (strategy, seed); `score` is None until it is known; `string`
    is None when the code decodes to nothing; `code` [D] is the string re-encoded.  A trial that
    `failed` has no score and is not waited for.  `source` proposed it, "" where there is but one.
    `noise` is the standard deviation of the measurement, if it was told.
    """

    strategy: str
    seed: int
    batch: int
    evaluation: int
    string: str | None
    score: float | None
    in_training_data: bool
    proposed_code: Array
    code: Array
    predicted_mean: float | None = None
    predicted_sd: float | None = None
    failed: bool = False
    source: str = ""
    noise: float | None = None


COLUMNS = tuple(field.name for field in fields(Trial))


@dataclass(frozen=True)
class SurrogateFit:
    """How a seed's surrogate predicts held-out points: their truth, mean and sd, each [n]."""

    seed: int
    rmse: float
    log_likelihood: float
    truth: Array
    mean: Array
    sd: Array


class Batch(tuple[str, ...]):
    """Strings to evaluate, a tuple with the predictions of their values.

    `mean` and `sd` [N] are predictions in the user's sign (NaN where there is no surrogate);
    `trials` are the rows of the store; `strings` has None where a code decodes to nothing, and the
    tuple itself "".
    """

    trials: tuple[Trial, ...]
    mean: Array
    sd: Array

    def __new__(cls, trials: Sequence[Trial], mean: Array, sd: Array) -> Batch:
        """A batch of the rows of a store and their predictions."""
        batch = super().__new__(cls, (trial.string or "" for trial in trials))
        batch.trials, batch.mean, batch.sd = tuple(trials), mean, sd
        return batch

    @property
    def strings(self) -> list[str | None]:
        """The strings, in order."""
        return [trial.string for trial in self.trials]


def source_shares(
    sources: Sequence[str], scores: Sequence[float], best: int
) -> dict[str, dict[str, float]]:
    """Of each source: its share of N evaluated trials, and of those with the best (lowest) scores.

    Trials without a source, "", count in the whole.
    """
    every = np.asarray(sources, dtype=str)
    first = every[np.argsort(scores, kind="stable")[:best]]
    return {
        source: {
            "evaluations": float(np.mean(every == source)),
            "best": float(np.mean(first == source)),
        }
        for source in sorted({*every.tolist()} - {""})
    }


class TrialStore:
    """The trials, surrogate states and fits of one run; make it by `TrialStore.open`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def of_dataset(
        cls, path: str | Path | None, strings: Sequence[str], scores: Array, **about: Any
    ) -> TrialStore:
        """The store of a search that starts from these strings; None: in memory."""
        content = "\n".join(strings).encode() + scores.tobytes()
        digest = hashlib.sha256(content).hexdigest()
        fingerprint = {"kind": "optimizer", **about, "dataset": digest}
        return cls.open(IN_MEMORY if path is None else path, fingerprint)

    @classmethod
    def open(cls, path: str | Path, fingerprint: Mapping[str, Any]) -> TrialStore:
        """Open the store at `path`, creating it if absent or empty.

        `fingerprint` (JSON-able) says which run this is.  Raises UserError if the file is not a
        trial store, is damaged, cannot be written, or belongs to a run with another fingerprint.
        """
        path = Path(path)
        with readable_errors(path):
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        store = cls(connection, path)
        try:
            store._create_or_check(dict(fingerprint))
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the file; every write is already on disk."""
        self._connection.close()

    def __enter__(self) -> TrialStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- trials

    def propose(self, trials: Iterable[Trial]) -> None:
        """Insert trials before they are scored, all or none.

        Raises ValueError if one of the keys (strategy, seed, evaluation) exists.
        """
        rows = [[_stored(getattr(trial, name)) for name in COLUMNS] for trial in trials]
        marks = ", ".join("?" * len(COLUMNS))
        query = f"INSERT INTO trials ({', '.join(COLUMNS)}) VALUES ({marks})"
        try:
            with self._transaction():
                self._connection.executemany(query, rows)
        except sqlite3.IntegrityError as error:
            raise UserError(
                f"{self.path}: a proposed evaluation is already stored, by another process that "
                "runs the same search: end one of them."
            ) from error

    def record(
        self,
        strategy: str,
        seed: int,
        evaluation: int,
        score: float,
        *,
        noise: float | None = None,
        replace: bool = False,
    ) -> None:
        """Store the score of a proposed trial; committed when this returns.

        Raises ValueError for a non-finite score, an unknown trial, or one that has another score,
        unless it is to be replaced.
        """
        if not math.isfinite(score):
            raise ValueError(f"score of evaluation {evaluation} is not finite: {score}.")
        key, score = (strategy, seed, evaluation), float(score)
        changed = self._write(
            "UPDATE trials SET score = ?, noise = ifnull(?, noise), failed = 0"
            f" WHERE {TRIAL} AND (? OR ifnull(score, ?) = ?)",
            [(score, noise, *key, replace, score, score)],
        )
        if changed != 1:
            raise ValueError(f"{self.path}: no unscored trial {key}.")

    def fail(
        self, strategy: str, seed: int, evaluations: Iterable[int], *, replace: bool = False
    ) -> None:
        """Mark trials as ones that have no score and are not waited for, all or none.

        Those that have a score keep it, unless it is to be replaced.
        """
        keys = [(strategy, seed, int(evaluation), replace) for evaluation in evaluations]
        what = "UPDATE trials SET failed = 1, score = NULL"
        self._write(f"{what} WHERE {TRIAL} AND (score IS NULL OR ?)", keys)

    def trials(self, strategy: str | None = None, seed: int | None = None) -> list[Trial]:
        """Trials in the order (strategy, seed, evaluation), optionally of one strategy or seed."""
        rows = self._select(
            f"SELECT {', '.join(COLUMNS)} FROM trials WHERE strategy = ifnull(?, strategy)"
            " AND seed = ifnull(?, seed) ORDER BY strategy, seed, evaluation",
            (strategy, seed),
        )
        with readable_errors(self.path):
            return [_trial(row) for row in rows]

    def pending(self, strategy: str, seed: int) -> list[Trial]:
        """Proposed trials whose score is still to come, in order."""
        return [t for t in self.trials(strategy, seed) if t.score is None and not t.failed]

    def scores(self, strategy: str, seed: int) -> dict[int, float | None]:
        """Scores by the number of the evaluation, None where there is none."""
        query = "SELECT evaluation, score FROM trials WHERE strategy = ? AND seed = ?"
        return dict(self._select(query, (strategy, seed)))

    def cached_score(self, string: str) -> float | None:
        """The score of a string evaluated before, by any strategy or seed; None if never."""
        rows = self._select(
            "SELECT score FROM trials WHERE string = ? AND score IS NOT NULL LIMIT 1", (string,)
        )
        return rows[0][0] if rows else None

    # ---------------------------------------------------------------- surrogate

    def save_state(self, strategy: str, seed: int, batch: int, arrays: Mapping[str, Array]) -> None:
        """Store a surrogate's arrays after `batch`; replaces the state of the batch before."""
        row = (strategy, seed, batch, packed(arrays))
        self._write("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", [row])

    def load_state(self, strategy: str, seed: int, batch: int) -> dict[str, Array] | None:
        """The arrays stored after `batch`, or None."""
        rows = self._select(
            "SELECT arrays FROM states WHERE strategy = ? AND seed = ? AND batch = ?",
            (strategy, seed, batch),
        )
        with readable_errors(self.path):
            return load_arrays(rows[0][0]) if rows else None

    def describe(self, strategy: str, seed: int, batch: int, about: Mapping[str, Any]) -> None:
        """Store what is to be said of how a batch came about, as JSON."""
        row = (strategy, seed, batch, json.dumps(to_json(about)))
        self._write("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?)", [row])

    def descriptions(self, strategy: str, seed: int) -> list[dict[str, Any]]:
        """What was said of the batches, in order."""
        query = "SELECT about FROM batches WHERE strategy = ? AND seed = ? ORDER BY batch"
        with readable_errors(self.path):
            return [dict(json.loads(about)) for (about,) in self._select(query, (strategy, seed))]

    def save_fit(self, fit: SurrogateFit) -> None:
        """Store (or replace) the held-out test of a seed's surrogate."""
        self._write("INSERT OR REPLACE INTO fits VALUES (?, ?)", [(fit.seed, packed(vars(fit)))])

    def load_fits(self) -> list[SurrogateFit]:
        """The stored surrogate tests, by seed."""
        rows = self._select("SELECT arrays FROM fits ORDER BY seed")
        with readable_errors(self.path):
            fits: list[dict[str, Any]] = [dict(load_arrays(blob)) for (blob,) in rows]
            plain = [{k: v if v.ndim else v.item() for k, v in fit.items()} for fit in fits]
            return [SurrogateFit(**fit) for fit in plain]

    # ---------------------------------------------------------------- inside

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with readable_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _write(self, query: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement for each row, all or none; returns how many rows it changed."""
        with self._transaction():
            return self._connection.executemany(query, rows).rowcount

    def _select(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with readable_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def _create_or_check(self, fingerprint: dict[str, Any]) -> None:
        text = json.dumps(fingerprint, sort_keys=True)
        with self._transaction():
            found = self._select("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            if not found:
                for name, columns in SCHEMA.items():
                    self._connection.execute(f"CREATE TABLE {name} ({columns})")
                self._connection.execute("CREATE INDEX trials_by_string ON trials (string)")
                self._connection.execute("INSERT INTO run VALUES (?)", (text,))
                return
        if dict(found) != {name: f"CREATE TABLE {name} ({SCHEMA[name]})" for name in SCHEMA}:
            raise UserError(
                f"{self.path} is a database of another program, or of another version of this "
                "software; choose another output folder."
            )
        if self._select("PRAGMA quick_check(1)") != [("ok",)]:
            raise UserError(damaged(self.path))
        with readable_errors(self.path):
            ((stored,),) = self._select("SELECT fingerprint FROM run")
            older = dict(json.loads(stored))
        if stored != text:
            keys = sorted(older.keys() | fingerprint.keys())
            differing = ", ".join(k for k in keys if older.get(k) != fingerprint.get(k))
            raise UserError(
                f"{self.path} holds a different run (other {differing or 'settings'}); repeat that "
                "run's settings to continue it, or choose another output folder."
            )


def _stored(value: Any) -> Any:
    """A field of a trial as SQLite keeps it: arrays as bytes, NumPy's numbers as Python's."""
    if isinstance(value, np.ndarray):
        return np.asarray(value, np.float64).tobytes()
    return value.item() if isinstance(value, np.generic) else value


def _trial(row: Sequence[Any]) -> Trial:
    """Inverse of `_stored` for the columns of a row."""
    values: dict[str, Any] = {
        name: np.frombuffer(value, np.float64) if isinstance(value, bytes) else value
        for name, value in zip(COLUMNS, row, strict=True)
    }
    for name in ("in_training_data", "failed"):
        values[name] = bool(values[name])
    trial = Trial(**values)
    numbers = (trial.score, trial.predicted_mean, trial.predicted_sd, trial.noise)
    whole = (trial.seed, trial.batch, trial.evaluation)
    texts = (trial.strategy, trial.source, trial.string or "")
    if (
        not all(value is None or isinstance(value, int | float) for value in numbers)
        or not all(isinstance(value, int) for value in whole)
        or not all(isinstance(value, str) for value in texts)
        or not all(isinstance(value, np.ndarray) for value in (trial.proposed_code, trial.code))
    ):
        raise TypeError("a column holds what was never written to it")
    return trial
