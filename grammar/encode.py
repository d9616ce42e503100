"""python -m grammar.encode: a file of strings to a file of rule indices, in parallel."""

from __future__ import annotations

import gzip
import os
import signal
import sys
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.files import atomic_path
from grammar.errors import GrammarError, ParseError

if TYPE_CHECKING:
    import numpy as np

    from grammar.parsing.parser import Parser

BLOCK = 4_000
"""Lines that a process parses at a time."""


@dataclass(frozen=True)
class EncodeConfig:
    """Options of `python -m grammar.encode`."""

    data: Path
    """File of strings, one a line, or .smi with the string in the first column; may end in .gz."""
    out: Path
    """HDF5 file of rule indices [N, T]; what cannot be parsed is listed in OUT.failed.txt."""
    grammar: str = "smiles"
    """Name of a built-in grammar, or a .cfg file."""
    jobs: int | None = None
    """Processes that parse; by default one a core."""
    max_length: int | None = None
    """T, in rules; longer strings are listed as failed. By default the longest of the data."""


class Failure(NamedTuple):
    """A string that has no row in the file, and why."""

    line: int
    text: str
    reason: str


class Block(NamedTuple):
    """What a process returns: rows [n, t] of the strings that could be parsed, and the others."""

    rules: np.ndarray
    failures: list[Failure]


@dataclass(frozen=True)
class Encoded:
    """What `encode_file` has written: rows [count, length], of which `longest` is in use."""

    count: int
    length: int
    longest: int
    failed: int


def encode_file(
    data: str | Path,
    out: str | Path,
    grammar: str | Path = "smiles",
    *,
    jobs: int = 1,
    max_length: int | None = None,
) -> Encoded:
    """Write the rule indices of the strings in `data` to `out`, a block of lines at a time.

    Row i is the i-th string that is not blank and not in OUT.failed.txt, which has a line
    `line number, string, reason` (tabs between) for each that could not be parsed.

    Raises
    ------
    GrammarError: the data cannot be read, hold no string of the grammar, or `out` is unwritable.
    """
    from grammar.cfg.grammar import Grammar
    from grammar.storage import RuleWriter

    rules = Grammar.load(grammar)
    data, out = Path(data), Path(out)
    listing, failed, longest, first = failed_path(out), 0, 0, ""
    with (
        atomic_path(listing) as temporary,
        open(temporary, "w", encoding="utf-8") as file,
        RuleWriter(out, rules, max_length or 0) as writer,
    ):
        for block in _encode_blocks(_read_blocks(data), rules.text, max_length, jobs):
            writer.append(block.rules)
            longest = max(longest, block.rules.shape[1])
            failed += len(block.failures)
            for failure in block.failures:
                first = first or f"line {failure.line}, {failure.text!r}: {failure.reason}"
                print(*failure, sep="\t", file=file)
        if not writer.shape[0]:
            raise GrammarError(
                f"no string in {data} can be encoded with the grammar {str(grammar)!r} ({first})"
                if failed
                else f"{data} has no strings; write one a line"
            )
    if not failed:
        listing.unlink()
    return Encoded(*writer.shape, longest, failed)


def failed_path(out: Path) -> Path:
    """Where the strings are listed that could not be encoded for `out`."""
    return out.with_name(out.name + ".failed.txt")


def encode(config: EncodeConfig) -> None:
    """Encode the file and say how many strings, how long, how fast and in how much memory."""
    jobs = config.jobs if config.jobs is not None else os.cpu_count() or 1
    for name, value in (("jobs", jobs), ("max-length", config.max_length)):
        if value is not None and value < 1:
            raise GrammarError(f"--{name} is {value}; give 1 or more, or leave it out")
    started = time.monotonic()
    encoded = encode_file(
        config.data, config.out, config.grammar, jobs=jobs, max_length=config.max_length
    )
    seconds = time.monotonic() - started
    screen = console()
    screen.print(
        f"{encoded.count:,} strings in {config.out} [{encoded.count}, {encoded.length}], "
        f"the longest of {encoded.longest} rules"
    )
    screen.print(f"{seconds:.1f} seconds in {jobs} processes, peak memory {_peak_memory(jobs)}")
    screen.print(
        f"{encoded.failed:,} strings could not be encoded; see {failed_path(config.out)}"
        if encoded.failed
        else "every string could be encoded"
    )


def _read_blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and the strings of up to BLOCK lines; "" for a blank line."""
    name = path.name.removesuffix(".gz")
    try:
        with _open(path) as file:
            number = 1
            while lines := list(islice(file, BLOCK)):
                if name.endswith(".smi"):
                    yield number, [(line.split(maxsplit=1) or [""])[0] for line in lines]
                else:
                    yield number, [line.strip() for line in lines]
                number += len(lines)
    except (OSError, EOFError, zlib.error) as error:
        raise GrammarError(f"cannot read {path} ({error}); give a file of strings") from error
    except UnicodeDecodeError as error:
        raise GrammarError(f"{path} is not a text file; give one string a line") from error


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return open(path, encoding="utf-8")


def _encode_blocks(
    blocks: Iterable[tuple[int, list[str]]], grammar: str, max_length: int | None, jobs: int
) -> Iterator[Block]:
    """Results in the order of the blocks; a few blocks at a time are in memory."""
    if jobs == 1:
        _start(grammar, max_length)
        yield from map(_encode_block, blocks)
        return
    waiting: deque[Future[Block]] = deque()
    # A fresh interpreter each, for a fork would copy the locks of whatever the caller has loaded.
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), _start_process, (grammar, max_length)
    ) as pool:
        for block in blocks:
            waiting.append(pool.submit(_encode_block, block))
            if len(waiting) > 3 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_worker: tuple[Parser, int | None] | None = None


def _start(grammar: str, max_length: int | None) -> None:
    """Build the parser of this process once."""
    from grammar.cfg.grammar import Grammar
    from grammar.parsing.parser import Parser

    global _worker
    _worker = Parser(Grammar(grammar)), max_length


def _start_process(grammar: str, max_length: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    _start(grammar, max_length)


def _encode_block(block: tuple[int, list[str]]) -> Block:
    from grammar.codec import pad

    assert _worker is not None, "_start comes first"
    parser, limit = _worker
    sequences, failures = [], []
    for number, text in enumerate(block[1], start=block[0]):
        if not text:
            continue
        try:
            rules = parser.parse(text)
        except ParseError as error:
            reason = f"{error.problem} (character {error.position + 1})"
            failures.append(Failure(number, text, reason))
            continue
        if limit is not None and len(rules) > limit:
            reason = f"takes {len(rules)} rules but the limit is {limit}"
            failures.append(Failure(number, text, reason))
            continue
        sequences.append(rules)
    return Block(pad(sequences, max(map(len, sequences), default=0), parser.grammar), failures)


def _peak_memory(jobs: int) -> str:
    """Of this process, and `jobs` times that of the largest of the others, in GB."""
    try:
        import resource  # not on Windows
    except ImportError:
        return "unknown"
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    others = jobs * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if jobs > 1 else 0
    return f"{(own + others) * unit / 1e9:.2f} GB at most"


if __name__ == "__main__":
    run_command(
        encode,
        EncodeConfig,
        prog="python -m grammar.encode",
        description="Parse a file of strings and store their rule indices in HDF5.",
        user_errors=(GrammarError,),
        continues=False,
    )
