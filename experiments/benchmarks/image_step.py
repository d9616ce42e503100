"""Training steps of the image networks in this project and in PyTorch, side by side.

    python -m experiments.benchmarks.image_step --torch-python TORCH/bin/python [--size paper] [--out FILE]

The same network, losses, optimiser and data: batches of 100 images of 32 x 32, the networks of
`gmae_tf.images.networks`, mean squared error with the KS and covariance terms (10 one-hot components
in 10 dimensions), Adam; from uint8 images in memory to updated weights.  This project runs in
`model.fit`, the model in PyTorch (`pytorch/image_model.py`) in a plain training loop.  Every
framework has a process of its own; they take turns, a few steps each, while the others wait.  The
ratio is images a second over those of PyTorch without torch.compile; the bar is 1.0.  Where other
programs share the machine, the time of the processors says more than the clock, best on one core
(`taskset -c 0`).

PyTorch is no dependency of the project: `python -m venv TORCH` and `TORCH/bin/pip install torch
numpy` make an environment for --torch-python.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
OURS = ("tensorflow", "tensorflow-xla", "jax")
TORCH = ("torch", "torch-channels-last", "torch-compile")
REFERENCE = "torch"
NO_TORCH = (
    "PyTorch is missing: run `python -m venv TORCH && TORCH/bin/pip install torch numpy` and give "
    "--torch-python TORCH/bin/python."
)
DIM = COMPONENTS = 10
RATE, WEIGHT = 2e-4, 2000.0
IMAGES = 2000
MISSING = 3  # exit status of a worker without its framework


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    if options.worker:
        _serve(options)
        return
    workers: dict[str, Worker] = {}
    for name in options.frameworks:
        worker = Worker(name, options)
        if worker.ready():
            workers[name] = worker
    try:
        times = measure(workers, options.repeats, options.steps)
    finally:
        for worker in workers.values():
            worker.stop()
    parameters = {worker.about["parameters"] for worker in workers.values()}
    if len(parameters) > 1:
        raise SystemExit(f"the networks differ: {parameters} parameters")
    results = _results(options, workers, times)
    _print(results)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(results, indent=2) + "\n")


class Worker:
    """One framework in a process of its own, which takes steps when it is told to."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name = name
        self.about: dict[str, Any] = {}
        python = options.torch_python if name in TORCH else sys.executable
        command = [python, __file__, "--worker", name, "--size", options.size]
        command += ["--batch-size", str(options.batch_size), "--seed", str(options.seed)]
        backend = {"KERAS_BACKEND": "jax" if name == "jax" else "tensorflow"}
        env = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, **backend, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def ready(self) -> bool:
        """Wait until it has compiled; False, with a sentence, when its framework is missing."""
        line = self._answer()
        if line is None:
            status = self.process.wait()
            print(NO_TORCH if self.name in TORCH else f"{self.name} is missing.", file=sys.stderr)
            if status != MISSING:
                raise SystemExit(f"{self.name} failed with status {status}.")
            return False
        self.about = line
        return True

    def seconds(self, steps: int) -> tuple[float, float]:
        """Time that so many training steps take, by the clock and of all processors."""
        self._send(f"{steps}\n")
        answer = self._answer()
        if answer is None:
            raise SystemExit(f"{self.name} died.")
        return float(answer["seconds"]), float(answer["cpu_seconds"])

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    def _send(self, text: str) -> None:
        stdin: IO[str] = self.process.stdin  # type: ignore[assignment]
        stdin.write(text)
        stdin.flush()

    def _answer(self) -> Any:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        return json.loads(line) if line else None


def measure(workers: dict[str, Worker], repeats: int, steps: int) -> dict[str, Any]:
    """Seconds a step by the clock and of processors, of every repeat: name -> [repeats, 2]."""
    times: dict[str, Any] = {name: [] for name in workers}
    for repeat in range(repeats + 1):
        # Every other time in the opposite order, so that a drifting machine favours none.
        for name in list(workers) if repeat % 2 else reversed(workers):
            seconds = np.array(workers[name].seconds(steps)) / steps
            if repeat:  # the first turn warms up
                times[name].append(seconds)
    return {name: np.array(values) for name, values in times.items()}


def _results(
    options: argparse.Namespace, workers: dict[str, Worker], times: dict[str, Any]
) -> dict[str, Any]:
    rows = {}
    for name, values in times.items():
        clock, processors = np.median(values, axis=0)
        row: dict[str, Any] = {
            "step_ms": 1e3 * clock,
            "cpu_ms": 1e3 * processors,
            "images_per_second": options.batch_size / clock,
        }
        if REFERENCE in times:
            paired = times[REFERENCE] / values
            row["ratio"], row["cpu_ratio"] = np.median(paired, axis=0).tolist()
            row["ratio_range"] = [paired[:, 0].min(), paired[:, 0].max()]
        rows[name] = {**row, **{k: workers[name].about[k] for k in ("versions", "device")}}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "benchmark": "image_step",
        "size": options.size,
        "batch_size": options.batch_size,
        "parameters": next(iter(workers.values())).about["parameters"] if workers else None,
        "repeats": options.repeats,
        "steps": options.steps,
        "frameworks": rows,
        "bar": 1.0,
        "machine": f"{_processor()}, {cores} cores",
        "python": platform.python_version(),
    }


