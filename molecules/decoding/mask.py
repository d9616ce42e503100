"""A stack walk in which every derivation becomes a molecule.

Beside the open symbols each derivation keeps its atoms with the bonds that they can still have, and
its open rings (`molecules.decoding.state`).  A rule is allowed only if there is proof that the
derivation can be completed after it, in the steps left (`molecules.decoding.lookahead`).  Where no
rule has such a proof, for the proofs count more steps than they need, the completion that was
proved before is carried out (`molecules.decoding.fallback`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy

import numpy as np

from gmae_tf.errors import UserError
from grammar.cfg.grammar import Grammar
from grammar.decoding import DerivationMask, StackMask
from grammar.errors import GrammarError
from molecules.decoding.chains import Limit
from molecules.decoding.fallback import completion
from molecules.decoding.lookahead import provable
from molecules.decoding.ring_sizes import is_compact
from molecules.decoding.rule_tables import MoleculeTables
from molecules.decoding.state import WalkState


def molecule_walk(
    grammar: Grammar,
    *,
    rings: bool = True,
    valences: bool = True,
    aromatic: bool = True,
    ring_sizes: Iterable[int] | None = None,
) -> Callable[[int, int], DerivationMask]:
    """What `grammar.decoding.decode_logits` takes as `walk`: (derivations, steps) -> walk.

    Without `rings` the walk is the length-aware one; `valences` needs `rings`. Without `aromatic`,
    as for a model of kekulised molecules, every result is a molecule that RDKit accepts.

    Parameters
    ----------
    ring_sizes : a ring is closed only if the shortest one that this makes has such a size, such as
        [3, 4, 5, 6, 7].  No smallest ring (SSSR) of a result is larger than the largest of these.
        Smaller ones that are not among them come about where rings are fused, and where the steps
        run out.  For grammars of the form of `grammar.cfg.compact`.

    Raises
    ------
    UserError: the grammar is none of molecules, or the sizes cannot be limited.
    """
    if not rings:
        if valences:
            raise UserError("valences cannot be kept without rings; pass rings=True or neither")
        return lambda n, steps: StackMask(grammar, n, steps)
    tables = MoleculeTables(grammar, valences=valences, aromatic=aromatic)
    if ring_sizes is not None:
        if not is_compact(tables):
            raise UserError(
                "the sizes of rings can be limited only with a grammar of the form that "
                "grammar.cfg.compact makes, such as smiles_compact"
            )
        tables.limit = Limit(ring_sizes)
    return lambda n, steps: MoleculeMask(tables, n, steps)


def limits_rings(grammar: Grammar) -> bool:
    """Whether `molecule_walk` can limit the sizes of rings of this grammar."""
    return is_compact(MoleculeTables(grammar, valences=False, aromatic=False))


class MoleculeMask:
    """n derivations side by side, each of at most `steps` rules: a `DerivationMask`.

    `allowed` has to be asked before each `apply`, as it lays down what is to be carried out: a
    derivation that is `planned` [n] takes the rules of its row of `plan` [n, steps].
    Raises GrammarError if `steps` fits no string.
    """

    def __init__(self, tables: MoleculeTables, n: int, steps: int) -> None:
        grammar = tables.grammar
        if steps < grammar.min_cost_lhs[0]:
            raise GrammarError(
                f"{steps} steps are too few: the shortest string of the grammar takes "
                f"{grammar.min_cost_lhs[0]} productions"
            )
        self.tables, self.state = tables, WalkState.start(tables, n, steps)
        self.plan = np.zeros((n, steps), dtype=np.uint8)
        self.planned = np.zeros(n, dtype=bool)

    @property
    def top(self) -> np.ndarray:
        """Left-hand side that each derivation expands next [n]; `Nothing` once complete."""
        return self.state.top

    def allowed(self) -> np.ndarray:
        """Rules that each derivation may take next, bool [n, R]."""
        tables, top = self.tables, self.top
        allowed = np.zeros((len(top), tables.grammar.n_rules), dtype=bool)
        allowed[top == tables.nothing, -1] = True
        active = np.flatnonzero((top != tables.nothing) & ~self.planned)
        # All rules of the next symbol of each active derivation, as pairs (row, rule).
        count = tables.rule_count[top[active]]
        rows = np.repeat(active, count)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        rules = tables.rules_by_lhs[tables.rule_start[top[rows]] + within]
        proven = provable(self.state, rows, rules)
        allowed[rows[proven], rules[proven]] = True
        for row in active[~allowed[active].any(axis=1)]:
            self._make_plan(row)
        planned = np.flatnonzero(self.planned & (top != tables.nothing))
        allowed[planned, self.plan[planned, -self.state.left]] = True
        return allowed

    def apply(self, rules: np.ndarray) -> None:
        """Take one allowed rule [n] in each derivation."""
        self.state.apply(rules)

    def take(self, rows: np.ndarray) -> MoleculeMask:
        """The derivations `rows` (indices, repeats allowed) as a walk of their own."""
        other = copy(self)
        other.state = self.state.take(rows)
        other.plan, other.planned = self.plan[rows], self.planned[rows]
        return other

    def _make_plan(self, row: int) -> None:
        rules = completion(self.state, row)
        begin = self.plan.shape[1] - self.state.left
        self.plan[row, begin:] = self.tables.grammar.padding
        self.plan[row, begin : begin + len(rules)] = rules
        self.planned[row] = True
