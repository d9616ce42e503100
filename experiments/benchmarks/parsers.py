"""Speed of the LR parser beside nltk's ChartParser, on expressions and on SMILES.

    python -m experiments.benchmarks.parsers expressions [--strings 200] [--out FILE]
    python -m experiments.benchmarks.parsers molecules [--strings 300] [--out FILE]

Expressions are drawn uniformly from the grammar, at most 15 productions long; molecules are those
of ZINC 250k, drawn by the seed, if GMAE_DATA_DIR names a folder with it, else known drugs that are
written below.  Each is parsed by both, one after the other in one process, and the results must be
equal.  Times are of the processor, so that other programs do not count: sums over the strings of
the best of some repeats, tokenising included, and for the LR parser also in one first pass.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from functools import partial
from pathlib import Path

import numpy as np

from experiments.benchmarks.record import best_seconds, parser_of, record
from grammar.library import load_grammar
from grammar.parsing.engines import ChartEngine
from grammar.parsing.parser import Parser
from grammar.sampling.uniform import sample_strings

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
    of_molecules = options.strings_of == "molecules"
    grammar = load_grammar("smiles" if of_molecules else "arithmetic").grammar
    if of_molecules:
        source, strings = _molecules(options.strings or 300, options.seed)
    else:
        source = "the grammar"
        strings = sample_strings(grammar, options.strings or 200, 15, seed=options.seed)
    parser, chart = Parser(grammar), ChartEngine(grammar)
    start = time.process_time()
    productions = sum(len(parser.parse(text)) for text in strings)
    first = time.process_time() - start
    fast = slow = 0.0
    for text in strings:
        if parser.parse(text) != chart.derive(grammar.tokenize(text)):
            raise SystemExit(f"the parsers disagree on {text!r}")
        chart_parse = partial(lambda s: chart.derive(grammar.tokenize(s)), text)
        slow += best_seconds(chart_parse, options.chart_repeats, time.process_time)
        fast += best_seconds(partial(parser.parse, text), options.repeats, time.process_time)
    n = len(strings)
    result = record(
        "smiles_parser" if of_molecules else "parser",
        options,
        ("nltk", "numpy"),
        source=source,
        strings=n,
        seed=options.seed,
        tokens_mean=sum(len(grammar.tokenize(text)) for text in strings) / n,
        productions_mean=productions / n,
        ours_microseconds=1e6 * fast / n,
        ours_first_pass_microseconds=1e6 * first / n,
        nltk_microseconds=1e6 * slow / n,
        ratio=slow / fast,
        ratio_first_pass=slow / first,
    )
    print(f"LR parser          {result['ours_microseconds']:10.1f} microseconds a string")
    print(f"  in a first pass  {result['ours_first_pass_microseconds']:10.1f}")
    print(f"nltk ChartParser   {result['nltk_microseconds']:10.1f} microseconds a string")
    print(f"ratio              {result['ratio']:10.0f}   (equal on all {n} strings of {source})")


def _molecules(n: int, seed: int) -> tuple[str, list[str]]:
    path = Path(os.environ.get("GMAE_DATA_DIR") or ".") / "zinc250k.smi.gz"
    if not path.is_file():
        return "known drugs", DRUGS.split()[:n]
    with gzip.open(path, "rt") as file:
        return "ZINC 250k", np.random.default_rng(seed).choice(file.read().split(), n).tolist()


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("strings_of", choices=("expressions", "molecules"))
    parser.add_argument("--strings", type=int, help="how many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chart-repeats", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
