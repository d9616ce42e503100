"""How much faster the LR parser is than nltk's ChartParser, side by side on generated strings.

    python -m experiments.benchmarks.parser [--strings 200] [--seed 0] [--out results.json]

Each string is parsed by both, one after the other in one process; the results must be equal. Times
are sums over the strings of the best of `--repeats` runs, tokenising included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from gmae_tf.utils.files import write_atomic
from grammar.library import load_grammar
from grammar.parsing.engines import ChartEngine
from grammar.parsing.parser import Parser
from grammar.sampling.uniform import sample_strings


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    grammar = load_grammar(options.grammar).grammar
    strings = sample_strings(grammar, options.strings, options.max_length, seed=options.seed)
    parser, chart = Parser(grammar), ChartEngine(grammar)

    def by_chart(text: str) -> bytes | None:
        return chart.derive(grammar.tokenize(text))

    fast = slow = 0.0
    for text in strings:
        if parser.parse(text) != by_chart(text):
            raise SystemExit(f"the parsers disagree on {text!r}")
        slow += _best(by_chart, text, options.repeats)
        fast += _best(parser.parse, text, options.repeats)
    results = {
        "benchmark": "parser",
        "grammar": options.grammar,
        "strings": len(strings),
        "seed": options.seed,
        "lr_microseconds": 1e6 * fast / len(strings),
        "nltk_microseconds": 1e6 * slow / len(strings),
        "ratio": slow / fast,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    print(f"LR parser          {results['lr_microseconds']:10.1f} microseconds a string")
    print(f"nltk ChartParser   {results['nltk_microseconds']:10.1f} microseconds a string")
    print(f"ratio              {results['ratio']:10.0f}   (equal on all {len(strings)} strings)")
    if options.out:
        write_atomic(options.out, json.dumps(results, indent=2) + "\n")


def _best(parse: Callable[[str], object], text: str, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        parse(text)
        times.append(time.perf_counter() - start)
    return min(times)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--max-length", type=int, default=15)
    parser.add_argument("--grammar", default="arithmetic")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
