"""A pool of scoring processes with a time limit per molecule; those that die are replaced."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from gmae_tf.errors import UserError

START_LIMIT = 300.0
"""Seconds in which a process must have imported the objective."""
GIGABYTE = 1e9
PROC = Path("/proc")


class Worker:
    """One process that answers questions in order, each within `time_limit` seconds.

    `ask` blocks in its own thread; another thread calls `stop_if_over`.

    Parameters
    ----------
    memory_limit : resident gigabytes of the process (Linux; its children are not counted).
    """

    def __init__(
        self, objective: dict[str, Any], time_limit: float, memory_limit: float = math.inf
    ) -> None:
        self.objective = objective
        self.time_limit = time_limit
        self.memory_limit = memory_limit
        self._process: subprocess.Popen[str] | None = None
        self._deadline: float | None = None
        self._over = ""
        self._lock = threading.Lock()

    def start(self) -> None:
        """Have a process that is ready; `UserError` if the objective is refused."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        self._over = ""
        path = [place or os.getcwd() for place in sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "molecules.scoring.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            start_new_session=True,  # so that its own children can be ended with it
        )
        self._send([{"objective": self.objective, "time_limit": self.time_limit}], START_LIMIT)
        answer = self._receive(START_LIMIT)
        if "ready" not in answer:
            self.stop()
            why = answer.get("refused") or f"the objective does not start: it {answer['reason']}."
            raise UserError(why)

    def ask(self, task: str, questions: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The answers of `molecules.scoring.worker`; for one that ends the process, the reason.

        All questions are sent at once, so that the process need not wait between them.
        """
        left = list(questions)
        while left:
            self.start()
            self._send([[task, question] for question in left], self.time_limit)
            while left and self._process is not None:
                left.pop(0)
                yield self._receive(self.time_limit)

    def stop_if_over(self) -> None:
        """End the process at its limit of time or memory; its `ask` then goes on with a new one."""
        with self._lock:
            if self._deadline is None:
                return
            if time.monotonic() > self._deadline:
                self._over = "late"
            elif self._resident() > self.memory_limit * GIGABYTE:
                self._over = f"took more than {self.memory_limit:.3g} GB of memory"
            if self._over:
                self.kill()

    def _resident(self) -> int:
        """Bytes of the process in memory; 0 where the system does not say."""
        process = self._process
        try:
            pages = (PROC / str(process.pid if process else 0) / "statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """End the process and its children; safe from any thread."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()

    def stop(self) -> None:
        """End the process and forget it; a later question starts a new one."""
        self.kill()
        process, self._process = self._process, None
        if process is None:
            return
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not yet written has no reader any more
                if pipe is not None:
                    pipe.close()

    def _send(self, messages: Sequence[Any], limit: float) -> None:
        self._set_deadline(limit)
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):  # it died; reading tells how
                self._process.stdin.writelines(json.dumps(each) + "\n" for each in messages)
                self._process.stdin.flush()

    def _receive(self, limit: float) -> dict[str, Any]:
        """The next answer; if there is none in time, the reason, and the process is no more."""
        self._set_deadline(limit)
        process, line = self._process, ""
        if process is not None and process.stdout is not None:
            line = process.stdout.readline()
        over = self._set_deadline(None)
        if line.endswith("\n") and not over:
            return json.loads(line)
        self.stop()
        if over:
            return {"reason": f"took longer than {limit:g} s" if over == "late" else over}
        return {"reason": f"ended its process ({_ending(process.returncode if process else 0)})"}

    def _set_deadline(self, limit: float | None) -> str:
        """Count from now, or no more; why the process has been ended, if it has."""
        with self._lock:
            self._deadline = None if limit is None else time.monotonic() + limit
            return self._over


def ask_all(
    workers: Sequence[Worker],
    task: str,
    questions: Sequence[str],
    chunk: int = 1,
    progress: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """One answer a question, in order; each worker takes the next `chunk` when it is free.

    `progress` is called after each answer, from another thread.
    """
    answers: list[dict[str, Any]] = [{} for _ in questions]
    starts = iter(range(0, len(questions), chunk))  # its next() is atomic: threads may share it
    halt = threading.Event()

    def work(worker: Worker) -> None:
        for start in starts:
            for i, answer in enumerate(worker.ask(task, questions[start : start + chunk]), start):
                answers[i] = answer
                progress()
                if halt.is_set():
                    return

    with ThreadPoolExecutor(len(workers)) as threads:
        running = [threads.submit(work, worker) for worker in workers]
        try:
            _watch(workers, running)
        except BaseException:  # an interruption above all: leave no process behind
            halt.set()
            # Until all have stopped: a thread may be about to start its process.
            while wait(running, timeout=0.05).not_done:
                for worker in workers:
                    worker.kill()
            raise
    return answers


def _watch(workers: Sequence[Worker], running: Sequence[Future[None]]) -> None:
    """Hold the time limits until all threads are done; raises what a thread raises."""
    tick = min(0.05, min(worker.time_limit for worker in workers) / 5)
    while True:
        done, others = wait(running, timeout=tick, return_when=FIRST_EXCEPTION)
        for thread in done:
            thread.result()
        if not others:
            return
        for worker in workers:
            worker.stop_if_over()


def _ending(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"
    except ValueError:
        return f"signal {-code}"
