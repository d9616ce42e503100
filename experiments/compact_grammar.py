"""python -m experiments.compact_grammar NAME: a shorter grammar of the same strings.

Chains of rules that leave no choice become one rule.  What it prints for `smiles` and `arithmetic`
are the built-in grammars `smiles_compact` and `arithmetic_compact`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import Rule, Symbol
from grammar.errors import GrammarError
from grammar.library import load_grammar

Body = tuple[Symbol, ...]
Table = dict[str, list[Body]]
Tails = frozenset[Body]


def compact(grammar: Grammar) -> Grammar:
    """A grammar of the same language that needs about one production for each terminal.

    Textbook transformations, none of which makes an unambiguous grammar ambiguous:

    1. lists `A -> A c B | B` become right-recursive, `A -> B c A | B`, so that a derivation writes
       its string from left to right;
    2. the first symbol of a rule is replaced by its alternatives until it is a terminal (Greibach's
       normal form), which folds chains such as atom -> aliphatic -> 'C';
    3. what may follow that terminal is factored out: `A -> t B | t C | t` becomes
       `A -> t R | t`, where R stands for the set {B, C} and is shared wherever that set recurs.

    What stands inside brackets, as BAI in '[' BAI ']', loses its unit rules only.  Rules that can
    never be completed are dropped.  Raises GrammarError for left recursion of another form.
    """
    table: Table = {}
    for number, rule in enumerate(grammar.rules[:-1]):
        if number not in grammar.dead_rules:
            table.setdefault(rule.lhs, []).append(rule.rhs)
    table = {name: _right_recursive(name, bodies) for name, bodies in table.items()}
    return Grammar(_text(_Folder(table).fold(grammar.start), grammar.ambiguous))


class _Folder:
    """Names each set of tails once, and writes its rules."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.names: dict[Tails, str] = {}
        self.rules: Table = {}

    def fold(self, start: str) -> Table:
        """The rules of everything that `start` needs, its own first."""
        while len(self.table[start]) == 1 and _is_unit(self.table[start][0]):
            start = self.table[start][0][0].name  # of a symbol that only renames another
        pending = [self._name(frozenset([(Symbol(start, False),)]))]
        for name in pending:  # grows while it runs
            pending += [new for new in self._unwritten(name) if new not in pending]
        return {name: self.rules[name] for name in pending}

    def _name(self, tails: Tails) -> str:
        """The symbol of a set: its own name if it is one symbol, else a new one."""
        if tails not in self.names:
            (first, *others) = tails
            single = not others and _is_unit(first)
            name = first[0].name if single else f"tail_{len(self.names)}"
            self.names[tails] = name
            self._write(name, tails)
        return self.names[tails]

    def _write(self, name: str, tails: Tails) -> None:
        """Rules of a set: by first terminal and by what is fixed behind it."""
        self.rules[name] = []  # named before it is written: sets contain themselves
        groups: dict[tuple[Symbol, Body], set[Body]] = {}
        for body in self._with_terminal_first(sorted(tails, key=str)):
            fixed, tail = _split(body[1:])
            groups.setdefault((body[0], fixed), set()).add(tail)
        for (first, fixed), rests in groups.items():
            head = (first, *fixed)
            if () in rests:
                self.rules[name].append(head)
            if rests := rests - {()}:
                rest = self._name(frozenset(rests))
                self.rules[name].append((*head, Symbol(rest, False)))

    def _with_terminal_first(self, bodies: Iterable[Body]) -> list[Body]:
        found: dict[Body, None] = {}
        pending = list(bodies)
        while pending:
            body = pending.pop(0)
            if body[0].terminal:
                found.setdefault(body)
            else:
                pending = [(*head, *body[1:]) for head in self.table[body[0].name]] + pending
        return list(found)

    def _unwritten(self, name: str) -> list[str]:
        """Symbols of the rules of `name`; those inside brackets get their rules here."""
        symbols = [s.name for body in self.rules[name] for s in body if not s.terminal]
        for symbol in symbols:
            if symbol not in self.rules:
                self.rules[symbol] = _without_units(symbol, self.table)
        return list(dict.fromkeys(symbols))


def _split(body: Body) -> tuple[Body, Body]:
    """What is fixed, up to the last terminal, and the tail behind it."""
    last = max((i for i, symbol in enumerate(body, start=1) if symbol.terminal), default=0)
    return body[:last], body[last:]


def _right_recursive(name: str, bodies: list[Body]) -> list[Body]:
    """`A -> A c B | B` as `A -> B | B c A`; a body without left recursion stays as it is."""
    me = Symbol(name, False)
    recursive = [body[1:] for body in bodies if body[0] == me]
    bases = [body for body in bodies if body[0] != me]
    if not recursive:
        return bodies
    base = bases[0]
    if len(bases) > 1 or any(rest[-len(base) :] != base for rest in recursive):
        raise GrammarError(
            f"the rules of {name} are left-recursive but no list such as {name} -> {name} ',' item "
            "| item: such a grammar cannot be made compact"
        )
    return [base, *((*base, *rest[: -len(base)], me) for rest in recursive)]


def _is_unit(body: Body) -> bool:
    return len(body) == 1 and not body[0].terminal


def _without_units(name: str, table: Table) -> list[Body]:
    """All bodies that chains of unit rules lead to from `name`, in order of discovery."""
    found: dict[Body, None] = {}
    pending = [name]
    for current in pending:  # grows while it runs
        for body in table[current]:
            if not _is_unit(body):
                found.setdefault(body)
            elif body[0].name not in pending:
                pending.append(body[0].name)
    return list(found)


def _text(table: Table, ambiguous: bool) -> str:
    """The grammar as a file has it."""
    lines = ["%ambiguous"] if ambiguous else []
    lines += [str(Rule(name, body)) for name, bodies in table.items() for body in bodies]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Print a shorter grammar of the same strings.")
    parser.add_argument("grammar", help="a built-in grammar, or a file")
    print(compact(load_grammar(parser.parse_args().grammar).grammar).text, end="")


if __name__ == "__main__":
    main()
