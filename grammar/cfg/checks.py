"""Load-time checks of a grammar's structure; each finding is one sentence with its line number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grammar.cfg.syntax import Rule
from grammar.errors import GrammarError


def check_structure(rules: Sequence[Rule], allowed_undefined: Iterable[str] = ()) -> None:
    """Raise GrammarError that lists every defect found, one sentence a line.

    Defects: undefined, unproductive and unreachable symbols, duplicate rules, and symbols that
    derive themselves alone (such a string would have endlessly many derivations).
    """
    allowed = set(allowed_undefined)
    findings = [*find_undefined(rules, allowed), *find_duplicates(rules)]
    if not findings:  # an undefined symbol would make others look unproductive: report the cause
        findings = [*find_unproductive(rules), *find_unreachable(rules), *find_cycles(rules)]
    if findings:
        raise GrammarError("\n".join(findings))


def find_undefined(rules: Sequence[Rule], allowed: set[str]) -> list[str]:
    """Non-terminals that are used but have no rule and are not declared with %undefined."""
    defined = {rule.lhs for rule in rules} | allowed
    seen: dict[str, Rule] = {}
    for rule in rules:
        for symbol in rule.rhs:
            if not symbol.terminal and symbol.name not in defined:
                seen.setdefault(symbol.name, rule)
    return [
        f"line {rule.line} of the grammar: {name} is used in '{rule}' but has no rule; "
        f"add '{name} -> ...', or quote it if it is a terminal"
        for name, rule in seen.items()
    ]


def find_duplicates(rules: Sequence[Rule]) -> list[str]:
    """Rules that appear twice (the string would have two derivations)."""
    first: dict[Rule, Rule] = {}
    findings = []
    for rule in rules:
        if rule in first:
            findings.append(
                f"line {rule.line} of the grammar repeats the rule '{rule}' of line "
                f"{first[rule].line}; remove one of them"
            )
        first.setdefault(rule, rule)
    return findings


def find_unproductive(rules: Sequence[Rule]) -> list[str]:
    """Symbols that can never become a string of terminals."""
    productive = productive_names(rules)
    return [
        f"line {rule.line} of the grammar: {rule.lhs} can never become a finished string, because "
        "each of its rules needs another unfinished symbol; add a rule that ends"
        for rule in _first_rules(rules)
        if rule.lhs not in productive
    ]


def find_unreachable(rules: Sequence[Rule]) -> list[str]:
    """Symbols that no derivation from the start symbol can contain."""
    start = rules[0].lhs
    reached, grew = {start}, True
    while grew:
        found = {
            s.name for rule in rules if rule.lhs in reached for s in rule.rhs if not s.terminal
        }
        grew = not found <= reached
        reached |= found
    return [
        f"line {rule.line} of the grammar: {rule.lhs} cannot be reached from the start symbol "
        f"{start}; use it in a rule or remove it"
        for rule in _first_rules(rules)
        if rule.lhs not in reached
    ]


def find_cycles(rules: Sequence[Rule]) -> list[str]:
    """Symbols that derive themselves alone, through rules with one non-terminal only."""
    units: dict[str, set[str]] = {}
    for rule in rules:
        if len(rule.rhs) == 1 and not rule.rhs[0].terminal:
            units.setdefault(rule.lhs, set()).add(rule.rhs[0].name)
    reach = {name: set(names) for name, names in units.items()}
    for _ in units:
        for names in reach.values():
            names.update(*(reach.get(name, ()) for name in tuple(names)))
    return [
        f"line {rule.line} of the grammar: {rule.lhs} derives itself alone, so its strings have "
        "endlessly many derivations; remove one of the rules of that circle"
        for rule in _first_rules(rules)
        if rule.lhs in reach.get(rule.lhs, ())
    ]


def productive_names(rules: Sequence[Rule]) -> set[str]:
    """Non-terminals from which some string of terminals can be derived."""
    productive: set[str] = set()
    grew = True
    while grew:
        found = {
            rule.lhs for rule in rules if all(s.terminal or s.name in productive for s in rule.rhs)
        }
        grew = found != productive
        productive = found
    return productive


def _first_rules(rules: Sequence[Rule]) -> list[Rule]:
    first: dict[str, Rule] = {}
    for rule in rules:
        first.setdefault(rule.lhs, rule)
    return list(first.values())
