"""How much faster SMILES are parsed than by nltk's ChartParser, side by side on the same molecules.

    python -m experiments.benchmarks.smiles_parser [--molecules 300] [--seed 0] [--out results.json]

Molecules of ZINC 250k, drawn by the seed, if GMAE_DATA_DIR names a folder with it, else known drugs
that are written below. Each is parsed by both, one after the other in one process; the results must
be equal. Times are sums over the molecules of the best of `--repeats` runs (nltk: of
`--chart-repeats`). The parser remembers the atoms that it has seen, so it is also timed in one pass
right after it was made.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gmae_tf.utils.files import write_atomic
from grammar.library import load_grammar
from grammar.parsing.engines import ChartEngine
from grammar.parsing.parser import Parser

DRUGS = """
CC(=O)Oc1ccccc1C(=O)O CC(C)Cc1ccc(C(C)C(=O)O)cc1 CN1C=NC2=C1C(=O)N(C)C(=O)N2C CC(=O)Nc1ccc(O)cc1
CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21 COc1ccc2[nH]c(S(=O)Cc3ncc(C)c(OC)c3C)nc2c1
CN[C@H]1CC[C@@H](c2ccc(Cl)c(Cl)c2)c2ccccc21 CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1
CC(C)NCC(O)COc1cccc2ccccc12 Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1
CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O
Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1 CN1CCC[C@H]1c1cccnc1
"""


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    source, molecules = _molecules(options.molecules, options.seed)
    grammar = load_grammar(options.grammar).grammar
    parser, chart = Parser(grammar), ChartEngine(grammar)

    def by_chart(text: str) -> bytes | None:
        return chart.derive(grammar.tokenize(text))

    start = time.perf_counter()
    for text in molecules:
        parser.parse(text)
    first = time.perf_counter() - start
    fast = slow = 0.0
    for text in molecules:
        if parser.parse(text) != by_chart(text):
            raise SystemExit(f"the parsers disagree on {text!r}")
        slow += _best(by_chart, text, options.chart_repeats)
        fast += _best(parser.parse, text, options.repeats)
    n = len(molecules)
    results = {
        "benchmark": "smiles_parser",
        "grammar": options.grammar,
        "source": source,
        "molecules": n,
        "seed": options.seed,
        "tokens_mean": sum(len(grammar.tokenize(text)) for text in molecules) / n,
        "productions_mean": sum(len(parser.parse(text)) for text in molecules) / n,
        "ours_microseconds": 1e6 * fast / n,
        "ours_first_pass_microseconds": 1e6 * first / n,
        "nltk_microseconds": 1e6 * slow / n,
        "ratio": slow / fast,
        "ratio_first_pass": slow / first,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    print(f"SMILES parser      {1e6 * fast / n:10.1f} microseconds a molecule")
    print(f"  in a first pass  {1e6 * first / n:10.1f}")
    print(f"nltk ChartParser   {1e6 * slow / n:10.1f} microseconds a molecule")
    print(f"ratio              {slow / fast:10.0f}   (equal on all {n} molecules of {source})")
    if options.out:
        write_atomic(options.out, json.dumps(results, indent=2) + "\n")


def _molecules(n: int, seed: int) -> tuple[str, list[str]]:
    path = Path(os.environ.get("GMAE_DATA_DIR") or ".") / "zinc250k.smi.gz"
    if not path.is_file():
        return "known drugs", DRUGS.split()
    with gzip.open(path, "rt") as file:
        return "ZINC 250k", np.random.default_rng(seed).choice(file.read().split(), n).tolist()


def _best(parse: Callable[[str], object], text: str, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        parse(text)
        times.append(time.perf_counter() - start)
    return min(times)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--molecules", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chart-repeats", type=int, default=2)
    parser.add_argument("--grammar", default="smiles")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
