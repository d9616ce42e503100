"""Recombination and simplification of programs with constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesopt.regression.archive import Candidate, Fitted
from grammar.expressions.programs import (
    ADD,
    ARITY,
    BINARY,
    CONSTANT,
    MUL,
    POWER,
    constant_places,
    ends,
    random_program,
)

RECOMBINATION, SIMPLIFICATION = "recombination", "simplification"
Made = tuple[bytes, tuple[float, ...]]


def replaced(
    program: bytes, constants: Sequence[float], place: int, part: bytes, own: Sequence[float]
) -> Made:
    """A program with the part at `place` replaced by another with its own constants."""
    stop = ends(program)[place]
    before = len(constant_places(program[:place]))
    after = before + len(constant_places(program[place:stop]))
    return (
        program[:place] + part + program[stop:],
        (*constants[:before], *own, *constants[after:]),
    )


def part_of(program: bytes, constants: Sequence[float], place: int) -> Made:
    """The part at `place` with its constants."""
    part = program[place : ends(program)[place]]
    before = len(constant_places(program[:place]))
    return part, tuple(constants[before : before + len(constant_places(part))])


class Recombination:
    """Subtree crossover and mutation: parents -> one child each.

    Parameters
    ----------
    variables, functions : rules of variables and functions that may be used.
    scales : a usual size for each variable; new constants are of the size of 1, or of 1 / scale.
    """

    def __init__(
        self, variables: Sequence[int], functions: Sequence[int], scales: Sequence[float]
    ) -> None:
        self._variables, self._functions = list(variables), list(functions)
        self._scales = [1.0, *scales, *(1.0 / scale for scale in scales)]

    def __call__(
        self, parents: Sequence[Fitted], others: Sequence[Fitted], rng: np.random.Generator
    ) -> list[Candidate]:
        """A child of each pair."""
        ways = rng.integers(10, size=len(parents))
        return [
            Candidate(*self._child(a, b, int(way), rng), RECOMBINATION)
            for a, b, way in zip(parents, others, ways, strict=True)
        ]

    def _child(self, a: Fitted, b: Fitted, way: int, rng: np.random.Generator) -> Made:
        place = int(rng.integers(len(a.program)))
        if way < 4:
            donor = part_of(b.program, b.constants, int(rng.integers(len(b.program))))
            return replaced(a.program, a.constants, place, *donor)
        old = part_of(a.program, a.constants, place)
        if way == 4:
            return replaced(a.program, a.constants, place, *self._small(rng))
        if way == 5:  # another rule of the same number of operands
            return self._other_rule(a, place, rng)
        if way == 6 and self._functions:
            rule = self._functions[int(rng.integers(len(self._functions)))]
            own = (self._constant(rng),) if rule == POWER else ()
            part = bytes([rule]) + old[0], (*own, *old[1])
            return replaced(a.program, a.constants, place, *part)
        if way == 7:  # a parameter where there was none
            rule = ADD if rng.random() < 0.5 else MUL
            start = 0.0 if rule == ADD else 1.0
            part = bytes([rule, CONSTANT]) + old[0], (start, *old[1])
            return replaced(a.program, a.constants, place, *part)
        if way == 8:  # the same with constants elsewhere
            scatter = rng.normal(size=len(a.constants)) * 0.7
            moved = np.array(a.constants) * np.exp(scatter)
            moved *= np.where(rng.random(len(moved)) < 0.15, -1.0, 1.0)
            return a.program, tuple(moved.tolist())
        new = self._small(rng)
        rule = BINARY[int(rng.integers(len(BINARY)))]
        first, second = (old, new) if rng.random() < 0.5 else (new, old)
        joined = bytes([rule]) + first[0] + second[0], (*first[1], *second[1])
        return replaced(a.program, a.constants, place, *joined)

    def _other_rule(self, a: Fitted, place: int, rng: np.random.Generator) -> Made:
        rule, before = a.program[place], len(constant_places(a.program[:place]))
        kinds = {0: [*self._variables, CONSTANT], 1: self._functions, 2: list(BINARY)}
        choice = kinds[ARITY[rule]]
        if not choice:
            return a.program, a.constants
        new = choice[int(rng.integers(len(choice)))]
        had, has = rule in (CONSTANT, POWER), new in (CONSTANT, POWER)
        own = (self._constant(rng),) if has else ()
        constants = (*a.constants[:before], *own, *a.constants[before + had :])
        return a.program[:place] + bytes([new]) + a.program[place + 1 :], constants

    def _small(self, rng: np.random.Generator) -> Made:
        size = int(rng.integers(1, 6))
        program = random_program(size, self._variables, rng, self._functions)
        return program, tuple(self._constant(rng) for _ in constant_places(program))

    def _constant(self, rng: np.random.Generator) -> float:
        return float(rng.normal() * self._scales[int(rng.integers(len(self._scales)))])


def simplifications(one: Fitted) -> list[Candidate]:
    """All programs with one operation, or one part, less."""
    found = []
    stops = ends(one.program)
    for place, rule in enumerate(one.program):
        if ARITY[rule]:
            operands = [place + 1] if ARITY[rule] == 1 else [place + 1, stops[place + 1]]
            for operand in operands:
                part = part_of(one.program, one.constants, operand)
                made = replaced(one.program, one.constants, place, *part)
                found.append(Candidate(*made, SIMPLIFICATION))
            if place:
                made = replaced(one.program, one.constants, place, bytes([CONSTANT]), (1.0,))
                found.append(Candidate(*made, SIMPLIFICATION))
    return found
