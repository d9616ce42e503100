"""python -m grammar.evaluate RUN: quality of a trained model's latent space of strings.

Writes evaluation.json, report.html and figures/*.png.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.evaluate import with_flag
from gmae_tf.utils.bundle import UNREADABLE, first_line, read_description
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.files import make_folder
from gmae_tf.utils.json import write_json
from gmae_tf.utils.locks import lock_folder
from gmae_tf.utils.rows import EVALUATION_DROPPED, RowReport, tell_rows

if TYPE_CHECKING:
    from gmae_tf.utils.report import Page, Section
    from grammar.autoencoder.model import GrammarAutoencoder

FEWEST = 20
"""Samples below which nothing is measured."""
TRAINED_ON = ("grammar", "data", "n_data", "data_dir", "exclude_better_than", "max_length", "seed")
"""Options of the training that say what was held out."""


@dataclass(frozen=True)
class EvaluateConfig:
    """Options of `python -m grammar.evaluate`."""

    run: Path
    """Folder of grammar.train, or expressions; may also stand first, without --run."""
    n: int = 10_000
    """Prior samples; a tenth as many midpoints and codes with noise, and at most half as many
    held-out strings."""
    data: str | None = None
    """official, generated or a text file, of which the strings are used that were not trained on;
    by default those that the training held out."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    gp: int = 2_000
    """Training codes of the Gaussian process on held-out codes, for expressions; 0 for none."""
    out: Path | None = None
    """Folder to write; that of the model by default, runs/evaluation of a shipped one."""
    seed: int = 0
    """Seed of the samples and of the choice of strings."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def evaluate(config: EvaluateConfig) -> None:
    """Measure the latent space, print the tables, and write numbers, figures and the page."""
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.expressions.data import SOURCES

    check_options(config.n, config.gp, config.data, SOURCES)
    shipped = str(config.run) in GrammarAutoencoder.PRESETS
    folder = GrammarAutoencoder.PRESETS.get(str(config.run), config.run)
    check_folder(folder, "strings")
    out = open_output(config.out or (Path("runs/evaluation") if shipped else folder))

    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    started = time.monotonic()
    model = GrammarAutoencoder.load(folder)
    held_out = held_out_strings(model, config, out)
    from grammar.autoencoder.space import evaluate_space
    from grammar.autoencoder.space_report import headline, sections

    tenth = max(1, config.n // 10)
    found = evaluate_space(
        model,
        held_out,
        samples=config.n,
        pairs=tenth,
        neighbours=tenth,
        gp=config.gp,
        seed=config.seed,
    )
    made = sections(model, held_out, found, config.seed)
    shown = page("grammar.evaluate", "strings", config.run, model, found, headline(found), made)
    finish(out, found, shown, time.monotonic() - started)


def open_output(folder: Path) -> Path:
    """The folder of an evaluation, made and held; `UserError` if another process holds it."""
    lock_folder(make_folder(folder))
    return folder


def check_options(n: int, gp: int, data: str | None, sources: Sequence[str]) -> None:
    """`UserError` for too few samples, or data that are no file and none of the sources."""
    if n < FEWEST:
        raise UserError(f"--n is {n}: at least {FEWEST} samples are needed")
    if gp < 0:
        raise UserError(f"--gp is {gp}: give the number of training codes, or 0 for none")
    if data is not None and data not in sources and not Path(data).is_file():
        raise UserError(f"--data: there is no file {data}: name one, or {', '.join(sources)}")


def check_folder(folder: Path, kind: Literal["strings", "molecules"]) -> None:
    """Refuse what is no whole model of strings, or of molecules, before a backend is started.

    Raises
    ------
    UserError: with the command that takes the folder, if one does.
    """
    from grammar.autoencoder.model import DETAILS, PARTS

    names = {
        "strings": "grammar.train has finished, or expressions",
        "molecules": "molecules.train has finished, or compact",
    }
    try:
        details = read_description(folder / DETAILS, PARTS)
    except UNREADABLE as error:
        reason = first_line(error)
        if not (folder / DETAILS).is_file():
            reason = f"it has no {DETAILS}" if folder.is_dir() else "there is no such folder"
        raise UserError(
            f"{folder} does not hold a trained model of {kind} ({reason}): name a folder in which "
            f"{names[kind]}, which is shipped with the source"
        ) from error
    if ("kekulized" in details) != (kind == "molecules"):
        held = "molecules" if kind == "strings" else "strings"
        package = {"strings": "grammar", "molecules": "molecules"}[held]
        raise UserError(
            f"{folder} holds a model of {held}: use python -m {package}.evaluate {folder}"
        )


def held_out_strings(model: GrammarAutoencoder, config: EvaluateConfig, folder: Path) -> list[str]:
    """At most n / 2 strings that the model was not trained on, in a fixed order.

    What was read and left out of a file is printed, and listed in `folder`.

    Raises
    ------
    UserError: the model does not say what it was trained on, and no data are named; or all of the
        data were trained on.
    """
    from grammar.autoencoder.training import split
    from grammar.train import TrainConfig, load_strings

    trained: Mapping[str, Any] = model.details.get("config", {})
    if config.data is None and not {"grammar", "data"} & set(trained):
        raise UserError(f"{config.run} does not say what it was trained on: name it with --data")
    options = {name: trained[name] for name in TRAINED_ON if trained.get(name) is not None}
    if config.data is not None:
        options |= {"data": config.data, "n_data": None}
    if config.data_dir is not None:
        options["data_dir"] = config.data_dir
    reports: list[RowReport] = []
    strings = load_strings(TrainConfig(**options), model.codec.parser, reports.append)
    if config.data is not None:
        tell_rows(reports, folder, console(), EVALUATION_DROPPED)
    if config.data is None:
        held_out = split(np.array(strings, dtype=object), options.get("seed", 0))[1].tolist()
    else:
        held_out = [text for text in strings if text not in model.training_strings]
    if len(held_out) < 2:
        raise UserError(
            f"{config.data or 'the data of the training'} has fewer than 2 strings that were not "
            "trained on: name other ones with --data"
        )
    order = np.random.default_rng(config.seed).permutation(len(held_out))
    return [held_out[i] for i in np.sort(order[: max(2, config.n // 2)])]


def page(
    command: str,
    noun: str,
    run: Path,
    model: GrammarAutoencoder,
    found: Mapping[str, Any],
    headline: Sequence[tuple[str, str]],
    sections: Sequence[Section],
) -> Page:
    """The report of an evaluation."""
    from gmae_tf.utils.report import Page
    from gmae_tf.utils.run_dir import environment

    facts = environment()
    parameters = model.network.count_params()
    return Page(
        kicker=f"Evaluation of a latent space of {noun}",
        title=run.name,
        lead=f"A network of {parameters:,} parameters maps {noun} to {model.latent_dim} dimensions "
        f"and back. Measured on {found[f'held_out_{noun}']:,} held-out {noun} and on "
        "samples of the prior.",
        headline=headline,
        sections=sections,
        command=f"python -m {command} {shlex.join(sys.argv[1:])}",
        details={
            "Options of the training": model.details.get("config", {}),
            "Environment": {**facts, **facts.pop("versions")},
        },
    )


def finish(out: Path, found: Mapping[str, Any], page: Page, seconds: float) -> None:
    """Write numbers, pictures and page, and print the tables."""
    write_json(
        out / "evaluation.json", {**found, "command": page.command, "seconds": round(seconds, 1)}
    )
    for section in page.sections:
        for picture in section.pictures:
            picture.write(out / "figures")
    page.write(out / "report.html")
    screen = console()
    page.print(screen)
    screen.print(f"\npage: {out / 'report.html'}", soft_wrap=True)


def main() -> None:
    """The command."""
    run_command(
        evaluate,
        EvaluateConfig,
        prog="python -m grammar.evaluate",
        description="Measure the latent space of a trained model of strings: evaluate RUN.",
        argv=with_flag(sys.argv[1:]),
        continues=False,
    )


if __name__ == "__main__":
    main()
