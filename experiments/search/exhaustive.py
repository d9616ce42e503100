"""python -m experiments.search.exhaustive: score all short expressions, and rank a score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from experiments.search.enumeration import Enumeration
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from grammar.cfg.grammar import Grammar
from grammar.expressions.evaluate import fit_errors
from grammar.expressions.targets import Target, load_target
from grammar.library import load_grammar
from grammar.sampling.counting import Derivations

LONGEST = 12
KEPT = 1000
"""Best expressions whose text is kept."""
PART = 20_000
"""Expressions sent to a process at once."""
Ranked = list[tuple[float, str]]


@dataclass(frozen=True)
class Oracle:
    """What there is to find: the scores of all expressions [N], ascending, and the best ones."""

    target: str
    longest: int
    scores: np.ndarray
    best: list[str]

    @classmethod
    def of(cls, grammar: Grammar, target: Target, longest: int) -> Oracle:
        """Score all strings of at most `longest` productions, on all cores."""
        from joblib import Parallel, delayed
        from rich.progress import Progress

        lengths = range(1, longest + 1)
        strings = chain.from_iterable(map(Enumeration(grammar).strings, lengths))
        work = (delayed(_score)(part, target.x, target.y) for part in _parts(strings))
        scores, done = np.empty(Derivations(grammar, longest).total), 0
        best: list[tuple[float, str]] = []
        with Progress(console=console(), transient=True) as progress:
            task = progress.add_task("scoring expressions", total=len(scores))
            for found, near in Parallel(n_jobs=-1, return_as="generator")(work):
                scores[done : done + len(found)] = found
                best = sorted(best + near)[:KEPT]
                done += len(found)
                progress.update(task, completed=done)
        scores.sort()
        return cls(target.name, longest, scores, [text for _, text in best])

    def rank(self, score: float) -> int:
        """How many expressions are better, plus one; equal up to rounding is not better."""
        return int(np.searchsorted(self.scores, score - 1e-9)) + 1

    def save(self, path: Path) -> None:
        """Write everything into one .npz file."""
        from gmae_tf.utils.files import atomic_path

        with atomic_path(path) as temporary:
            np.savez(
                temporary,
                target=self.target,
                longest=self.longest,
                scores=self.scores,
                best=np.array(self.best),
            )

    @classmethod
    def load(cls, path: Path) -> Oracle:
        """What `save` wrote.  `UserError` for anything else."""
        try:
            with np.load(path) as file:
                return cls(
                    str(file["target"]),
                    int(file["longest"]),
                    file["scores"],
                    [str(text) for text in file["best"]],
                )
        except (OSError, KeyError, ValueError) as error:
            raise UserError(
                f"{path} is no file of python -m experiments.search.exhaustive --out: {error}"
            ) from error


def _parts(strings: Iterator[str]) -> Iterator[list[str]]:
    while part := list(islice(strings, PART)):
        yield part


def _score(strings: list[str], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, Ranked]:
    """Scores, and the best of them with their strings: less to send back."""
    found = fit_errors(strings, x, y)
    near = np.argsort(found, kind="stable")[:KEPT]
    return found, [(float(found[i]), strings[i]) for i in near]


@dataclass(frozen=True)
class OracleConfig:
    """Options of `python -m experiments.search.exhaustive`."""

    target: str | None = None
    """An expression in x to fit; the benchmark's 1/3+x+sin(x*x) by default."""
    target_csv: Path | None = None
    """Points to fit instead: a CSV file with columns x and y."""
    grammar: str = "arithmetic"
    """arithmetic, the benchmark's grammar, or a file with rules of expressions in x."""
    longest: int = LONGEST
    """Most productions of an expression; 12 has 9,103,456 in the benchmark's grammar, 14 has
    200 million."""
    top: int = 10
    """How many of the best to print."""
    rank: tuple[str, ...] = ()
    """Expressions or scores to rank among all, as in '["1/2+x+sin(x*x)", "0.5"]'."""
    out: Path | None = None
    """A .npz file for all scores, ascending, and the best expressions."""


def oracle(config: OracleConfig) -> None:
    """Score, print the best and the quantiles, and rank what is asked."""
    grammar = load_grammar(config.grammar).grammar
    total = Derivations(grammar, max(config.longest, 0)).total
    if not total:
        raise UserError(f"--longest {config.longest}: {config.grammar} has no string so short")
    target = load_target(config.target, config.target_csv)
    wanted = [(text, score_of(text, target)) for text in config.rank]
    found = Oracle.of(grammar, target, config.longest)
    say = console().print
    say(f"{len(found.scores):,} expressions of at most {config.longest} productions, {target.name}")
    best = fit_errors(found.best[: config.top], target.x, target.y)
    for text, score in zip(found.best, best, strict=False):
        say(f"{score:10.6f}  {text}", markup=False, highlight=False)
    for share in (1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5):
        place = max(round(share * len(found.scores)) - 1, 0)
        say(f"best {100 * share:g} %: {found.scores[place]:.4f} or less")
    for text, score in wanted:
        rank = found.rank(score)
        share = 100 * rank / len(found.scores)
        say(f"{text}: score {score:.6f}, rank {rank:,}, best {share:.2g} %", markup=False)
    if config.out is not None:
        found.save(config.out)
        say(f"all scores: {config.out}", soft_wrap=True)


def score_of(text: str, target: Target) -> float:
    """A number as it is, an expression by its score."""
    try:
        return float(text)
    except ValueError:
        return float(fit_errors([text], target.x, target.y)[0])


def main() -> None:
    """The command."""
    run_command(
        oracle,
        OracleConfig,
        prog="python -m experiments.search.exhaustive",
        description="Score every expression of a grammar, and rank what a search found.",
        continues=False,
    )


if __name__ == "__main__":
    main()
