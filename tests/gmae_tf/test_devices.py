from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import RunCli

SCRIPT = """
import sys
from gmae_tf.command import run_command
from gmae_tf.devices import select_device
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    device: str

run_command(lambda c: print(select_device(c.device)), Config, prog="p", description="d")
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
@pytest.mark.parametrize(
    ("device", "status", "out", "err"),
    [("cpu", 0, "cpu", ""), ("gpu", 2, "", "no GPU was found: install")],
)
def test_a_machine_without_gpus(
    run_cli: RunCli, backend: str, device: str, status: int, out: str, err: str
) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": backend}
    done = run_cli("-c", SCRIPT, "--device", device, env=hidden)
    assert done.returncode == status
    assert done.stdout.strip() == out
    assert err in done.stderr
    assert "Traceback" not in done.stderr


def test_the_cpu_hides_gpus_from_tensorflow_imported_before(run_cli: RunCli) -> None:
    code = f"import tensorflow as tf\n{SCRIPT}\nprint(tf.config.get_visible_devices('GPU'))"
    assert run_cli("-c", code, "--device", "cpu").stdout.split() == ["cpu", "[]"]
