"""Load-time checks of a grammar's structure; each finding is one sentence with its line number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from grammar.cfg.syntax import Rule
from grammar.errors import GrammarError


def check_structure(rules: Sequence[Rule], allowed_undefined: Iterable[str] = ()) -> None:
    """Raise GrammarError that lists every defect found, one sentence a line.

    Defects: undefined, unproductive and unreachable symbols, duplicate rules, and symbols that
    derive themselves alone (such a string would have endlessly many derivations).
    """
    findings = [*_defects_of_rules(rules, set(allowed_undefined))]
    if not findings:  # an undefined symbol would make others look unproductive: report the cause
        findings = [*_defects_of_symbols(rules)]
    if findings:
        raise GrammarError("\n".join(findings))


def closure(grow: Callable[[set[str]], set[str]], start: Iterable[str] = ()) -> set[str]:
    """The least set of symbols that holds `start` and all that `grow` finds from its members."""
    known = set(start)
    while not (found := grow(known)) <= known:
        known |= found
    return known


def _defects_of_rules(rules: Sequence[Rule], allowed: set[str]) -> Iterator[str]:
    """Symbols without a rule that are not declared with %undefined; rules that appear twice."""
    known = {rule.lhs for rule in rules} | allowed
    for rule in rules:
        for symbol in rule.rhs:
            if not symbol.terminal and symbol.name not in known:
                known.add(symbol.name)
                yield (
                    f"line {rule.line} of the grammar: {symbol.name} is used in '{rule}' but has "
                    f"no rule; add '{symbol.name} -> ...', or quote it if it is a terminal"
                )
    lines: dict[Rule, int] = {}
    for rule in rules:
        if rule in lines:
            yield (
                f"line {rule.line} of the grammar repeats the rule '{rule}' of line {lines[rule]}; "
                "remove one of them"
            )
        lines.setdefault(rule, rule.line)


def _defects_of_symbols(rules: Sequence[Rule]) -> Iterator[str]:
    """Symbols that derive no string, that no string needs, or that derive themselves alone."""
    start, lines = rules[0].lhs, {rule.lhs: rule.line for rule in reversed(rules)}
    names = dict.fromkeys(rule.lhs for rule in rules)
    uses = [(rule.lhs, [s.name for s in rule.rhs if not s.terminal]) for rule in rules]
    units = {(r.lhs, r.rhs[0].name) for r in rules if len(r.rhs) == 1 and not r.rhs[0].terminal}

    def derived(known: set[str], pairs: Iterable[tuple[str, str]]) -> set[str]:
        return {part for whole, part in pairs if whole in known}

    def derives_itself(name: str) -> bool:
        return name in closure(partial(derived, pairs=units), derived({name}, units))

    productive = closure(lambda known: {lhs for lhs, parts in uses if known.issuperset(parts)})
    reached = closure(partial(derived, pairs={(a, b) for a, parts in uses for b in parts}), [start])
    for defect, problem in (
        (
            lambda name: name not in productive,
            "can never become a finished string, because each of its rules needs another "
            "unfinished symbol; add a rule that ends",
        ),
        (
            lambda name: name not in reached,
            f"cannot be reached from the start symbol {start}; use it in a rule or remove it",
        ),
        (
            derives_itself,
            "derives itself alone, so its strings have endlessly many derivations; remove one of "
            "the rules of that circle",
        ),
    ):
        for name in filter(defect, names):
            yield f"line {lines[name]} of the grammar: {name} {problem}"
