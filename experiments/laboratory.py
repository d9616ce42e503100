"""python -m experiments.laboratory: campaigns of ask and tell, simulated on measured molecules.

Most measured values of a file are hidden, and a laboratory that knows them measures what it is
asked for, as laboratories do: some molecules fail, some are measured that nobody asked for, the
second half of a batch is asked while the first is out, and a value is mistyped and then corrected.
Beside it, random choice measures as many.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import write_json

if TYPE_CHECKING:
    from bayesopt.optimizer import Optimizer
    from molecules.codec import MoleculeCodec

DRAWN = 300
"""Hidden molecules that each generation of candidates is drawn from."""


@dataclass(frozen=True)
class LaboratoryConfig:
    """Options of `python -m experiments.laboratory`."""

    data: Path
    """Measured molecules, such as ESOL or FreeSolv: .csv or .sdf."""
    value_column: str
    """Column (or property) with the values."""
    minimize: bool = False
    """Lower values are better."""
    known: int = 50
    """Molecules whose values are known at the start, drawn at random."""
    rounds: int = 3
    """Rounds of ask and tell."""
    batch_size: int = 10
    """Molecules asked for in a round."""
    unasked: int = 1
    """Molecules that are told in a round without having been asked."""
    failing: float = 0.1
    """Share of measurements that fail."""
    repetitions: int = 10
    """Campaigns, each with other known molecules."""
    out: Path = Path("runs/laboratory.json")
    """Result file."""


@dataclass
class Laboratory:
    """Measures molecules [N] whose values are hidden; some measurements fail."""

    values: dict[str, float]
    failing: float
    rng: np.random.Generator
    measured: list[float] = field(default_factory=list)

    def __call__(self, smiles: Sequence[str]) -> np.ndarray:
        """Values [N], NaN where a measurement fails."""
        found = np.array([self.values[s] for s in smiles])
        found[self.rng.random(len(found)) < self.failing] = np.nan
        self.measured += found[~np.isnan(found)].tolist()
        return found

    def draw(self, n: int, but: set[str]) -> list[str]:
        """n random molecules other than these."""
        rest = [s for s in self.values if s not in but]
        return [rest[i] for i in self.rng.choice(len(rest), min(n, len(rest)), replace=False)]


class PoolCodec:
    """A model's codes of the molecules of a list; what a code decodes to is not in it."""

    def __init__(self, codec: MoleculeCodec, smiles: Sequence[str]) -> None:
        self.latent_dim = codec.latent_dim
        self._codes = dict(zip(smiles, codec.encode(smiles), strict=True))

    def encode(self, strings: Sequence[str]) -> np.ndarray:
        """Codes [N, D]."""
        return np.array([self._codes[s] for s in strings])

    def decode(self, codes: np.ndarray) -> list[str | None]:
        """None for each code."""
        return [None] * len(codes)


def campaign(
    config: LaboratoryConfig, codec: PoolCodec, values: dict[str, float], seed: int
) -> dict[str, Any]:
    """Best values and hits after each round, of a campaign and of random choice."""
    from bayesopt.dataset import Dataset
    from bayesopt.optimizer import Optimizer
    from bayesopt.space import CandidateConfig, SearchSpace
    from molecules.chem.features import COUNTS

    rng = np.random.default_rng(seed)
    smiles = sorted(values)
    start = [smiles[i] for i in rng.choice(len(smiles), config.known, replace=False)]
    hidden = {s: v for s, v in values.items() if s not in set(start)}
    pool = list(hidden)
    space = SearchSpace(
        codec,
        constraints=lambda strings: [s in hidden for s in strings],
        recombine=lambda parents, rng: [pool[i] for i in rng.integers(len(pool), size=DRAWN)],
        counts=COUNTS,
        candidates=CandidateConfig(sources=("evolution",)),
    )
    data = Dataset(start, [values[s] for s in start])
    optimizer = Optimizer(
        space, data, maximize=not config.minimize, seed=seed, centres=np.arange(len(start))
    )
    lab = Laboratory(hidden, config.failing, np.random.default_rng([seed, 1]))
    chance = Laboratory(hidden, config.failing, np.random.default_rng([seed, 2]))
    drawn: set[str] = set()
    rows: dict[str, Any] = {"seed": seed, "ours": [], "random": []}
    for _ in range(config.rounds):
        _round(config, optimizer, lab)
        new = chance.draw(config.batch_size + config.unasked, drawn)
        drawn.update(new)
        chance(new)
        for name, where in (("ours", lab), ("random", chance)):
            rows[name].append(_reached(where.measured, list(hidden.values()), config.minimize))
    optimizer.close()
    return rows


