"""The structure of SMILES grammars that `grammar.parsing.smiles` relies on, and parts of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from grammar.cfg.checks import closure
from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import Rule, Symbol, read_source
from grammar.parsing.lalr import Tables, build_tables

STRUCTURE = read_source("""
smiles -> chain
chain -> branched_atom | chain branched_atom | chain bond branched_atom
branched_atom -> atom | atom RB | atom BB | atom RB BB
RB -> RB ringbond | ringbond
BB -> BB branch | branch
branch -> '(' chain ')' | '(' bond chain ')'
""").rules
CHUNKS = read_source("""
chunk -> branched_atom | bond branched_atom | '(' | '(' bond
branched_atom -> atom | atom RB
RB -> RB ringbond | ringbond
""").rules
# The official rules that the first four of these stand for; the others stand for themselves.
CHUNKS_STAND_FOR = read_source("""
chain -> chain branched_atom | chain bond branched_atom
branch -> '(' chain ')' | '(' bond chain ')'
""").rules
# The same strings with lists that recur to the right: nothing has to be decided before it is known
# what follows a bond. Derivations correspond one to one to those of the official form.
_RIGHT_RECURSIVE = read_source("""
chain -> atom | atom after_atom
after_atom -> ringbond | ringbond after_atom | after_ring
after_ring -> chain | bond chain | branch | branch after_ring
branch -> '(' chain ')' | '(' bond chain ')'
""").rules
_OWN_NAMES = {rule.lhs for rule in (*STRUCTURE, *CHUNKS, *_RIGHT_RECURSIVE)}


def find_parts(grammar: Grammar) -> tuple[list[Rule], Rule | None] | None:
    """The rules below `atom`, `bond` and `ringbond`, and the rule of a separator if there is one.

    None if the grammar is not one for `grammar.parsing.smiles`. Its rules for `smiles`, `chain`,
    `branched_atom`, `RB`, `BB` and `branch` must be those of smiles.cfg (perhaps with
    `smiles -> smiles '.' chain`), whatever atoms, bonds and ring bonds are, as long as they lead
    to no conflict in the tables and no terminal can join two chunks.
    """
    rules = [r for i, r in enumerate(grammar.rules[:-1]) if i not in grammar.dead_rules]
    own = {rule for rule in rules if rule.lhs in {r.lhs for r in STRUCTURE}}
    parts = [rule for rule in rules if rule not in own]
    extra = own - set(STRUCTURE)
    used = {s for rule in parts for s in (*rule.rhs, Symbol(rule.lhs, False))}
    if grammar.start != "smiles" or not own.issuperset(STRUCTURE) or len(extra) > 1:
        return None
    separator = next(iter(extra), None)
    if any(not symbol.terminal and symbol.name in _OWN_NAMES for symbol in used):
        return None
    if separator and not _separates(separator, used):
        return None
    if _is_recursive(parts) or _terminals_join_chunks(grammar, parts):
        return None
    if recogniser(parts, separator)[1].conflicts or chunk_grammar(parts)[1].conflicts:
        return None
    return parts, separator


def recogniser(parts: Sequence[Rule], separator: Rule | None) -> tuple[tuple[Rule, ...], Tables]:
    """Rules and tables of the whole language in the right-recursive form."""
    rules = (STRUCTURE[0], *([separator] if separator else []), *_RIGHT_RECURSIVE, *parts)
    return rules, build_tables(rules)


def chunk_grammar(parts: Sequence[Rule]) -> tuple[tuple[Rule, ...], Tables]:
    """Rules and tables of what the regular expression cuts out."""
    rules = (*CHUNKS, *parts)
    return rules, build_tables(rules)


def _separates(rule: Rule, used: set[Symbol]) -> bool:
    """Whether the rule is `smiles -> smiles SIGN chain` with a sign that occurs nowhere else."""
    if rule.lhs != "smiles" or len(rule.rhs) != 3 or not rule.rhs[1].terminal:
        return False
    sign = rule.rhs[1].name
    lists = rule.rhs[::2] == (Symbol("smiles", False), Symbol("chain", False))
    return lists and not any(sign in s.name for s in used if s.terminal) and sign not in "()"


def _is_recursive(parts: Sequence[Rule]) -> bool:
    uses: dict[str, set[str]] = {}
    for rule in parts:
        uses.setdefault(rule.lhs, set()).update(s.name for s in rule.rhs if not s.terminal)
    try:
        TopologicalSorter(uses).prepare()
    except CycleError:
        return True
    return False


def _terminals_join_chunks(grammar: Grammar, parts: Sequence[Rule]) -> bool:
    """Whether a terminal could be read across the end of one chunk and the start of the next."""
    ends = {name[-1] for name in _edge(parts, "chunk", -1)} | {")"}
    starts = {name[0] for name in _edge(parts, "chunk", 0)} | {")"}
    pairs = {pair for name in grammar.terminals for pair in itertools.pairwise(name)}
    return any((end, start) in pairs for end in ends for start in starts)


def _edge(parts: Sequence[Rule], name: str, place: int) -> set[str]:
    """Terminals that can stand first (place 0) or last (-1) in what `name` derives."""
    edges = {(rule.lhs, rule.rhs[place]) for rule in (*CHUNKS, *parts)}
    names = closure(
        lambda known: {s.name for lhs, s in edges if lhs in known and not s.terminal}, {name}
    )
    return {symbol.name for lhs, symbol in edges if lhs in names and symbol.terminal}


def cutter(parts: Sequence[Rule]) -> re.Pattern[str]:
    """Expression for the next chunk; it may cut out too much, for chunks are parsed anyway."""
    bond, atom, ringbond = (_group(_forms(parts, name)) for name in ("bond", "atom", "ringbond"))
    return re.compile(rf"{bond}?{atom}{ringbond}*|\({bond}?|\)")


def _forms(parts: Sequence[Rule], name: str) -> list[str]:
    """What `name` derives, as expressions; brackets stand for whatever they hold."""
    forms: list[str] = []
    for body in (rule.rhs for rule in parts if rule.lhs == name):
        first, last = body[0], body[-1]
        if first == Symbol("[", True) and last == Symbol("]", True):
            forms.append(r"\[[^\]]*\]")
        elif len(body) == 1 and not first.terminal:
            forms.extend(_forms(parts, first.name))
        else:
            pieces = (
                re.escape(s.name) if s.terminal else _group(_forms(parts, s.name)) for s in body
            )
            forms.append("".join(pieces))
    return forms


def _group(forms: list[str]) -> str:
    return "(?:" + "|".join(sorted(forms, key=len, reverse=True)) + ")"
