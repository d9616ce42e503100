"""Searches of `python -m bayesopt.run`, each in a process of its own, as users start them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from experiments.runner import child_environment
from gmae_tf.errors import UserError
from gmae_tf.utils.interrupts import raise_if_interrupted


def run_search(out: Path, *arguments: object) -> dict[str, Any]:
    """Run or continue a search in the folder `out`, and return its results.json.

    Raises
    ------
    UserError: the command failed; it has said why.
    Interrupted: it was stopped by Ctrl-C or SIGTERM.
    """
    command = [sys.executable, "-m", "bayesopt.run", *arguments, "--out", out]
    status = subprocess.run(
        [str(part) for part in command], check=False, env=child_environment()
    ).returncode
    raise_if_interrupted(status)
    if status:
        raise UserError(f"the search in {out} ended with status {status}")
    results: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return results
