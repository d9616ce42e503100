"""Lookup tables of a SMILES grammar: atoms, bonds, ring digits and costs, by rule and symbol."""

from __future__ import annotations

import numpy as np

from gmae_tf.errors import UserError
from grammar.cfg.grammar import UNREACHABLE_COST, Grammar
from grammar.cfg.syntax import Symbol
from molecules.decoding.attributes import BONDS, Item, Traits, items
from molecules.decoding.bracket_automaton import Brackets
from molecules.decoding.chains import Limit
from molecules.decoding.shortest import LABELS, Templates
from molecules.decoding.valences import MOST_BONDS, is_aromatic, organic_valence

PLAIN, ATOM, BOND, DIGIT, OPEN, BRACKET = range(6)
"""What a rule writes first: nothing, an atom, a bond, a ring digit, '(' or '['."""
SYMBOL, DEMAND, SLOTS, DIGITS, ROOM = range(5)
"""Fields of a record on the stack; see `MoleculeTables`."""
NO_ROOM = 1 << 14


class MoleculeTables:
    """Everything of one grammar; R rules, symbols numbered non-terminals first, then terminals.

    A rule writes its leading terminal and pushes the rest, `rest_symbol` [R, w], the next symbol
    first, `rest_length` [R] of them. Each symbol on a stack carries what the symbols from it on
    downwards ask: of its own (`add_*` [R, w]) and, where `pass_*`, also what lies below asks.
    `demand`: bonds of the current atom; `slots`: ring digits at it; `digits`: whether there may be
    more of them; `room`: productions to begin closing rings further down (NO_ROOM if nowhere).
    """

    limit: Limit | None = None
    """Of the sizes of rings; without one these are not looked at."""

    def __init__(self, grammar: Grammar, *, valences: bool, aromatic: bool) -> None:
        self.grammar, self.valences, self.allow_aromatic = grammar, valences, aromatic
        self.traits = Traits(grammar)
        self.templates = Templates(grammar, self.traits)
        self.brackets = Brackets(grammar, self.traits.inners, aromatic=aromatic, valences=valences)
        names = [*grammar.lhs_names, *grammar.terminals]
        self.nothing = len(grammar.lhs_names) - 1
        self._index = {Symbol(n, i > self.nothing): i for i, n in enumerate(names)}
        self.symbols = list(self._index)
        self.closes = np.array([s == Symbol(")", True) for s in self.symbols])
        self.ends_bracket = np.array([s == Symbol("]", True) for s in self.symbols])
        self.dots = np.array([s == Symbol(".", True) for s in self.symbols])
        self.terminal = self.closes | self.ends_bracket | self.dots
        self.least = np.zeros(len(names), dtype=np.int64)
        self.least[: self.nothing + 1] = grammar.min_cost_lhs
        self.labels = sum(n in LABELS for n in grammar.terminals)
        self._fill_symbols()
        self._fill_rules()
        self.atom_cost = self._atom_costs()
        self._fill_levels()

    def valence(self, token: str) -> int:
        """Largest sum of bond orders of an atom without brackets; -1 if it is not to be used."""
        if is_aromatic(token) and not self.allow_aromatic:
            return -1
        return organic_valence(token) if self.valences else MOST_BONDS

    def _fill_symbols(self) -> None:
        traits, names = self.traits, self.grammar.lhs_names
        known = [n in traits.rules for n in names] + [False] * (len(self.symbols) - len(names))
        self.moves = np.array([k and traits.moves[s.name] for k, s in self._known(known)])
        self.needs_ring = np.array([k and traits.slots[s.name] > 0 for k, s in self._known(known)])
        room = {name: self.templates.closing_cost(name) for name in traits.rules}
        more = {name: self.templates.digit_cost(name) for name in traits.rules}
        self.ring_cost = max((cost[1] for cost in room.values() if cost), default=0)
        self.digit_cost = max((cost for cost in more.values() if cost), default=0)
        self.rooms = {name: cost[0] for name, cost in room.items() if cost}
        self.more = {name for name, cost in more.items() if cost is not None}

    def _fill_levels(self) -> None:
        """What stands on one level of branches; see `molecules.decoding.ring_sizes`."""
        names = [None if s.terminal else s.name for s in self.symbols]
        self.takes_digits = np.array([name in self.more for name in names])
        self.ends_level = self.closes.copy()
        self.ends_level[self.nothing] = True
        self.chain_behind = np.zeros(len(self.grammar.rules), dtype=bool)
        for number, rule in enumerate(self.grammar.rules):
            rest = rule.rhs[self.after_close[number] + 1 :]
            self.chain_behind[number] = any(symbol.name in self.rooms for symbol in rest)

    def _known(self, known: list[bool]) -> list[tuple[bool, Symbol]]:
        return list(zip(known, self.symbols, strict=True))

    def _fill_rules(self) -> None:
        rules = self.grammar.rules
        width = max(len(rule.rhs) for rule in rules)
        self.kind = np.zeros(len(rules), dtype=np.int8)
        self.value = np.zeros(len(rules), dtype=np.int64)  # valence, order, label, start state
        self.aromatic = np.zeros(len(rules), dtype=np.int64)
        self.usable = np.ones(len(rules), dtype=bool)
        self.usable[list(self.traits.refused)] = False
        self.rest_length = np.zeros(len(rules), dtype=np.int64)
        self.rest_symbol = np.full((len(rules), width), self.nothing, dtype=np.int16)
        self.after_close = np.full(len(rules), width)
        shape = (len(rules), width)
        self.add_demand, self.pass_demand = np.zeros(shape, np.int16), np.ones(shape, np.int16)
        self.add_slots, self.pass_slots = np.zeros(shape, np.int16), np.ones(shape, np.int16)
        self.add_digits = np.zeros(shape, dtype=np.int16)
        self.room = np.full((len(rules), width), NO_ROOM, dtype=np.int16)
        for number, rule in enumerate(rules[:-1]):
            if number not in self.traits.refused:
                self._fill_rule(number, rule.rhs, rule.lhs in self.traits.outside)
        self.rest_length[-1] = 1  # padding stands for itself
        self._fill_order()

    def behind_branch(self, rules: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Bonds [N] that what stands behind the branch in `rules` [N] takes of the same atom."""
        at = self.after_close[rules]
        inside = at < self.rest_length[rules]
        at = np.where(inside, at, 0)
        own = self.add_demand[rules, at] + self.pass_demand[rules, at] * below
        return np.where(inside, own, below)

    def records(self, rules: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Records [N, w, 5] that `rules` [N] push onto the records `below` [N, 5], lowest first."""
        found = self.push_add[rules] + self.push_pass[rules] * below[:, None]
        found[..., ROOM] = np.minimum(self.push_add[rules, :, ROOM], below[:, None, ROOM])
        return found

    def record(self, rules: np.ndarray, j: int, base: np.ndarray) -> np.ndarray:
        """Records [N, 5] of the j-th symbols that `rules` [N] push; `base` [N, 5] if they do not.

        `base` is the record that lies below all that is pushed.
        """
        add = self.add[j][rules]
        found = self.passed[j][rules]
        found *= base
        found += add
        np.minimum(add[:, ROOM], base[:, ROOM], out=found[:, ROOM])
        return found

    def _fill_order(self) -> None:
        """Records as added to and passed on, [w, R, 5] by symbol and [R, w, 5] by stack slot."""
        columns = np.arange(self.rest_symbol.shape[1])
        absent = (columns >= self.rest_length[:, None]).astype(np.int16)
        ones = np.ones_like(self.rest_symbol)
        add = [
            self.rest_symbol * (1 - absent),
            self.add_demand,
            self.add_slots,
            self.add_digits,
            self.room,
        ]
        passed = [absent, self.pass_demand, self.pass_slots, self.pass_slots, ones]
        self.add = np.stack(add, axis=-1).swapaxes(0, 1).astype(np.int16)
        self.passed = np.stack(passed, axis=-1).swapaxes(0, 1).astype(np.int16)
        order = np.maximum(self.rest_length[:, None] - 1 - columns, 0)
        rules = np.arange(len(order))[:, None]
        self.push_add, self.push_pass = self.add[order, rules], self.passed[order, rules]
        by_lhs = np.argsort(self.grammar.lhs_index, kind="stable")
        keep = by_lhs[self.usable[by_lhs]]
        self.rules_by_lhs = keep
        self.rule_count = np.bincount(
            self.grammar.lhs_index[keep], minlength=len(self.grammar.lhs_names)
        )
        self.rule_start = np.cumsum(self.rule_count) - self.rule_count

    def _fill_rule(self, number: int, body: tuple[Symbol, ...], outside: bool) -> None:
        if outside:
            lead = body[0] if body[0].terminal else None
            rest = body[1:] if lead else body
            if lead:
                self._fill_lead(number, lead, items(body)[0])
        else:
            rest = body  # what terminals mean inside brackets, only `Brackets` knows
            while rest and rest[0].terminal:
                rest = rest[1:]
        self.rest_length[number] = len(rest)
        for j, symbol in enumerate(rest):
            self.rest_symbol[number, j] = self._index[symbol]
        if not outside:
            return  # inside brackets every symbol passes on what waits behind the bracket
        if self.kind[number] == OPEN:
            self.after_close[number] = rest.index(Symbol(")", True)) + 1
        start = rest.index(Symbol("]", True)) + 1 if self.kind[number] == BRACKET else 0
        if any(s.terminal and s.name not in (")", ".") for s in rest[start:]):
            raise UserError(
                f"the rule {self.grammar.rules[number]} has a terminal behind its first symbol "
                "that is neither ')' nor ']' nor '.'; molecules cannot be decoded with it"
            )
        for j in range(start, len(rest)):
            self._fill_slot(number, j, rest[j:])
        for j in range(start - 1, -1, -1):  # the bracket waits for what stands behind it
            if start < len(rest):
                self._copy_slot(number, j, start)

    def _fill_lead(self, number: int, lead: Symbol, part: Item) -> None:
        if part.kind == "atom":
            self.kind[number], self.value[number] = ATOM, self.valence(lead.name)
            self.aromatic[number] = is_aromatic(lead.name)
        elif part.kind == "bond":
            self.kind[number], self.value[number] = BOND, BONDS.get(lead.name, 0)
        elif part.kind == "digit":
            self.kind[number], self.value[number] = DIGIT, LABELS.index(lead.name)
        elif part.kind == "bracket":
            self.kind[number] = BRACKET
            self.value[number] = self.brackets.start[part.body]
        else:
            self.kind[number] = OPEN

    def _fill_slot(self, number: int, j: int, rest: tuple[Symbol, ...]) -> None:
        """Claims of the symbols from `rest[0]` on, up to the end of their branch."""
        level = rest
        for i, symbol in enumerate(rest):
            if symbol.terminal:
                level = rest[:i]
                break
        parts = [Item("symbol", symbol) for symbol in level]
        whole = len(level) == len(rest)
        demand, stays = self.traits.sum_demand(parts)
        slots, only = self.traits.sum_slots(parts)
        self.add_demand[number, j], self.pass_demand[number, j] = demand, stays and whole
        self.add_slots[number, j], self.pass_slots[number, j] = slots, only and whole
        rings = [part for part in parts if not self.traits.is_ring(part)]
        before = parts[: parts.index(rings[0]) + 1] if rings else parts
        self.add_digits[number, j] = any(part.symbol.name in self.more for part in before)
        rooms = [self.rooms[s.name] for s in rest if not s.terminal and s.name in self.rooms]
        self.room[number, j] = min([self.room[number, j], *rooms])

    def _copy_slot(self, number: int, j: int, start: int) -> None:
        tables = (self.add_demand, self.pass_demand, self.add_slots, self.pass_slots)
        for table in (*tables, self.add_digits, self.room):
            table[number, j] = table[number, start]

    def _atom_costs(self) -> np.ndarray:
        """Fewest productions [2, symbols, MOST_BONDS + 2] that make an atom for so many bonds.

        Zero for symbols that leave the current atom where it is. The second half is for an atom
        behind a double bond, which an aromatic one counts as a single one.
        """
        costs = np.zeros((2, len(self.symbols), MOST_BONDS + 2), dtype=np.int64)
        costs[:, self.moves] = UNREACHABLE_COST
        while True:
            before = costs.copy()
            for name, rules in self.traits.rules.items():
                symbol = self._index[Symbol(name, False)]
                for number, parts in rules if self.moves[symbol] else []:
                    for double in range(2):
                        found = self.rule_cost(number, parts, costs[double], double)
                        costs[double, symbol] = np.minimum(costs[double, symbol], found)
            if (before == costs).all():
                return costs

    def rule_cost(
        self, number: int, parts: list[Item], costs: np.ndarray, double: int
    ) -> np.ndarray:
        """Productions of one rule whose first atom has so many bonds [MOST_BONDS + 2]."""
        at = next(i for i, part in enumerate(parts) if self.traits.is_move(part))
        first, extra = parts[at], self.traits.sum_demand(parts[at + 1 :])[0]
        bonds = np.minimum(np.arange(MOST_BONDS + 2) + extra, MOST_BONDS + 1)
        base = self.grammar.min_cost_rule[number]
        if first.kind == "atom":
            most = self.valence(first.symbol.name)
            most += bool(double and is_aromatic(first.symbol.name) and most >= 0)
            own = np.where(np.arange(MOST_BONDS + 2) <= min(most, MOST_BONDS), 0, UNREACHABLE_COST)
            least = 0
        elif first.kind == "bracket":
            state = self.brackets.start[first.body]
            own, least = self.brackets.cost[double, state], self.brackets.plain[state]
        else:
            symbol = self._index[first.symbol]
            own = costs[symbol]
            least = self.grammar.min_cost_lhs[symbol]
        return np.minimum(UNREACHABLE_COST, base - least + own[bonds])
