"""Result files of benchmarks: numbers, and on what they were measured."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from gmae_tf.utils.json import write_json
from gmae_tf.utils.run_dir import versions


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the option --out; the first line of the module's docstring describes it."""
    parser = argparse.ArgumentParser(description=str(doc).partition("\n")[0])
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    return parser


def record(
    name: str, options: argparse.Namespace, packages: Collection[str] = ("numpy",), **content: Any
) -> dict[str, Any]:
    """The result of a benchmark; written with --out."""
    result = {
        "benchmark": name,
        **content,
        "machine": f"{processor()}, {cores()} cores",
        "python": platform.python_version(),
        "versions": versions(packages),
    }
    if options.out:
        write_json(options.out, result)
    return result


def best_seconds(
    job: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The shortest of some repeats; of `time.process_time`, the processor's seconds."""
    times = []
    for _ in range(repeats):
        start = clock()
        job()
        times.append(clock() - start)
    return min(times)


def cores() -> int | None:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.machine()
