"""Strings to fixed-length rule indices and back, and their storage in HDF5."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from grammar.cfg import Grammar
from grammar.errors import GrammarError
from grammar.parser import Parser

_FORMAT = "grammar rule indices 1"


class RuleCodec:
    """Strings <-> uint8 rule indices [N, T], padded with the padding rule.

    T = `max_length`, or the longest string of the first `encode` when it is None.
    """

    def __init__(self, grammar: Grammar, max_length: int | None = None) -> None:
        self.grammar = grammar
        self.max_length = max_length
        self._parser = Parser(grammar)
        self._terminals = _expansion_steps(grammar)

    def encode(self, strings: Sequence[str]) -> np.ndarray:
        """Rule indices [N, T]; ParseError outside the grammar, GrammarError if too long."""
        if isinstance(strings, str):
            raise GrammarError("encode takes a list of strings; put the one string into a list")
        sequences = [self._parser.parse(text) for text in strings]
        longest = max(map(len, sequences), default=0)
        if self.max_length is None:
            self.max_length = longest
        if longest > self.max_length:
            text = strings[[len(sequence) for sequence in sequences].index(longest)]
            raise GrammarError(
                f"the string {text!r} takes {longest} productions but max_length is "
                f"{self.max_length}; raise max_length or leave the string out"
            )
        padding = bytes([self.grammar.padding])
        joined = b"".join([s.ljust(self.max_length, padding) for s in sequences])
        return np.frombuffer(joined, np.uint8).reshape(len(sequences), self.max_length).copy()

    def decode(self, rules: np.ndarray) -> list[str | None]:
        """Canonical strings of rule indices [N, T]; None where a derivation is not complete."""
        rules = np.asarray(rules)
        if rules.ndim != 2 or not np.issubdtype(rules.dtype, np.integer):
            raise GrammarError(f"rules must be integers [N, T]; got {rules.dtype} {rules.shape}")
        expanded = map(self.tokens, rules.tolist())
        return [None if tokens is None else "".join(tokens) for tokens in expanded]

    def tokens(self, rules: Sequence[int]) -> list[str] | None:
        """Terminals of one rule sequence, None if it is not a complete derivation.

        Leftmost expansion in linear time: a stack of what is to be written, the next symbol on top.
        """
        out: list[str] = []
        pending: list[str | int] = [0]
        padding, table = self.grammar.padding, self._terminals
        for rule in rules:
            if not pending:
                if rule != padding:
                    return None
                continue
            if not 0 <= rule < padding or table[rule][0] != pending.pop():
                return None
            pending.extend(table[rule][1])
            while pending and pending[-1].__class__ is str:
                out.append(pending.pop())  # type: ignore[arg-type]
        return None if pending else out


def write_rules(path: str | Path, rules: np.ndarray, grammar: Grammar) -> None:
    """Store rule indices [N, T] as uint8 with the grammar's text, atomically."""
    path = Path(path)
    rules = np.asarray(rules)
    if rules.ndim != 2 or (rules.size and not 0 <= rules.min() <= rules.max() <= grammar.padding):
        raise GrammarError(
            f"rules must have shape [N, T] with indices 0..{grammar.padding}; got {rules.shape}"
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with h5py.File(temporary, "w") as file:
            data = file.create_dataset("rules", data=rules.astype(np.uint8), compression="gzip")
            data.attrs["grammar"] = grammar.text
            file.attrs["format"] = _FORMAT
        os.replace(temporary, path)
    except OSError as error:
        raise GrammarError(
            f"cannot write {path}: the folder is missing, full or not writable; choose another"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


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


def _expansion_steps(grammar: Grammar) -> list[tuple[int, list[str | int]]]:
    """For each rule its left-hand side and what it adds to the stack (last symbol first)."""
    index = {name: i for i, name in enumerate(grammar.lhs_names)}
    return [
        (
            index[rule.lhs],
            [s.name if s.terminal else index.get(s.name, -1) for s in reversed(rule.rhs)],
        )
        for rule in grammar.rules
    ]