def _round(config: LaboratoryConfig, optimizer: Optimizer, lab: Laboratory) -> None:
    """Two half batches, the second asked while the first is out; then values in a mixed order."""
    first = optimizer.ask(config.batch_size // 2)
    second = optimizer.ask(config.batch_size - len(first), more=True)
    optimizer.tell(second, lab(second))
    values = lab(first)
    optimizer.tell(list(first)[::-1], values[::-1])
    known = np.flatnonzero(~np.isnan(values))[:1]
    for row in known:  # mistyped, and corrected
        optimizer.tell([first[row]], [10 * values[row] + 1], replace=True)
        optimizer.tell([first[row]], [values[row]], replace=True)
    seen = {t.string for t in optimizer.journal.trials() if t.string}
    others = lab.draw(config.unasked, seen)
    optimizer.tell(others, lab(others))


def _reached(measured: Sequence[float], hidden: Sequence[float], minimize: bool) -> dict[str, Any]:
    """The best value, its rank among the hidden ones, and the share of the best 5 % found."""
    sign = 1.0 if minimize else -1.0
    scores, found = sign * np.array(hidden), sign * np.array(measured)
    limit = np.quantile(scores, 0.05)
    return {
        "measured": len(found),
        "best": float(sign * found.min()),
        "rank": int((scores < found.min()).sum()) + 1,
        "top_5_percent": float((found <= limit).sum() / (scores <= limit).sum()),
    }


def table(results: dict[str, Any]) -> list[list[str]]:
    """Cells of each round: means over the campaigns, and how often ours found the better one."""
    rows = []
    for i in range(len(results["campaigns"][0]["ours"])):
        ours, chance = ([c[name][i] for c in results["campaigns"]] for name in ("ours", "random"))
        pairs = [(a["rank"], b["rank"]) for a, b in zip(ours, chance, strict=True)]
        cells = [f"{i + 1}"]
        for key, form in (("best", "{:.2f}"), ("rank", "{:.1f}"), ("top_5_percent", "{:.0%}")):
            cells += [form.format(np.mean([row[key] for row in some])) for some in (ours, chance)]
        better, equal = sum(a < b for a, b in pairs), sum(a == b for a, b in pairs)
        rows.append([*cells, f"{better} of {len(pairs)}, equal in {equal}"])
    return rows


TITLES = (
    "round",
    "best value",
    "random",
    "its rank among the hidden",
    "random",
    "best 5 % found",
    "random",
    "better than random",
)


def laboratory(config: LaboratoryConfig) -> None:
    """Run all campaigns, and print and write what they found."""
    if not config.data.is_file():
        raise UserError(f"--data {config.data} cannot be read: there is no such file.")
    if min(config.known, 10) < 10 or min(config.rounds, config.repetitions) < 1:
        raise UserError("--known must be 10 or more, --rounds and --repetitions 1 or more.")
    if config.batch_size < 2:
        raise UserError("--batch-size must be 2 or more, as the second half is asked alone.")
    from gmae_tf.utils.report import Table
    from gmae_tf.utils.run_dir import versions
    from molecules.codec import MoleculeCodec
    from molecules.data.library import load_known
    from molecules.model import load

    begun = time.monotonic()
    codec = MoleculeCodec(load("compact"))
    found = load_known(codec, str(config.data), value_column=config.value_column)
    assert found.measured is not None
    pairs = zip(found.smiles, found.measured, strict=True)
    values = {smiles: float(value) for smiles, value in pairs if np.isfinite(value)}
    screen = console()
    if found.report is not None:
        screen.print(str(found.report), markup=False, soft_wrap=True)
    pool, campaigns = PoolCodec(codec, list(values)), []
    for seed in range(config.repetitions):
        campaigns.append(campaign(config, pool, values, seed))
        last = {name: campaigns[-1][name][-1] for name in ("ours", "random")}
        screen.print(f"campaign {seed + 1}: ranks {[row['rank'] for row in last.values()]}")
    results = {
        "data": config.data.name,
        "molecules": len(values),
        "config": {k: v for k, v in vars(config).items() if k not in ("data", "out")},
        "campaigns": campaigns,
        "seconds": round(time.monotonic() - begun, 1),
        "versions": versions(),
    }
    write_json(config.out, results)
    Table("Rounds", TITLES, table(results)).print(screen)
    screen.print(f"results: {config.out}")


if __name__ == "__main__":
    run_command(
        laboratory,
        LaboratoryConfig,
        prog="python -m experiments.laboratory",
        description="Simulate campaigns of ask and tell on measured molecules, beside random "
        "choice.",
        continues=False,
    )
