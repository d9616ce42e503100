"""Every proposal and every score of a run, in one SQLite file, so that a kill loses nothing.

A proposal is committed before it is scored and a score as soon as it is known.  SQLite's rollback
journal makes each commit atomic under kill -9; several processes may write different seeds.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError

Array = NDArray[np.float64]
APPLICATION_ID = 0x474D4145  # "GMAE"
IN_MEMORY = ":memory:"
VERSION = 1
BUSY_SECONDS = 60.0
SCHEMA = (
    "CREATE TABLE run (fingerprint TEXT NOT NULL)",
    "CREATE TABLE trials (strategy TEXT NOT NULL, seed INTEGER NOT NULL,"
    " evaluation INTEGER NOT NULL, batch INTEGER NOT NULL, string TEXT, score REAL,"
    " in_training_data INTEGER NOT NULL,"
    " proposed_code BLOB NOT NULL, code BLOB NOT NULL, predicted_mean REAL, predicted_sd REAL,"
    " PRIMARY KEY (strategy, seed, evaluation))",
    "CREATE INDEX trials_by_string ON trials (string)",
    "CREATE TABLE states (strategy TEXT NOT NULL, seed INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " arrays BLOB NOT NULL, PRIMARY KEY (strategy, seed))",
    "CREATE TABLE fits (seed INTEGER PRIMARY KEY, rmse REAL NOT NULL, log_likelihood REAL NOT NULL,"
    " arrays BLOB NOT NULL)",
)
# Added later, to stores of either age: strings whose score will not come, asked all the same.
FAILED = (
    "CREATE TABLE IF NOT EXISTS failed (strategy TEXT NOT NULL, seed INTEGER NOT NULL,"
    " evaluation INTEGER NOT NULL, PRIMARY KEY (strategy, seed, evaluation))"
)
COLUMNS = (
    "strategy, seed, batch, evaluation, string, score, in_training_data, proposed_code, code,"
    " predicted_mean, predicted_sd"
)


@dataclass(frozen=True)
class Trial:
    """One evaluated (or proposed) string; lower scores are better.

    `evaluation` counts from 1 within (strategy, seed); `score` is None until it is known; `string`
    is None when the code decodes to nothing; `code` [D] is the string re-encoded.
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


@dataclass(frozen=True)
class SurrogateFit:
    """How a seed's surrogate predicts held-out points: their truth, mean and sd, each [n]."""

    seed: int
    rmse: float
    log_likelihood: float
    truth: Array
    mean: Array
    sd: Array


