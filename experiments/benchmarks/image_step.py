"""Training steps of the image networks in this project and in PyTorch, side by side.

    python -m experiments.benchmarks.image_step --torch-python TORCH/bin/python [--out FILE]

The same network, losses, optimiser and data: batches of 100 images of 32 x 32, the networks of
`gmae_tf.images.networks`, mean squared error with the KS and covariance terms (10 one-hot
components in 10 dimensions), Adam; from uint8 images in memory to updated weights.  This project
runs in `model.fit` (`image_step_keras.py`), the model in PyTorch in a plain training loop
(`image_step_torch.py`).  Every framework has a process of its own; they take turns, a few steps
each, while the others wait.  A framework that is missing or fails is reported and left out.  The
ratio is images a second over those of PyTorch without torch.compile; the bar is 1.0.  Where other
programs share the machine, the time of the processors says more than the clock, best on one core
(`taskset -c 0`).

PyTorch is no dependency of the project: `python -m venv TORCH` and `TORCH/bin/pip install torch
numpy` make an environment for --torch-python.  torch.compile needs a C++ compiler besides.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import IO, Any

import numpy as np

from experiments.benchmarks.record import parser_of, record
from experiments.benchmarks.turns import MISSING
from experiments.runner import child_environment

OURS = ("tensorflow", "tensorflow-xla", "jax")
TORCH = ("torch", "torch-channels-last", "torch-compile")
REFERENCE = "torch"
NO_TORCH = (
    "PyTorch is missing: run `python -m venv TORCH && TORCH/bin/pip install torch numpy` and give "
    "--torch-python TORCH/bin/python."
)


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    workers: dict[str, Worker] = {}
    left_out: dict[str, str] = {}
    try:
        for name in options.frameworks:
            worker = workers[name] = Worker(name, options)
            if reason := worker.prepare():
                print(f"{name} is left out: {reason}", file=sys.stderr)
                left_out[name] = reason
                workers.pop(name).stop()
        if not workers:
            sys.exit("there is no framework to measure")
        times = measure(workers, options.repeats, options.steps)
    finally:
        for worker in workers.values():
            worker.stop()
    parameters = {worker.about["parameters"] for worker in workers.values()}
    if len(parameters) > 1:
        sys.exit(f"the networks differ: {parameters} parameters")
    _print(
        record(
            "image_step",
            options,
            size=options.size,
            batch_size=options.batch_size,
            parameters=parameters.pop(),
            repeats=options.repeats,
            steps=options.steps,
            frameworks=_rows(options, workers, times),
            left_out=left_out,
            bar=1.0,
        )
    )


class Worker:
    """One framework in a process of its own, which takes steps when it is told to."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name = name
        self.about: dict[str, Any] = {}
        python = options.torch_python if name in TORCH else sys.executable
        kind = "torch" if name in TORCH else "keras"
        told = {"name": name, "size": options.size}
        told |= {"batch_size": options.batch_size, "seed": options.seed}
        backend = "jax" if name == "jax" else "tensorflow"
        self.process = subprocess.Popen(
            [python, "-m", f"experiments.benchmarks.image_step_{kind}", json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"TF_CPP_MIN_LOG_LEVEL": "2", **child_environment(KERAS_BACKEND=backend)},
        )

    def prepare(self) -> str:
        """Wait until it has compiled; a sentence if it cannot be measured, else nothing."""
        self.about = self._answer()
        if "error" not in self.about:
            return ""
        if self.process.wait() == MISSING and self.name in TORCH:
            return NO_TORCH
        return str(self.about["error"])

    def seconds(self, steps: int) -> tuple[float, float]:
        """Time that so many training steps take, by the clock and of all processors."""
        stdin: IO[str] = self.process.stdin  # type: ignore[assignment]
        stdin.write(f"{steps}\n")
        stdin.flush()
        answer = self._answer()
        if "error" in answer:
            sys.exit(f"{self.name} failed: {answer['error']}")
        return float(answer["seconds"]), float(answer["cpu_seconds"])

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if line:
            return dict(json.loads(line))
        return {"error": f"its process ended with status {self.process.wait()}"}


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


def _rows(
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
    return rows


def _print(results: dict[str, Any]) -> None:
    print(f"{results['size']}, {results['parameters']:,} parameters, {results['machine']}")
    print(f"{'':22}{'ms a step':>10}{'CPU ms':>10}{'images/s':>10}{'ratio':>8}{'of CPU':>8}")
    for name, row in results["frameworks"].items():
        ratios = f"{row['ratio']:8.2f}{row['cpu_ratio']:8.2f}" if "ratio" in row else ""
        numbers = f"{row['step_ms']:10.1f}{row['cpu_ms']:10.1f}{row['images_per_second']:10.0f}"
        print(f"{name:22}{numbers}{ratios}")


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--size", choices=("paper", "small"), default="paper")
    parser.add_argument("--frameworks", nargs="+", choices=(*OURS, *TORCH), default=(*OURS, *TORCH))
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--steps", type=int, default=5, help="steps of a repeat")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
