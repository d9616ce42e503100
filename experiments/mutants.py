"""python -m experiments.mutants: small errors in the code, one at a time, that the tests must find.

Each mutant replaces a formula that occurs once in a package, in a copy of the checkout, and runs
the tests that are responsible for it.  Survivors show what no test looks at.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from experiments.runner import ROOT, child_environment, print_table
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.interrupts import raise_if_interrupted

PACKAGES = ("gmae_tf", "grammar", "molecules", "bayesopt")
COPIED = (
    *PACKAGES,
    "experiments",
    "tests",
    "data",
    "docs",
    "pyproject.toml",
    "README.md",
    "Makefile",
)
PASSED, FAILED = 0, 1
"""Exit status of pytest; any other means that the tests did not run."""


class Mutant(NamedTuple):
    """A small error.

    text : formula that occurs exactly once in the package.
    tests : files or folders under tests/ that must fail.
    """

    name: str
    package: str
    text: str
    replacement: str
    tests: str


MUTANTS = (
    Mutant("covariance of the mixture without that of its means", "gmae_tf",
           "self.weights, self.covariances) + between", "self.weights, self.covariances)",
           "gmae_tf/test_prior.py"),
    Mutant("log density with the determinant upside down", "gmae_tf",
           "np.log(self.weights) - log_det", "np.log(self.weights) + log_det",
           "gmae_tf/test_prior.py"),
    Mutant("KS distance against (i + 1) / N", "gmae_tf",
           "ops.arange(1, size + 1)", "ops.arange(2, size + 2)",
           "gmae_tf/penalties/test_penalties.py"),
    Mutant("covariance distance over D instead of D^2", "gmae_tf",
           "/ prior.dim**2", "/ prior.dim", "gmae_tf/penalties/test_penalties.py"),
    Mutant("expected KS distance of N + 2 codes", "gmae_tf",
           "(n + 1) / (6 * n * n)", "(n + 2) / (6 * n * n)",
           "gmae_tf/penalties/test_penalties.py"),
    Mutant("clusters matched to the fewest labels", "gmae_tf",
           "linear_sum_assignment(counts, maximize=True)",
           "linear_sum_assignment(counts, maximize=False)",
           "gmae_tf/metrics/test_clustering.py"),
    Mutant("majority map read off the test labels", "gmae_tf",
           "majority_map(material.train.labels, seen, k)", "majority_map(labels, found, k)",
           "gmae_tf/images/test_evaluation_numbers.py"),
    Mutant("Frechet distance with half of its cross term", "gmae_tf",
           "np.trace(second.covariance) - 2 * cross", "np.trace(second.covariance) - cross",
           "gmae_tf/metrics/test_frechet.py"),
    Mutant("the same order of batches in every epoch", "gmae_tf",
           "np.random.default_rng([self.seed, epoch])", "np.random.default_rng([self.seed, 0])",
           "gmae_tf/training/test_batches.py"),
    Mutant("learning rate starts anew in a continued training", "gmae_tf",
           "self.done = epoch * self.steps", "self.done = 0", "gmae_tf/training/test_fit.py"),
    Mutant("squared errors of expressions are not clipped", "grammar",
           "np.minimum((values - y) ** 2, CLIP)", "(values - y) ** 2",
           "grammar/expressions/test_evaluate.py"),
    Mutant("incomplete derivations are decoded", "grammar",
           "return None if pending else out", "return out", "grammar/test_codec.py"),
    Mutant("a decode may be one rule too long", "grammar",
           "grammar.min_cost_rule <= (self.left - rest)[:, None]",
           "grammar.min_cost_rule <= (self.left - rest)[:, None] + 1",
           "grammar/test_decoding.py"),
    Mutant("the hidden score itself is not hidden", "grammar",
           "scores > config.exclude_better_than", "scores >= config.exclude_better_than",
           "grammar/test_train.py"),
    Mutant("rings of seven atoms cost nothing", "molecules",
           "largest_ring(mol) - FREE_RING_SIZE", "largest_ring(mol) - FREE_RING_SIZE - 1",
           "molecules/chem/test_properties.py"),
    Mutant("an atom that closes a ring keeps its valence", "molecules",
           "self.free[rows, partner] -= more", "self.free[rows, partner] -= 0 * more",
           "molecules/decoding/test_mask.py"),
    Mutant("gradient of expected improvement, sd term doubled", "bayesopt",
           "density * variance_gradient / (2 * sd)", "density * variance_gradient / sd",
           "bayesopt/acquisition/test_functions.py"),
    Mutant("posterior variance without that of the inducing points", "bayesopt",
           "variance + tf.reduce_sum(shrunk * shrunk, 0)", "variance + 0 * shrunk[0]",
           "bayesopt/surrogates/test_sparse_gp.py"),
    Mutant("the best known strings may be missing from the surrogate", "bayesopt",
           "np.concatenate([ranked[:best], others])", "np.concatenate([ranked[-best:], others])",
           "bayesopt/test_space.py"),
    Mutant("the longest name of a function stands for it", "bayesopt",
           "key=lambda row: len(strings[row]))", "key=lambda row: -len(strings[row]))",
           "bayesopt/test_space.py"),
)  # fmt: skip


@dataclass(frozen=True)
class MutantsConfig:
    """Options of `python -m experiments.mutants`."""

    only: str = ""
    """Apply only mutants whose names contain this."""
    unchanged: bool = True
    """Run the tests once on unchanged code first, where they must pass."""


def mutants(config: MutantsConfig) -> None:
    """Apply each mutant, print which ones the tests find, and end with status 1 if one survives."""
    chosen = [mutant for mutant in MUTANTS if config.only in mutant.name]
    if not chosen:
        raise UserError(f"--only {config.only!r} is in no name of a mutant")
    for mutant in chosen:
        place_of(mutant, ROOT)  # all, before any takes minutes
    lines = []
    with TemporaryDirectory() as folder:
        tree = copy_tree(Path(folder))
        if config.unchanged:
            status, seconds = run_tests(tree, sorted({mutant.tests for mutant in chosen}))
            if status != PASSED:
                raise UserError(f"the tests do not pass on unchanged code (status {status})")
            console().print(f"tests on unchanged code pass in {seconds:.0f} s")
        for mutant in chosen:
            fate, seconds = fate_of(mutant, tree)
            console().print(f"{fate:8} {seconds:4.0f} s  {mutant.name}", highlight=False)
            lines.append([mutant.name, mutant.tests, fate, f"{seconds:.0f} s"])
    print_table(["mutant", "tests", "fate", "after"], lines)
    if any(line[2] != "killed" for line in lines):
        sys.exit(1)


def place_of(mutant: Mutant, tree: Path) -> Path:
    """The file in which the mutant's text occurs.

    Raises
    ------
    UserError: it occurs nowhere in the package or several times.
    """
    files = sorted((tree / mutant.package).rglob("*.py"))
    places = [path for path in files for _ in range(path.read_text().count(mutant.text))]
    if len(places) != 1:
        raise UserError(
            f"mutant {mutant.name!r}: {mutant.text!r} occurs {len(places)} times in "
            f"{mutant.package}/, not once: mend its text in experiments/mutants.py"
        )
    return places[0]


def copy_tree(folder: Path) -> Path:
    """A copy of what tests need of the checkout."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored, symlinks=True)
        else:
            shutil.copy2(source, folder / name)
    return folder


def fate_of(mutant: Mutant, tree: Path) -> tuple[str, float]:
    """Apply a mutant, run its tests, and undo it: killed, survived or not run; and seconds."""
    place = place_of(mutant, tree)
    source = place.read_text()
    place.write_text(source.replace(mutant.text, mutant.replacement))
    try:
        status, seconds = run_tests(tree, [mutant.tests])
    finally:
        place.write_text(source)
    return {PASSED: "survived", FAILED: "killed"}.get(status, "not run"), seconds


def run_tests(tree: Path, tests: Sequence[str]) -> tuple[int, float]:
    """Status of pytest, which stops at the first failure, and seconds."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    paths = [str(Path("tests") / name) for name in tests]
    environment = {**child_environment(), "PYTHONPATH": str(tree)}
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "-n", "0", *paths], cwd=tree, env=environment, capture_output=True, check=False
    )
    raise_if_interrupted(done.returncode)
    return done.returncode, time.perf_counter() - start


def main() -> None:
    """The command."""
    run_command(
        mutants,
        MutantsConfig,
        prog="python -m experiments.mutants",
        description="Apply small errors to the code, one at a time, and run the tests that must "
        "find them.",
        continues=False,
    )


if __name__ == "__main__":
    main()
