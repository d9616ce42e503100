"""The process that scores molecules, `python -m molecules.scoring.worker`, over JSON lines.

The first line is `{"objective": ..., "time_limit": seconds}`, answered by `{"ready": true}` or
`{"refused": sentence}`.  Each later line `[task, SMILES]`, of the task "canonical" or "score", is
answered by `{"value": ...}` or `{"reason": sentence}`.  A process of its own, and no fork, because
TensorFlow in the parent does not survive a fork; and because nothing else can stop a computation
in C++ that hangs.
"""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import Any

from rdkit import rdBase

from gmae_tf.errors import UserError
from molecules.chem.properties import canonical
from molecules.scoring.objective import Objective

LONGEST_REASON = 300


def main() -> None:
    """Answer lines until there are no more, or nobody is left to read the answers."""
    lines, answers = _private_channels()
    try:
        _work(lines, answers)
    except BrokenPipeError:  # the parent was killed
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())  # Python writes once more


def _work(lines: TextIOWrapper, answers: TextIOWrapper) -> None:
    silence = rdBase.BlockLogs()
    setup = json.loads(lines.readline())
    objective = Objective.from_json(setup["objective"])
    try:
        score = objective.resolve()
        if not objective.is_function:
            score("C")  # loads tables, which is not to count against the first molecule
    except UserError as error:
        _answer(answers, {"refused": str(error)})
        return
    _answer(answers, {"ready": True})
    tasks = {"canonical": canonical, "score": lambda smiles: finite(score(smiles))}
    for line in lines:
        _arm(2 * setup["time_limit"] + 10)
        _answer(answers, _evaluated(tasks, *json.loads(line)))
        _arm(0)
    del silence


def finite(value: Any) -> float:
    """A value as a float; `ValueError` if it is not a finite number."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"the value is {number}")
    return number


def _evaluated(tasks: Mapping[str, Callable[[str], Any]], task: str, smiles: str) -> dict[str, Any]:
    try:
        return {"value": tasks[task](smiles)}
    except UserError as error:
        return {"reason": str(error)[:LONGEST_REASON]}
    except (Exception, SystemExit) as error:  # whatever the function does, the others go on
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return {"reason": text[:LONGEST_REASON]}


def _private_channels() -> tuple[TextIOWrapper, TextIOWrapper]:
    """The two pipes under new numbers; what a function prints goes to the error output."""
    lines = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return lines, answers


def _answer(answers: TextIOWrapper, message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _arm(seconds: float) -> None:
    """End this process by the system's alarm, should the parent have died and left it hanging."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
