"""Run folders: what was run, with which options, on what, and whether it continues.

A run folder holds `config.yaml` (the options; a valid `--config` file), `environment.json`
(versions and machine of every start) and whatever the command itself writes.
"""

from __future__ import annotations

import json
import os
import platform
import reprlib
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import UNREADABLE
from gmae_tf.utils.files import make_folder, write_atomic
from gmae_tf.utils.json import to_json, write_json
from gmae_tf.utils.locks import lock_folder
from gmae_tf.utils.option_files import read_options

PACKAGES = (
    "gmae-tf",
    "numpy",
    "scipy",
    "scikit-learn",
    "h5py",
    "keras",
    "tensorflow",
    "tensorflow-probability",
    "gpflow",
    "jax",
    "rdkit",
)
# Where a run lives and which file its options came from say nothing about what it computes.
ALWAYS_FREE = ("out", "config")


@dataclass(frozen=True)
class Run:
    """An open run folder: its `path`, and whether it `continued` an older start."""

    path: Path
    continued: bool


def open_run(
    out: str | Path, config: Mapping[str, Any], kind: str, *, may_change: Collection[str] = ()
) -> Run:
    """Create the run folder `out`, or continue the run that it holds.

    Until this process ends, no other may open it.

    Parameters
    ----------
    config : the options of the command, by name.
    kind : the command, such as "bayesopt.run".
    may_change : options that a continuation may give another value (a budget, say); `out` and
        `config` always may.

    Raises
    ------
    UserError: `out` is a file, is not writable, holds a different or damaged run, or is in use by
        another process.
    """
    folder = make_folder(out)
    lock_folder(folder)
    options = to_json(config)
    starts: list[dict[str, Any]] = []
    continued = (folder / "config.yaml").exists()
    if continued:
        older, starts = _read_run(folder, kind)
        _refuse_other(folder, older, options, {*may_change, *ALWAYS_FREE})
    record = {"kind": kind, "starts": [*starts, environment()]}
    # config.yaml goes last: a folder is a run only once everything else is in it.
    write_json(folder / "environment.json", record)
    write_atomic(folder / "config.yaml", yaml.safe_dump(options, sort_keys=False))
    return Run(path=folder, continued=continued)


def environment() -> dict[str, Any]:
    """Versions, machine, devices, commit and UTC time, ready for JSON."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv else [],
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "devices": _devices(),
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "commit": _commit(),
        "versions": versions(),
    }


def versions(packages: Collection[str] = PACKAGES) -> dict[str, str]:
    """Installed versions by package name; packages that are absent are left out."""
    found = {}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _read_run(folder: Path, kind: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        older = read_options(folder / "config.yaml")
        record = json.loads((folder / "environment.json").read_bytes())
        older_kind, starts = record["kind"], list(record["starts"])
    except UNREADABLE as error:
        raise UserError(
            f"{folder} holds a config.yaml that is not of a readable run: choose another folder."
        ) from error
    if older_kind != kind:
        raise UserError(
            f"{folder} holds a run of {older_kind}, not of {kind}: choose another folder."
        )
    return older, starts


def _refuse_other(
    folder: Path, older: Mapping[str, Any], options: Mapping[str, Any], free: Collection[str]
) -> None:
    changed = [
        f"{key} was {reprlib.repr(older.get(key))} and is now {reprlib.repr(options.get(key))}"
        for key in dict.fromkeys([*older, *options])
        if key not in free and older.get(key) != options.get(key)
    ]
    if changed:
        raise UserError(
            f"{folder} holds a different run ({', '.join(changed)}): "
            "choose another folder, or repeat its options to continue it."
        )


def _devices() -> list[str] | None:
    """Devices of an already imported TensorFlow; importing it here would cost seconds."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return None
    return [f"{d.device_type}:{d.name}" for d in tensorflow.config.list_logical_devices()]


def _commit() -> str | None:
    """The git commit of the source checkout, marked if files were changed since."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        return _git(root, "rev-parse", "HEAD") + (
            " (with changes)" if _git(root, "status", "--porcelain", "-uno") else ""
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)
    return done.stdout.strip()