@dataclass(frozen=True)
class Batch(Sequence[str]):
    """Strings to evaluate: a sequence of strings with the predictions of their values.

    `mean` and `sd` [N] are predictions in the user's sign (NaN where there is no surrogate);
    `trials` are the rows of the store; `strings` has None where a code decodes to nothing.
    """

    trials: tuple[Trial, ...]
    mean: Array
    sd: Array

    @property
    def strings(self) -> list[str | None]:
        """The strings, in order."""
        return [trial.string for trial in self.trials]

    def __len__(self) -> int:
        return len(self.trials)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return [trial.string or "" for trial in self.trials][index]

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])


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
        connection: sqlite3.Connection | None = None
        try:
            with _readable_errors(path):
                connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
                store = cls(connection, path)
                store._create_or_check(dict(fingerprint))
        except BaseException:
            if connection is not None:
                connection.close()
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
        rows = [_row(trial) for trial in trials]
        marks = ", ".join("?" * 11)
        try:
            with self._transaction():
                self._connection.executemany(
                    f"INSERT INTO trials ({COLUMNS}) VALUES ({marks})", rows
                )
        except sqlite3.IntegrityError as error:
            raise ValueError(f"{self.path}: a proposed evaluation is already stored.") from error

    def record(self, strategy: str, seed: int, evaluation: int, score: float) -> None:
        """Store the score of a proposed trial; committed when this returns.

        Raises ValueError for a non-finite score, an unknown trial, or one that has another score.
        """
        if not math.isfinite(score):
            raise ValueError(f"score of evaluation {evaluation} is not finite: {score}.")
        key = (strategy, seed, evaluation)
        with self._transaction():
            changed = self._connection.execute(
                "UPDATE trials SET score = ? WHERE strategy = ? AND seed = ? AND evaluation = ?"
                " AND (score IS NULL OR score = ?)",
                (float(score), *key, float(score)),
            ).rowcount
            self._connection.execute(
                "DELETE FROM failed WHERE strategy = ? AND seed = ? AND evaluation = ?", key
            )
        if changed != 1:
            raise ValueError(f"{self.path}: no unscored trial {key}.")

    def trials(self, strategy: str | None = None, seed: int | None = None) -> list[Trial]:
        """Trials in the order (strategy, seed, evaluation), optionally of one strategy or seed."""
        rows = self._select(
            f"SELECT {COLUMNS} FROM trials WHERE (?1 IS NULL OR strategy = ?1)"
            " AND (?2 IS NULL OR seed = ?2) ORDER BY strategy, seed, evaluation",
            (strategy, seed),
        )
        return [_trial(row) for row in rows]

    def fail(self, strategy: str, seed: int, evaluations: Iterable[int]) -> None:
        """Mark proposed trials as ones that have no score and are not waited for, all or none."""
        rows = [(strategy, seed, int(evaluation)) for evaluation in evaluations]
        with self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO failed VALUES (?, ?, ?)", rows)

    def failed(self, strategy: str, seed: int) -> set[int]:
        """Evaluations that `fail` marked and that were not scored since."""
        rows = self._select(
            "SELECT evaluation FROM failed WHERE strategy = ? AND seed = ?", (strategy, seed)
        )
        return {evaluation for (evaluation,) in rows}

    def pending(self, strategy: str, seed: int) -> list[Trial]:
        """Proposed trials whose score is still to come, in order."""
        failed = self.failed(strategy, seed)
        stored = self.trials(strategy, seed)
        return [t for t in stored if t.score is None and t.evaluation not in failed]

    def cached_score(self, string: str) -> float | None:
        """The score of a string evaluated before, by any strategy or seed; None if never."""
        rows = self._select(
            "SELECT score FROM trials WHERE string = ? AND score IS NOT NULL LIMIT 1", (string,)
        )
        return rows[0][0] if rows else None

    # ---------------------------------------------------------------- surrogate

    def save_state(self, strategy: str, seed: int, batch: int, arrays: Mapping[str, Array]) -> None:
        """Store a surrogate's arrays after `batch`; replaces the state of the batch before."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)",
                (strategy, seed, batch, _pack(arrays)),
            )

    def load_state(self, strategy: str, seed: int, batch: int) -> dict[str, Array] | None:
        """The arrays stored after `batch`, or None."""
        rows = self._select(
            "SELECT arrays FROM states WHERE strategy = ? AND seed = ? AND batch = ?",
            (strategy, seed, batch),
        )
        return _unpack(rows[0][0]) if rows else None

    def save_fit(self, fit: SurrogateFit) -> None:
        """Store (or replace) the held-out test of a seed's surrogate."""
        arrays = _pack({"truth": fit.truth, "mean": fit.mean, "sd": fit.sd})
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO fits VALUES (?, ?, ?, ?)",
                (fit.seed, fit.rmse, fit.log_likelihood, arrays),
            )

    def load_fits(self) -> list[SurrogateFit]:
        """The stored surrogate tests, by seed."""
        rows = self._select("SELECT seed, rmse, log_likelihood, arrays FROM fits ORDER BY seed")
        return [SurrogateFit(seed, rmse, ll, **_unpack(blob)) for seed, rmse, ll, blob in rows]

    # ---------------------------------------------------------------- inside

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _readable_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _select(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _readable_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def _create_or_check(self, fingerprint: dict[str, Any]) -> None:
        text = json.dumps(fingerprint, sort_keys=True)
        with self._transaction():
            empty = not self._select("SELECT 1 FROM sqlite_master LIMIT 1")
            if empty and self._pragma("application_id") == 0:
                for statement in SCHEMA:
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO run VALUES (?)", (text,))
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version = {VERSION}")
                self._connection.execute(FAILED)
                return
        self._check(text)
        with self._transaction():
            self._connection.execute(FAILED)

    def _check(self, text: str) -> None:
        if self._pragma("application_id") != APPLICATION_ID:
            raise UserError(
                f"{self.path} is a database of another program; choose another output folder."
            )
        if self._pragma("user_version") != VERSION:
            raise UserError(
                f"{self.path} was written by another version of this software; choose another "
                "output folder."
            )
        if self._pragma("quick_check(1)") != "ok":
            raise UserError(_damaged(self.path))
        (stored,) = self._select("SELECT fingerprint FROM run")[0]
        if stored != text:
            differing = _differing(json.loads(stored), json.loads(text))
            raise UserError(
                f"{self.path} holds a different run (other {differing}); repeat that run's "
                "settings to continue it, or choose another output folder."
            )

    def _pragma(self, name: str) -> Any:
        return self._select(f"PRAGMA {name}")[0][0]


def _damaged(path: Path) -> str:
    return (
        f"{path} is damaged or not a trial store; move it away to start afresh, or restore it from "
        "a copy."
    )


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into one sentence; programming errors pass unchanged."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise UserError(
                f"{path} is locked by another program; close it and run the same command again."
            ) from error
        raise UserError(
            f"{path} cannot be written ({error}); check the folder, its permissions and free space."
        ) from error
    except sqlite3.DatabaseError as error:
        raise UserError(_damaged(path)) from error


def _differing(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    keys = sorted(stored.keys() | wanted.keys())
    return ", ".join(k for k in keys if stored.get(k) != wanted.get(k)) or "settings"


def _row(trial: Trial) -> tuple[Any, ...]:
    return (
        trial.strategy,
        int(trial.seed),
        int(trial.batch),
        int(trial.evaluation),
        trial.string,
        trial.score,
        int(trial.in_training_data),
        np.asarray(trial.proposed_code, np.float64).tobytes(),
        np.asarray(trial.code, np.float64).tobytes(),
        None if trial.predicted_mean is None else float(trial.predicted_mean),
        None if trial.predicted_sd is None else float(trial.predicted_sd),
    )


def _trial(row: Sequence[Any]) -> Trial:
    proposed, code = (np.frombuffer(blob, np.float64) for blob in row[7:9])
    strategy, seed, batch, evaluation, string, score, known = row[:7]
    return Trial(
        strategy, seed, batch, evaluation, string, score, bool(known), proposed, code, *row[9:]
    )


def _pack(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: np.asarray(value) for name, value in arrays.items()})
    return buffer.getvalue()


def _unpack(blob: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(blob), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
