"""Rule indices in HDF5: uint8 [N, T] beside the text of the grammar that they belong to."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError

_FORMAT = "grammar rule indices 1"
_CHUNK = (1024, 64)  # rows and steps that are compressed together: 64 KiB


class RuleWriter:
    """A file that grows by blocks of rows, of any width, and appears when all are written.

    Use it in a `with` statement; if that raises, the file is as it was before. T is the width of
    the widest block, or `width` if that is more; shorter rows are filled with the padding rule.
    """

    def __init__(self, path: str | Path, grammar: Grammar, width: int = 0) -> None:
        self.path = Path(path)
        self.grammar = grammar
        self.shape = (0, width)
        self._temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._file: Any = None

    def __enter__(self) -> RuleWriter:
        try:
            self._file = h5py.File(self._temporary, "w")
            data = self._file.create_dataset(
                "rules",
                self.shape,
                np.uint8,
                maxshape=(None, None),
                chunks=_CHUNK,
                compression="gzip",
                fillvalue=self.grammar.padding,
            )
        except OSError as error:
            self._temporary.unlink(missing_ok=True)
            raise self._unwritable() from error
        data.attrs["grammar"] = self.grammar.text
        self._file.attrs["format"] = _FORMAT
        return self

    def append(self, rules: np.ndarray) -> None:
        """Add rows [n, t] of rule indices; GrammarError if they are none of this grammar."""
        rules = np.asarray(rules)
        last = self.grammar.padding
        if rules.ndim != 2 or (rules.size and not 0 <= rules.min() <= rules.max() <= last):
            raise GrammarError(
                f"rules must have shape [N, T] with indices 0..{last}; got {rules.shape}"
            )
        start, (n, width) = self.shape[0], rules.shape
        self.shape = (start + n, max(self.shape[1], width))
        try:
            self._file["rules"].resize(self.shape)
            if rules.size:
                self._file["rules"][start:, :width] = rules.astype(np.uint8)
        except OSError as error:
            raise self._unwritable() from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
            if kind is None:
                os.replace(self._temporary, self.path)
        except OSError as problem:
            raise self._unwritable() from problem
        finally:
            self._temporary.unlink(missing_ok=True)

    def _unwritable(self) -> GrammarError:
        return GrammarError(
            f"cannot write {self.path}: the folder is missing, full or not writable; choose another"
        )


def write_rules(path: str | Path, rules: np.ndarray, grammar: Grammar) -> None:
    """Store rule indices [N, T] as uint8 with the grammar's text, atomically."""
    with RuleWriter(path, grammar) as writer:
        writer.append(rules)


def read_rules(path: str | Path, grammar: Grammar | None = None) -> np.ndarray:
    """Rule indices uint8 [N, T] of a file of `write_rules`.

    Raises GrammarError if the file is missing, corrupt, of another kind, or (with `grammar`) was
    written for other rules.
    """
    rules, text = _read(Path(path))
    if grammar is not None and Grammar(text).rules != grammar.rules:
        raise GrammarError(f"{path} was written for another grammar; encode the strings again")
    return rules


def read_grammar(path: str | Path) -> Grammar:
    """The grammar for which the rule indices in `path` were written."""
    return Grammar(_read(Path(path))[1])


def _read(path: Path) -> tuple[np.ndarray, str]:
    if not path.is_file():
        raise GrammarError(
            f"there is no file {path}; write it first with grammar.codec.write_rules"
        )
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != _FORMAT:
                raise GrammarError(
                    f"{path} holds something else than rule indices; give another file"
                )
            return file["rules"][...], str(file["rules"].attrs["grammar"])
    except (OSError, KeyError, RuntimeError) as error:
        raise GrammarError(
            f"{path} is damaged or not an HDF5 file; encode the strings again"
        ) from error