def _print(results: dict[str, Any]) -> None:
    print(f"{results['size']}, {results['parameters']:,} parameters, {results['machine']}")
    print(f"{'':22}{'ms a step':>10}{'CPU ms':>10}{'images/s':>10}{'ratio':>8}{'of CPU':>8}")
    for name, row in results["frameworks"].items():
        ratios = f"{row['ratio']:8.2f}{row['cpu_ratio']:8.2f}" if "ratio" in row else ""
        numbers = f"{row['step_ms']:10.1f}{row['cpu_ms']:10.1f}{row['images_per_second']:10.0f}"
        print(f"{name:22}{numbers}{ratios}")


def _serve(options: argparse.Namespace) -> None:
    """The worker: prepare, say so, then take as many steps as each line of stdin says."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to stderr

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        prepare = _torch_steps if options.worker in TORCH else _keras_steps
        prepare(options, answer)
    except ImportError:
        raise SystemExit(MISSING) from None


def _images(options: argparse.Namespace) -> Any:
    rng = np.random.default_rng(options.seed)
    return rng.integers(0, 256, (IMAGES, 32, 32, 1), dtype=np.uint8)


class Turns:
    """Counts steps; between turns it waits for the next line of stdin."""

    def __init__(self, answer: Callable[..., None], about: dict[str, Any], warm_up: int = 3):
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


def _keras_steps(options: argparse.Namespace, answer: Callable[..., None]) -> None:
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images.networks import image_networks
    from gmae_tf.losses import MeanSquaredError
    from gmae_tf.penalties import GaussianMixturePenalty
    from gmae_tf.prior import GaussianMixture
    from gmae_tf.training.batches import ImageBatches
    from gmae_tf.utils.run_dir import versions

    keras.utils.set_random_seed(options.seed)
    penalty = GaussianMixturePenalty(GaussianMixture.one_hot(COMPONENTS, DIM))
    networks = image_networks(32, 1, DIM, options.size)
    model = Autoencoder(*networks, MeanSquaredError(), WEIGHT, penalty)
    # As gmae_tf.training.fit.fit compiles it.
    model.compile(keras.optimizers.Adam(RATE), jit_compile=options.worker != "tensorflow")
    about = {
        "parameters": sum(math.prod(v.shape) for v in model.trainable_variables),
        "versions": versions(("keras", "jax" if options.worker == "jax" else "tensorflow")),
        "device": _keras_device(),
    }
    turns = Turns(answer, about)

    class TakeTurns(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            turns.step(lambda: float(logs["loss"]))

    batches = ImageBatches(_images(options), options.batch_size, options.seed)
    model.fit(batches.feed(), shuffle=False, epochs=10**6, verbose=0, callbacks=[TakeTurns()])


def _keras_device() -> str:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].platform)
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def _torch_steps(options: argparse.Namespace, answer: Callable[..., None]) -> None:
    import torch

    from experiments.benchmarks.pytorch.image_model import networks, penalty_of

    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder, decoder = (part.to(device) for part in networks(options.size, DIM))
    layout = {"memory_format": torch.channels_last} if "channels" in options.worker else {}
    if layout:
        encoder, decoder = encoder.to(**layout), decoder.to(**layout)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    penalty = penalty_of(options.batch_size, COMPONENTS, DIM, device)

    def loss_of(x: Any) -> Any:
        z = encoder(x)
        return WEIGHT * torch.nn.functional.mse_loss(decoder(z), x) + penalty(z)

    if options.worker == "torch-compile":
        loss_of = torch.compile(loss_of)
    about = {
        "parameters": sum(p.numel() for p in parameters),
        "versions": {"torch": torch.__version__},
        "device": "gpu" if device == "cuda" else "cpu",
    }
    turns = Turns(answer, about)
    images = np.ascontiguousarray(_images(options).transpose(0, 3, 1, 2))
    rng = np.random.default_rng(options.seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order), options.batch_size):
            rows = images[order[start : start + options.batch_size]]
            x = torch.from_numpy(rows).to(device).float().div(255)
            optimizer.zero_grad()
            loss = loss_of(x.to(**layout) if layout else x)
            loss.backward()
            optimizer.step()
            turns.step(loss.item)


def _processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.machine()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=("paper", "small"), default="paper")
    parser.add_argument("--frameworks", nargs="+", choices=(*OURS, *TORCH), default=(*OURS, *TORCH))
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--steps", type=int, default=5, help="steps of a repeat")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--worker", choices=(*OURS, *TORCH), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
