"""How long 1,000 codes take to decode under each mask, and what fraction are molecules.

    python -m experiments.benchmarks.molecule_decode [--grammar smiles] [--codes 1000] [--walks 10000] [--out F]

Random logits stand for a network, which is not timed. Times are the best of `--repeats` on one
thread, tables built before; fractions are of `--walks` other walks, by RDKit's sanitisation, once
with all rules and once without aromatic atoms, as a model of kekulised molecules has them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase

from gmae_tf.utils.files import write_atomic
from grammar.cfg.compact import compact
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import StackWalk, Walk, decode_logits
from grammar.library import load_grammar
from molecules.decoding.mask import molecule_walk

Factory = Callable[[int, int], Walk]
BLOCK = 1000


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    grammar = compact(load_grammar("smiles").grammar) if options.grammar == "compact" else None
    grammar = grammar or load_grammar(options.grammar).grammar
    rows = {}
    for name, factory, kekulised in _masks(grammar):
        rng = np.random.default_rng(options.seed)
        logits = _logits(rng, grammar, options.codes, options.steps, kekulised)
        times = [_time(logits, grammar, factory) for _ in range(options.repeats)]
        valid = _valid(rng, grammar, factory, kekulised, options)
        rows[name] = {"seconds": min(times), "valid": valid}
        print(f"{name:42s} {min(times):7.3f} s {valid:9.4f} valid", flush=True)
    results = {
        "benchmark": "molecule_decode",
        "grammar": options.grammar,
        "codes": options.codes,
        "steps": options.steps,
        "walks": options.walks,
        "seed": options.seed,
        "masks": rows,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    if options.out:
        write_atomic(options.out, json.dumps(results, indent=2) + "\n")


def _masks(grammar: Grammar) -> list[tuple[str, Factory, bool]]:
    rows: list[tuple[str, Factory, bool]] = []
    for kekulised in (False, True):
        suffix = ", kekulised" if kekulised else ", all rules"
        rows += [
            ("official masks" + suffix, _official(grammar), kekulised),
            (
                "length-aware" + suffix,
                molecule_walk(grammar, rings=False, valences=False),
                kekulised,
            ),
        ]
        for valences in (False, True):
            walk = molecule_walk(grammar, valences=valences, aromatic=not kekulised)
            name = "length-aware + rings" + (" + valences" if valences else "")
            rows.append((name + suffix, walk, kekulised))
    return rows


def _official(grammar: Grammar) -> Factory:
    return lambda n, steps: StackWalk(grammar, n, steps, length_aware=False)


def _logits(
    rng: np.random.Generator, grammar: Grammar, n: int, steps: int, kekulised: bool
) -> np.ndarray:
    logits = rng.standard_normal((n, steps, grammar.n_rules), dtype=np.float32)
    if kekulised:
        names = [{symbol.name for symbol in rule.rhs} for rule in grammar.rules]
        aromatic = [bool(found & {*"cnosbp", "aromatic_organic"}) for found in names]
        logits[..., aromatic] = -1e9
    return logits


def _time(logits: np.ndarray, grammar: Grammar, factory: Factory) -> float:
    start = time.perf_counter()
    decode_logits(logits, grammar, walk=factory)
    return time.perf_counter() - start


def _valid(
    rng: np.random.Generator,
    grammar: Grammar,
    factory: Factory,
    kekulised: bool,
    options: argparse.Namespace,
) -> float:
    codec, valid = RuleCodec(grammar, options.steps), 0
    for begin in range(0, options.walks, BLOCK):
        n = min(BLOCK, options.walks - begin)
        logits = _logits(rng, grammar, n, options.steps, kekulised)
        for smiles in codec.decode(decode_logits(logits, grammar, walk=factory)):
            with rdBase.BlockLogs():
                valid += smiles is not None and Chem.MolFromSmiles(smiles) is not None
    return valid / options.walks


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grammar", default="smiles", help="smiles, smiles_extended or compact")
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=277)
    parser.add_argument("--walks", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
