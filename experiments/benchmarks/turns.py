"""Worker processes that take training steps when they are told to, for `image_step.py`.

Imports nothing but NumPy: the worker of PyTorch runs in an environment that has PyTorch alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import numpy as np

MISSING, FAILED = 3, 4
"""Exit status of a worker without its framework, and of one whose framework cannot do it."""
IMAGES = 2000
DIM = COMPONENTS = 10
RATE, WEIGHT = 2e-4, 2000.0
Answer = Callable[..., None]


def serve(take_steps: Callable[[Namespace, Answer], None]) -> None:
    """Run a worker: prepare, say so, then take as many steps as each line of stdin says.

    The only argument of the process is the options as JSON.  A failure is answered, too.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to stderr

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        take_steps(Namespace(**json.loads(sys.argv[1])), answer)
    except ImportError as error:
        answer(error=str(error))
        sys.exit(MISSING)
    except Exception as error:  # of a compiler, say: the other frameworks go on
        first = (str(error).strip() or repr(error)).splitlines()[0]
        answer(error=f"{type(error).__name__}: {first}")
        sys.exit(FAILED)


def random_images(seed: int) -> Any:
    """uint8 [IMAGES, 32, 32, 1]."""
    return np.random.default_rng(seed).integers(0, 256, (IMAGES, 32, 32, 1), dtype=np.uint8)


class Turns:
    """Counts steps; between turns it waits for the next line of stdin."""

    def __init__(self, answer: Answer, about: dict[str, Any], warm_up: int = 3) -> None:
        self.answer, self.about = answer, about
        self.left = warm_up
        self.start: float | None = None
        self.start_cpu = 0.0

    def step(self, wait: Callable[[], Any]) -> None:
        """After each step; `wait` returns once the device has finished it."""
        self.left -= 1
        if self.left:
            return
        wait()
        if self.start is None:
            self.answer(**self.about)
        else:
            clock, processors = time.perf_counter(), time.process_time()
            self.answer(seconds=clock - self.start, cpu_seconds=processors - self.start_cpu)
        line = sys.stdin.readline()
        if not line:
            raise SystemExit(0)
        self.left = int(line)
        self.start, self.start_cpu = time.perf_counter(), time.process_time()
