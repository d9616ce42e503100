"""python -m gmae_tf.evaluate RUN: measure and draw how good a trained image model is.

Writes RUN/evaluation.json, RUN/figures/*.png and RUN/report.html.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.images.options import SMALLEST
from gmae_tf.models import MODELS
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.evaluation.material import Material
    from gmae_tf.images.features.extractors import Extractor
    from gmae_tf.images.model import ImageAutoencoder

REQUESTED = "gmae_tf.train"


@dataclass(frozen=True)
class EvaluateConfig:
    """Options of `python -m gmae_tf.evaluate`."""

    run: Path
    """Folder of a finished gmae_tf.train; may also stand first, without --run."""
    n: int = 10_000
    """Images of each set, at most as many as there are test, validation and training images."""
    inception: Path | None = None
    """pytorch-fid's weights file of Inception, for the usual FID."""
    classifier: Path | None = None
    """Folder of gmae_tf.images.features.classifier; by default that of the data set."""
    data_dir: Path | None = None
    """Folder with downloaded data; that of the training or GMAE_DATA_DIR by default."""
    seed: int = 0
    """Seed of samples and of the choice of images."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Evaluate, print the tables and say where the page is; returns what evaluation.json holds."""
    lock_run(config.run)
    from gmae_tf.images.report import print_results

    results = evaluate_run(config.run, config)
    screen = console()
    print_results(results, screen)
    screen.print(f"\npage: {config.run / 'report.html'}", soft_wrap=True)
    return results


def evaluate_run(run: Path, config: EvaluateConfig | None = None) -> dict[str, Any]:
    """Evaluate the model in a run folder; writes numbers, figures and the page there.

    Raises
    ------
    UserError: `run` is no finished run of gmae_tf.train, its data are not found, or n < 100.
    """
    config = replace(config, run=run) if config is not None else EvaluateConfig(run)
    if config.n < SMALLEST:
        raise UserError(f"--n is {config.n}: compare at least {SMALLEST} images with the test set")
    _check_run(run)
    data = load_data(_details(run), config.data_dir)  # before the backend starts
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    from gmae_tf.images.model import ImageAutoencoder

    model = ImageAutoencoder.load(run)
    with console().status("evaluating") as status:
        step = Progress(lambda name: status.update(f"evaluating: {name}"))
        return _evaluate(config, model, data, step)


def _evaluate(
    config: EvaluateConfig, model: ImageAutoencoder, data: ImageData, step: Progress
) -> dict[str, Any]:
    from gmae_tf.images.evaluation import numbers
    from gmae_tf.images.evaluation.material import Material
    from gmae_tf.images.evaluation.pictures import pictures
    from gmae_tf.images.report import write_page
    from gmae_tf.utils.json import write_json

    notes = []
    if data.dropped:
        notes.append(f"{len(data.dropped)} files were left out, such as {data.dropped[0]}")
    n = _size(config.n, data, notes)
    extractor = _extractor(config, data, notes)
    material = Material.collect(model, data, n, config.seed, step)
    batch_size = int(model.details.get("config", {}).get("batch_size", 100))
    measured = numbers.measure_material(material, extractor, batch_size, step)
    results = {**_about(config, material), **measured, "notes": notes}
    step("figures")
    history = model.details.get("history", [])
    made = list(pictures(material, results["clusters"], history, extractor))
    for picture in made:
        picture.write(config.run / "figures")
    step("")
    results["seconds"] = {name: round(seconds, 1) for name, seconds in step.seconds.items()}
    write_json(config.run / "evaluation.json", results)
    write_page(results, made, config.run / "report.html")
    return results


