"""A proof that a grammar with the structure of smiles.cfg is unambiguous.

Its rules are not LALR(1), because a bond may begin a ring bond or lead to the next atom.  The same
strings have a form whose lists recur to the right, where nothing has to be decided before it is
known what follows a bond.  Derivations of both forms correspond one to one, whatever atoms, bonds
and ring bonds are, so tables of the second without conflicts prove it of the first.
"""

from __future__ import annotations

from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import read_source
from grammar.parsing.lalr import build_tables

_LISTS = read_source("""
chain -> branched_atom | chain branched_atom | chain bond branched_atom
branched_atom -> atom | atom RB | atom BB | atom RB BB
RB -> RB ringbond | ringbond
BB -> BB branch | branch
branch -> '(' chain ')' | '(' bond chain ')'
""").rules
_RIGHT_RECURSIVE = read_source("""
chain -> atom | atom after_atom
after_atom -> ringbond | ringbond after_atom | after_ring
after_ring -> chain | bond chain | branch | branch after_ring
branch -> '(' chain ')' | '(' bond chain ')'
""").rules
_OWN_NAMES = {rule.lhs for rule in (*_LISTS, *_RIGHT_RECURSIVE)}


def proves_unambiguous(grammar: Grammar) -> bool:
    """Whether a grammar has the lists of smiles.cfg, and no conflict in their right-recursive form.

    The rules of atoms, bonds, ring bonds and the start symbol may be any that use of these lists
    nothing but `chain`.
    """
    rules = [r for i, r in enumerate(grammar.rules[:-1]) if i not in grammar.dead_rules]
    others = [rule for rule in rules if rule not in _LISTS]
    used = {s.name for rule in others for s in rule.rhs if not s.terminal} - {"chain"}
    used |= {rule.lhs for rule in others}
    if used & _OWN_NAMES or len(rules) - len(others) < len(_LISTS):
        return False
    start = [rule for rule in others if rule.lhs == grammar.start]
    rest = [rule for rule in others if rule.lhs != grammar.start]
    return bool(start) and not build_tables((*start, *_RIGHT_RECURSIVE, *rest)).conflicts
