"""A process that tries cases one after the other, ended and replaced when it hangs or grows."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gmae_tf.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PAGE = resource.getpagesize()
LONGEST = 1500
"""Characters of a sentence, more of which nobody reads."""
START_LIMIT = 300.0
Try = Callable[[int], Any]


@dataclass(frozen=True)
class Limits:
    """Of a case: seconds of the processor, and of the clock, and bytes of resident memory."""

    cpu: float = 20.0
    wall: float = 120.0
    memory: int = 2_000_000_000


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    result : "read"; "refused", with a sentence; or a fault: "traceback", "hang", "memory",
        "crash", "executed" (a payload), "noise" (lines of others on the error output).
    """

    number: int
    result: str
    about: str = ""
    seconds: float = 0.0
    memory: int = 0


class ExecutedError(RuntimeError):
    """A payload of a case was executed."""


class TooLongError(BaseException):
    """The processor's seconds of a case are over."""


def tried(numbers: Iterator[int], make: Callable[[], Try], limits: Limits) -> Iterator[Outcome]:
    """The outcome of each case, in order.

    `make` runs in the process, and returns what tries one.
    """
    worker: _Worker | None = None
    try:
        for number in numbers:
            worker = worker or _Worker(make, limits)
            outcome = worker.outcome(number)
            if outcome.result in ("hang", "memory", "crash"):
                worker.end()
                worker = None
            yield outcome
    finally:
        if worker is not None:
            worker.end()


class _Worker:
    """The process, seen from outside."""

    def __init__(self, make: Callable[[], Try], limits: Limits) -> None:
        context = get_context("spawn")
        self._here, there = context.Pipe()
        self._limits = limits
        self._process = context.Process(target=_serve, args=(there, make, limits.cpu), daemon=True)
        self._process.start()
        there.close()
        if not self._here.poll(START_LIMIT) or self._here.recv() != "ready":
            raise RuntimeError("the process of the cases does not start")

    def outcome(self, number: int) -> Outcome:
        self._here.send(number)
        start, peak = time.monotonic(), 0
        while not self._here.poll(0.02):
            seconds = time.monotonic() - start
            peak = max(peak, self._resident())
            if peak > self._limits.memory:
                return Outcome(number, "memory", f"{peak / 1e9:.1f} GB", seconds, peak)
            if seconds > self._limits.wall:
                return Outcome(number, "hang", "outside of Python", seconds, peak)
        seconds = time.monotonic() - start
        try:
            result, about = self._here.recv()
        except EOFError:
            self._process.join(10)
            return Outcome(number, "crash", f"exit {self._process.exitcode}", seconds, peak)
        return Outcome(number, result, about, seconds, max(peak, self._resident()))

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._here.close()

    def _resident(self) -> int:
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return 0
        return int(pages) * PAGE


def _serve(pipe: Connection, make: Callable[[], Try], cpu: float) -> None:
    """The process, from inside: answer numbers by results."""
    signal.signal(signal.SIGPROF, _too_long)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    one = make()
    pipe.send("ready")
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        pipe.send(_result(one, number, cpu))


def _too_long(*_: object) -> None:
    raise TooLongError


def _result(one: Try, number: int, cpu: float) -> tuple[str, str]:
    with _noise() as noise:
        signal.setitimer(signal.ITIMER_PROF, cpu)
        try:
            result, about = judged(partial(one, number))
        except TooLongError:
            result, about = "hang", ""
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    if noise and result in ("read", "refused"):
        return "noise", noise[0][:LONGEST]
    return result, about


def judged(read: Callable[[], Any]) -> tuple[str, str]:
    """The result of a case, as of `Outcome`, and its sentence or what is wrong."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            read()
    except UserError as error:
        return _sentence(str(error))
    except SystemExit as stop:
        if stop.code in (0, None):
            return "read", ""
        if stop.code != 2:
            return "traceback", f"exit status {stop.code}: {err.getvalue()[-LONGEST:]}"
        return _sentence(err.getvalue())
    except ExecutedError as error:
        return "executed", str(error)
    except TooLongError as error:
        return "hang", _told(error)
    except BaseException as error:
        return "traceback", _told(error)
    return "read", ""


def _told(error: BaseException) -> str:
    """An exception in a few lines: what it says, and the innermost places of this project."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(ROOT)][-4:]
    places = [f"{Path(f.filename).relative_to(ROOT)}:{f.lineno} {f.name}" for f in own]
    inner = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {str(error)[:300]} in {' < '.join([inner, *places[::-1]])}"


def _sentence(text: str) -> tuple[str, str]:
    """Refused, if it is a sentence that a terminal can show."""
    if not text.strip() or "Traceback" in text or len(text) > LONGEST:
        return "traceback", f"no sentence of {len(text)} characters: {text[:300]}"
    if not all(c.isprintable() or c == "\n" for c in text):
        return "traceback", f"not printable: {text[:300]!r}"
    return "refused", text.strip()


@contextlib.contextmanager
def _noise() -> Iterator[list[str]]:
    """What native code writes to the error output meanwhile."""
    found: list[str] = []
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield found
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            if text := held.read().decode(errors="replace").strip():
                found.append(text)