def _details(run: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((run / "model.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{run} does not hold a trained image model: name a folder in which gmae_tf.train has "
            "finished"
        ) from error


def load_data(details: Mapping[str, Any], data_dir: Path | None) -> ImageData:
    """The images that a model with such `details` was trained on, in the same parts.

    Raises
    ------
    UserError: they are not found.
    """
    from gmae_tf.images.datasets import load_images

    options = details.get("config")
    if not options:  # a model that was fitted to an array
        raise UserError(
            "model.json does not name the data of the training: evaluate a model of gmae_tf.train, "
            "or use gmae_tf.images.evaluation.measure"
        )
    try:
        return load_images(
            options["dataset"],
            data_dir=data_dir or options.get("data_dir"),
            side=options.get("side"),
            channels=options.get("channels"),
            n=options.get("n_data"),
            classes=options.get("classes"),
            seed=options.get("seed", 0),
        )
    except UserError as error:
        raise UserError(f"the data of this run cannot be read again: {error}") from error


def _check_run(run: Path) -> None:
    """Refuse what is no run of the training; a folder with a model alone is fine."""
    record = run / "environment.json"
    if not run.is_dir():
        raise UserError(
            f"there is no run folder {run}: name the folder that python -m gmae_tf.train wrote"
        )
    try:
        kind = json.loads(record.read_text())["kind"] if record.exists() else REQUESTED
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{record} is damaged ({error}): train again in another folder") from error
    if kind != REQUESTED:
        raise UserError(f"{run} holds a run of {kind}, not of {REQUESTED}: name another folder")


def _size(n: int, data: ImageData, notes: list[str]) -> int:
    """n, or what the smallest part of the data allows: sets of different sizes do not compare."""
    parts = {"test": data.test, "validation": data.validation, "training": data.train}
    name = min(parts, key=lambda part: len(parts[part]))
    most = len(parts[name])
    if most < SMALLEST:
        notes.append(
            f"Generated images were not compared with test images: there are only {most} {name} "
            f"images, and fewer than {SMALLEST} say nothing."
        )
    elif n > most:
        notes.append(f"Each set has {most:,} images, not {n:,}: there are no more {name} images.")
    return min(n, most)


def _extractor(config: EvaluateConfig, data: ImageData, notes: list[str]) -> Extractor | None:
    """What turns images into features; without one only pixels are compared, and a note says why.

    Raises
    ------
    UserError: what was asked for by name cannot be used.
    """
    from gmae_tf.images.features.extractors import make_extractor

    labelled = data.test_labels is not None
    try:
        extractor = make_extractor(data.name, labelled, config.inception, config.classifier)
        if extractor is not None:
            extractor(data.test[:2])  # images of another shape are refused now, not in an hour
    except UserError as error:
        if config.inception or config.classifier:
            raise
        notes.append(f"Images were compared by their pixels only: {error}.")
        return None
    if extractor is None:
        notes.append(
            "Images were compared by their pixels only: the data set has no labels, so there is no "
            "classifier whose features could be used; --inception or --classifier names one."
        )
    return extractor


def _about(config: EvaluateConfig, material: Material) -> dict[str, Any]:
    """What was evaluated, on what, and how to do it again."""
    from gmae_tf.utils.run_dir import environment

    model, data = material.model, material.data
    facts = environment()
    versions = facts.pop("versions")
    parts = {name: len(getattr(data, name)) for name in ("train", "validation", "test")}
    about = ("name", "source", "side", "channels", "class_names")
    return {
        "run": config.run.name,
        "model": {
            "words": _words(material),
            "size": model.size,
            "parameters": int(model.network.count_params()),
            "prior": None if material.prior is None else material.prior.get_config(),
        },
        "data": {**{name: getattr(data, name) for name in about}, **parts},
        "seed": config.seed,
        "command": command_line(config),
        "options": model.details.get("config", {}),
        "environment": {**facts, **versions},
    }


def command_line(config: EvaluateConfig) -> str:
    """How to evaluate in the same way again."""
    given = {name: getattr(config, name) for name in ("n", "seed", "inception", "classifier")}
    words = [f"--{name} {shlex.quote(str(v))}" for name, v in given.items() if v is not None]
    return " ".join(["python -m gmae_tf.evaluate", shlex.quote(str(config.run)), *words])


def _words(material: Material) -> str:
    recipe = material.model.network.recipe
    if recipe is not None and recipe.model not in ("ae", "gmae", "gmae-unimodal"):
        return MODELS[recipe.model].title
    if material.prior is None:
        return "Autoencoder"
    k = material.prior.n_components
    mixture = f"mixture of {k} Gaussians" if k > 1 else "Gaussian prior"
    return f"Autoencoder with a {mixture}"


class Progress:
    """Called with the name of each step as it begins; `seconds` says what each took."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show = show
        self.seconds: dict[str, float] = {}
        self._name, self._since = "", perf_counter()

    def __call__(self, name: str) -> None:
        """The step before has ended."""
        now = perf_counter()
        if self._name:
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = name, now
        self.show(name)


def with_flag(arguments: Sequence[str], flag: str = "--run") -> list[str]:
    """`RUN --n 100` as `--run RUN --n 100`."""
    first = arguments and not arguments[0].startswith("-")
    return [flag, *arguments] if first else list(arguments)


def main() -> None:
    """The command."""
    run_command(
        evaluate,
        EvaluateConfig,
        prog="python -m gmae_tf.evaluate",
        description="Measure and draw how good a trained image model is: evaluate RUN.",
        argv=with_flag(sys.argv[1:]),
        continues=False,
    )


if __name__ == "__main__":
    main()
