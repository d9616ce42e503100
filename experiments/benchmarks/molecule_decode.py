"""How long 1,000 codes take to decode under each mask, and what fraction are molecules.

    python -m experiments.benchmarks.molecule_decode [--grammar smiles] [--codes 1000] [--out FILE]

Random logits stand for a network, which is not timed. Times are the best of `--repeats` on one
thread, tables built before; fractions are of `--walks` other walks, by RDKit's sanitisation, once
with all rules and once without aromatic atoms, as a model of kekulised molecules has them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from rdkit import Chem, rdBase

from experiments.benchmarks.record import best_seconds, parser_of, record
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import DerivationMask, StackMask, decode_logits
from grammar.library import load_grammar
from molecules.decoding.mask import molecule_walk

Factory = Callable[[int, int], DerivationMask]
BLOCK = 1000


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    grammar = load_grammar("smiles_compact").grammar if options.grammar == "compact" else None
    grammar = grammar or load_grammar(options.grammar).grammar
    rows = {}
    for name, factory, kekulised in _masks(grammar):
        rng = np.random.default_rng(options.seed)
        logits = _logits(rng, grammar, options.codes, options.steps, kekulised)
        seconds = best_seconds(
            partial(decode_logits, logits, grammar, walk=factory),
            options.repeats,
        )
        valid = _valid(rng, grammar, factory, kekulised, options)
        rows[name] = {"seconds": seconds, "valid": valid}
        print(f"{name:42s} {seconds:7.3f} s {valid:9.4f} valid", flush=True)
    record(
        "molecule_decode",
        options,
        ("rdkit", "numpy"),
        grammar=options.grammar,
        codes=options.codes,
        steps=options.steps,
        walks=options.walks,
        seed=options.seed,
        masks=rows,
    )


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
    return lambda n, steps: StackMask(grammar, n, steps, length_aware=False)


def _logits(
    rng: np.random.Generator, grammar: Grammar, n: int, steps: int, kekulised: bool
) -> np.ndarray:
    logits = rng.standard_normal((n, steps, grammar.n_rules), dtype=np.float32)
    if kekulised:
        names = [{symbol.name for symbol in rule.rhs} for rule in grammar.rules]
        aromatic = [bool(found & {*"cnosbp", "aromatic_organic"}) for found in names]
        logits[..., aromatic] = -1e9
    return logits


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
    parser = parser_of(__doc__)
    parser.add_argument("--grammar", default="smiles", help="smiles, smiles_extended or compact")
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=277)
    parser.add_argument("--walks", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
