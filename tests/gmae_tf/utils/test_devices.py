from __future__ import annotations

import json
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from gmae_tf.errors import UserError
from gmae_tf.utils.devices import _quiet_stderr, use_devices

if TYPE_CHECKING:
    from conftest import RunCli

SCRIPT = """
import sys
from gmae_tf.utils.cli import run_command
from gmae_tf.utils.devices import select_device
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    device: str

for device in ("cpu", "gpu"):
    run_command(
        lambda c: print(select_device(c.device)), Config, prog="p", description="d",
        argv=["--device", device],
    )
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_machine_without_gpus(run_cli: RunCli, backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": backend}
    done = run_cli("-c", SCRIPT, env=hidden)
    assert (done.returncode, done.stdout) == (2, "cpu\n")  # the CPU is there, a GPU is not
    assert done.stderr.startswith("p: error: no GPU was found: install")
    assert done.stderr.count("\n") == 1  # and nothing of the backend's log


def test_the_log_of_a_start_that_fails_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with _quiet_stderr():
            os.write(2, b"why\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    with _quiet_stderr():
        os.write(2, b"chatter\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "why\nafter\n"


@pytest.mark.jax
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_two_devices_train_as_one_does(tmp_path, run_cli: RunCli) -> None:
    env = {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # to compile takes longer than to compute
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    done = run_cli("-m", "tests.oracles.devices_session", tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["devices"] == 2
    assert results["weights"] < 1e-6
    assert results["losses"] < 1e-6
    assert results["codes"] < 1e-6
    assert "--devices is 3, but JAX finds 2" in results["refused"]


def test_several_devices_need_jax(monkeypatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    use_devices(1)
    with pytest.raises(UserError, match="needs JAX"):
        use_devices(2)
    with pytest.raises(UserError, match="at least one"):
        use_devices(0)
