"""python -m gmae_tf.evaluate RUN: measure and draw how good a trained image model is.

Writes RUN/evaluation.json, RUN/figures/*.png and RUN/report.html.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.models import MODELS
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.evaluation.material import Material
    from gmae_tf.images.features.extractors import Extractor
    from gmae_tf.images.model import ImageAutoencoder

SMALLEST = 100
"""Images below which a distance between sets says nothing."""
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
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    from gmae_tf.images.model import ImageAutoencoder

    model = ImageAutoencoder.load(run)
    data = load_data(model, config.data_dir)
    with progress() as step:
        return _evaluate(config, model, data, step)


def _evaluate(
    config: EvaluateConfig, model: ImageAutoencoder, data: ImageData, step: Progress
) -> dict[str, Any]:
    from gmae_tf.images.evaluation import numbers
    from gmae_tf.images.evaluation.generation import generation
    from gmae_tf.images.evaluation.material import Material
    from gmae_tf.images.evaluation.pictures import pictures
    from gmae_tf.images.report import write_page
    from gmae_tf.utils.files import write_atomic

    notes = []
    if data.dropped:
        notes.append(f"{len(data.dropped)} files were left out, such as {data.dropped[0]}")
    n = _size(config.n, data, notes)
    extractor = _extractor(config, data, notes)
    material = Material.collect(model, data, n, config.seed, step)
    step("clusters")
    clusters = numbers.clusters(material)
    step("codes")
    options = model.details.get("config", {})
    codes = numbers.codes(material, int(options.get("batch_size", 100)))
    step("reconstruction")
    reconstruction = numbers.reconstruction(material)
    results = {
        **_about(config, material),
        "generation": generation(material, extractor, step) if n >= SMALLEST else None,
        "clusters": clusters,
        "latent": codes,
        "reconstruction": reconstruction,
        "notes": notes,
    }
    step("figures")
    made = []
    for picture in pictures(material, clusters, model.details.get("history", []), extractor):
        picture.write(config.run / "figures")
        made.append(picture)
    step("")
    results["seconds"] = {name: round(seconds, 1) for name, seconds in step.seconds.items()}
    text = json.dumps(results, indent=2, allow_nan=False, ensure_ascii=False)
    write_atomic(config.run / "evaluation.json", text + "\n")
    write_page(results, made, config.run / "report.html")
    return results


def load_data(model: ImageAutoencoder, data_dir: Path | None) -> ImageData:
    """The images that the model was trained on, in the same parts.

    Raises
    ------
    UserError: they are not found.
    """
    from gmae_tf.images.datasets import load_images

    options = model.details.get("config")
    if not options:
        raise UserError("model.json does not say which data the model was trained on: train again")
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
    if not run.is_dir():
        raise UserError(
            f"there is no run folder {run}: name the folder that python -m gmae_tf.train wrote"
        )
    record = run / "environment.json"
    if not record.exists():
        return
    try:
        kind = json.loads(record.read_text())["kind"]
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
    return {
        "run": config.run.name,
        "model": {
            "words": _words(material),
            "size": model.size,
            "parameters": int(model.network.count_params()),
            "prior": None if material.prior is None else material.prior.get_config(),
        },
        "data": {
            "name": data.name,
            "source": data.source,
            "train": len(data.train),
            "validation": len(data.validation),
            "test": len(data.test),
            "side": data.side,
            "channels": data.channels,
            "class_names": data.class_names,
        },
        "seed": config.seed,
        "command": command_line(config),
        "options": model.details.get("config", {}),
        "environment": {**facts, **versions},
    }


def command_line(config: EvaluateConfig) -> str:
    """How to evaluate in the same way again."""
    flags = {"--n": config.n, "--seed": config.seed}
    paths = {"--inception": config.inception, "--classifier": config.classifier}
    given = {flag: shlex.quote(str(path)) for flag, path in paths.items() if path is not None}
    words = " ".join(f"{flag} {value}" for flag, value in {**flags, **given}.items())
    return f"python -m gmae_tf.evaluate {shlex.quote(str(config.run))} {words}"


def _words(material: Material) -> str:
    recipe = material.model.network.recipe
    if recipe is not None and recipe.model not in ("ae", "gmae", "gmae-unimodal"):
        return MODELS[recipe.model].title
    if material.prior is None:
        return "Autoencoder"
    k = material.prior.n_components
    return (
        f"Autoencoder with a mixture of {k} Gaussians"
        if k > 1
        else "Autoencoder with a Gaussian prior"
    )


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


@contextmanager
def progress() -> Iterator[Progress]:
    """A line on the terminal that names the running step."""
    with console().status("evaluating") as status:
        yield Progress(lambda name: status.update(f"evaluating: {name}"))


def with_flag(arguments: Sequence[str]) -> list[str]:
    """`RUN --n 100` as `--run RUN --n 100`."""
    if arguments and not arguments[0].startswith("-"):
        return ["--run", *arguments]
    return list(arguments)


def _command(config: EvaluateConfig) -> None:
    evaluate(config)


def main() -> None:
    """The command."""
    run_command(
        _command,
        EvaluateConfig,
        prog="python -m gmae_tf.evaluate",
        description="Measure and draw how good a trained image model is: evaluate RUN.",
        argv=with_flag(sys.argv[1:]),
    )


if __name__ == "__main__":
    main()
