"""The text form of a grammar: `S -> S '+' T | T`, quoted terminals, `#` comments.

A line that starts with `|` continues the rule above it. `%undefined NAME ...` declares symbols that
have no rules on purpose: the rules that use them keep their index but are never chosen.
`%ambiguous` accepts a grammar in which a string can have several derivations; the first is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from grammar.errors import GrammarError, ParseError

PADDING_LHS = "Nothing"
_TOKEN = re.compile(
    r"""\s*(?: (?P<terminal>'[^']*'|"[^"]*") | (?P<arrow>->) | (?P<bar>\|)
           | (?P<name>[A-Za-z_]\w*) | (?P<comment>\#.*) | (?P<bad>\S) )""",
    re.VERBOSE,
)


class Symbol(NamedTuple):
    """A terminal (its text) or a non-terminal (its name)."""

    name: str
    terminal: bool

    def __str__(self) -> str:
        return f"'{self.name}'" if self.terminal else self.name


@dataclass(frozen=True)
class Rule:
    """One production `lhs -> rhs`; `line` is its place in the file (0 for the padding rule)."""

    lhs: str
    rhs: tuple[Symbol, ...]
    line: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.lhs} -> {' '.join(map(str, self.rhs)) or 'None'}"


@dataclass(frozen=True)
class Source:
    """What a grammar file says: its rules in order and its directives."""

    rules: tuple[Rule, ...]
    undefined: frozenset[str] = frozenset()
    ambiguous: bool = False


def read_source(text: str) -> Source:
    """Rules and directives of a grammar's text; GrammarError names the line of a mistake."""
    rules: list[Rule] = []
    undefined: set[str] = set()
    ambiguous = False
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.lstrip().startswith("%"):
            rules.extend(_line_rules(line, number, rules))
            continue
        word, *names = line.split("#")[0].split()
        if (word, bool(names)) not in (("%undefined", True), ("%ambiguous", False)):
            raise GrammarError(
                f"line {number} of the grammar: {line.strip()!r} is not a directive; "
                "there are '%undefined NAME ...' and '%ambiguous'"
            )
        undefined.update(names)
        ambiguous = ambiguous or word == "%ambiguous"
    if not rules:
        raise GrammarError("the grammar has no rules; write at least one like S -> S '+' T | T")
    return Source(tuple(rules), frozenset(undefined), ambiguous)


def _line_rules(line: str, number: int, before: Sequence[Rule]) -> list[Rule]:
    tokens = _scan(line, number)
    if not tokens:
        return []
    kinds = [kind for kind, _ in tokens]
    if kinds[0] == "bar" and before:
        lhs, body = before[-1].lhs, tokens[1:]
    elif kinds[:2] == ["name", "arrow"]:
        lhs, body = tokens[0][1], tokens[2:]
    else:
        raise GrammarError(
            f"line {number} of the grammar does not have the form NAME -> ...: {line}"
        )
    if lhs in (PADDING_LHS, "None"):
        raise GrammarError(
            f"line {number} of the grammar: {lhs!r} is reserved for padding; choose another name"
        )
    return [Rule(lhs, rhs, number) for rhs in _alternatives(body, lhs, number)]


def _scan(line: str, number: int) -> list[tuple[str, str]]:
    tokens = []
    for match in _TOKEN.finditer(line.rstrip()):
        kind = str(match.lastgroup)
        if kind == "bad":
            problem = f"line {number} of the grammar has a character that belongs to no rule"
            raise ParseError.at(line, match.start("bad"), problem)
        if kind != "comment":
            tokens.append((kind, match[kind]))
    return tokens


def _alternatives(body: list[tuple[str, str]], lhs: str, number: int) -> list[tuple[Symbol, ...]]:
    alternatives: list[list[Symbol]] = [[]]
    for kind, value in body:
        if kind == "bar":
            alternatives.append([])
        elif kind == "arrow":
            raise GrammarError(f"line {number} of the grammar has a second '->'; one rule per line")
        else:
            alternatives[-1].append(_symbol(kind, value, number))
    if not all(alternatives):
        raise GrammarError(
            f"line {number} of the grammar: {lhs} has an empty right-hand side, which is not "
            "supported; write the rules that use it with and without it instead"
        )
    return [tuple(symbols) for symbols in alternatives]


def _symbol(kind: str, value: str, number: int) -> Symbol:
    if kind == "name":
        return Symbol(value, False)
    content = value[1:-1]
    if not content or content != "".join(content.split()):
        raise GrammarError(
            f"line {number} of the grammar: the terminal {value} is empty or contains blanks, "
            "which the tokeniser skips; remove them"
        )
    return Symbol(content, True)
