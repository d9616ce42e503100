"""Ctrl-C (SIGINT) and SIGTERM: a command ends with one sentence, whatever it is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
"""Exit statuses, 128 and the number of the signal, as shells have them."""
PATIENCE = 10.0
"""Seconds in which a command must have ended after a signal."""
AGAIN = 0.05
"""Seconds after which a signal that a `__del__` has swallowed comes again."""


class Interrupted(KeyboardInterrupt):
    """A signal has ended a command; `status` is the exit status for it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


@contextmanager
def interruptible(last_words: str) -> Iterator[None]:
    """SIGINT and SIGTERM end the block by `Interrupted`, once, whatever comes of it inside.

    Libraries turn a KeyboardInterrupt that hits them into errors of their own (TensorFlow's
    "Concurrent access?"), so any exception after a signal counts as the signal.  Python swallows
    one that hits a `__del__`, after which it comes again; what else it swallows after a signal, to
    the end of the process, is not printed.  A process that has not ended `PATIENCE` seconds later,
    or gets a second signal, prints `last_words` and ends where it stands.  Signals that this
    process ignores, as those of a shell's background job do, stay ignored.
    """
    arrived: list[int] = []
    swallowed: list[int] = []
    timers: list[threading.Timer] = []

    def later(seconds: float, function: Callable[..., Any], *arguments: Any) -> None:
        timers.append(threading.Timer(seconds, function, arguments))
        timers[-1].daemon = True
        timers[-1].start()

    def stop(number: int, _: FrameType | None) -> None:
        if swallowed:
            swallowed.clear()
        elif arrived:
            end_at_once(last_words, number)
        else:
            arrived.append(number)
            later(PATIENCE, end_at_once, last_words, number)
        raise KeyboardInterrupt

    def hear(unraisable: Any) -> None:
        if arrived and isinstance(unraisable.exc_value, KeyboardInterrupt):
            swallowed.append(arrived[0])
            later(AGAIN, os.kill, os.getpid(), arrived[0])
        elif not arrived:
            hook(unraisable)

    before, hook = _handle(stop), sys.unraisablehook
    sys.unraisablehook = hear
    try:
        yield
    except BaseException as error:
        if isinstance(error, Interrupted) and not arrived:
            raise  # of a child process
        if arrived or isinstance(error, KeyboardInterrupt):
            raise Interrupted(STATUS[signal.Signals((*arrived, signal.SIGINT)[0])]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        # Objects that the signal left half made complain when they are freed, until the very end.
        if sys.unraisablehook is hear:  # else a block inside this one ended by a signal
            sys.unraisablehook = _ignore if arrived else hook
        for timer in timers:
            timer.cancel()


def raise_if_interrupted(returncode: int) -> None:
    """`Interrupted` if this is the exit status of a process that SIGINT or SIGTERM has ended.

    It may have caught the signal (130, 143) or died of it (the number, negative, as `subprocess`
    has it).
    """
    for number, status in STATUS.items():
        if returncode in (status, -number):
            raise Interrupted(status)


def quiet_start() -> None:
    """Before and after a command of `python -m`, a signal ends the process with one word.

    Packages call it when they are imported.  In any other process, such as a notebook, nothing is
    changed.
    """
    if sys.argv[:1] == ["-m"]:  # so it is until the module is found
        _handle(lambda number, _: end_at_once("stopped.", number))


def end_at_once(last_words: str, number: int) -> None:
    """End this process with a sentence and the status of a signal; nothing is cleaned up."""
    with suppress(Exception):
        os.write(2, f"{last_words}\n".encode())
    os._exit(STATUS[signal.Signals(number)])


def _ignore(_: Any) -> None:
    """Say nothing of an exception that Python cannot raise."""


def _handle(handler: Any) -> dict[int, Any]:
    """Set the handler of the signals that are not ignored; returns what was there before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = [s for s in STATUS if signal.getsignal(s) not in (signal.SIG_IGN, None)]
    return {s: signal.signal(s, handler) for s in heard}
