"""The text form of a grammar: `S -> S '+' T | T`, quoted terminals, `#` comments.

A line that starts with `|` continues the rule above it. `%undefined NAME ...` declares non-terminals
that have no rules on purpose: the rules that use them keep their index but are never chosen.
"""

from __future__ import annotations

import re
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
    """One production `lhs -> rhs`; `line` is where the grammar file has it (0 for the padding rule)."""

    lhs: str
    rhs: tuple[Symbol, ...]
    line: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.lhs} -> {' '.join(map(str, self.rhs)) or 'None'}"


def read_rules(text: str) -> tuple[list[Rule], frozenset[str]]:
    """Rules in file order and the names declared with `%undefined`; GrammarError names the line."""
    rules: list[Rule] = []
    undefined: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("%"):
            undefined.update(_directive(line, number))
        else:
            rules.extend(_line_rules(line, number, rules))
    if not rules:
        raise GrammarError("the grammar has no rules; write at least one like S -> S '+' T | T")
    return rules, frozenset(undefined)


def _directive(line: str, number: int) -> list[str]:
    word, *names = line.split("#")[0].split()
    if word != "%undefined" or not names:
        raise GrammarError(
            f"line {number} of the grammar: {word!r} is not a directive; "
            "the only one is '%undefined NAME ...'"
        )
    return names


def _line_rules(line: str, number: int, before: list[Rule]) -> list[Rule]:
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
