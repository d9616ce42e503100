"""python -m grammar.train: train an autoencoder on strings of a grammar."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.locks import lock_run
from gmae_tf.utils.rows import RowReport, tell_rows
from grammar.autoencoder.evaluation import evaluate
from grammar.autoencoder.training import TrainingOptions, split
from grammar.autoencoder.training import train as train_network

if TYPE_CHECKING:
    from grammar.parsing.parser import Parser

SPACE = 1_000
"""Prior samples with which the space is measured at the end of a training."""


@dataclass(frozen=True)
class TrainConfig(TrainingOptions):
    """Options of `python -m grammar.train`."""

    out: Path = Path("runs/grammar")
    """Folder of the run; the same command continues an interrupted run in it."""
    grammar: str = "arithmetic"
    """Name of a built-in grammar, or a .cfg file; characters is the alphabet of the strings
    (expressions, or those of a file), and its decodes may be no expressions."""
    data: str | None = None
    """official (the 100,000 of Grammar VAE), generated, or a text file with a string on each line;
    by default official for arithmetic and characters, and generated for another grammar."""
    n_data: int | None = None
    """How many strings to generate (100,000 by default), or to use of a file."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    exclude_better_than: float | None = None
    """Leave out arithmetic strings that score this or less on the benchmark target."""
    architecture: Literal["expressions", "autoregressive", "sequence"] = "expressions"
    """Network. expressions: convolutions and recurrent layers, as Grammar VAE has them, for short
    strings; autoregressive: a decoder that reads what it has written; sequence: that decoder with a
    transformer encoder."""
    max_length: int | None = None
    """Longest sequence of rules; by default that of the data, and 15 for arithmetic."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    devices: int = 1
    """GPUs that share each batch (data parallel), on JAX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_data is not None and self.n_data <= 0:
            raise UserError(f"n_data must be greater than 0, not {self.n_data}")


def train(config: TrainConfig) -> None:
    """Train, evaluate on held-out strings, and save the model."""
    lock_run(config.out)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.json import to_json
    from gmae_tf.utils.run_dir import open_run
    from grammar.autoencoder.architectures import Architecture
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.autoencoder.space import evaluate_space

    parser = find_grammar(config)
    reports: list[RowReport] = []
    strings = load_strings(config, parser, reports.append)
    select_device(config.device, config.devices)
    default = 15 if config.grammar == "arithmetic" else None
    options = replace(config, max_length=config.max_length or default)
    network = Architecture(config.architecture)
    model, rules = GrammarAutoencoder.prepare(strings, parser, options, network)
    run = open_run(
        config.out,
        asdict(config),
        "grammar.train",
        may_change=("epochs", "device", "devices", "xla"),
    )
    screen = console()
    tell_rows(reports, run.path, screen)
    verb = "continuing" if run.continued else "training"
    screen.print(
        f"{verb}: {len(strings):,} strings, {model.max_length} steps, "
        f"{model.network.count_params():,} parameters, in {run.path}"
    )
    started = time.monotonic()
    history = train_network(model.network, rules, config, run.path)
    seconds = round(time.monotonic() - started, 1)
    model.fit_prior(split(rules, config.seed)[0], config.seed)
    measured = evaluate(model, rules, config)
    held_out = [str(text) for text in model.codec.decode(split(rules, config.seed)[1][:SPACE])]
    few = SPACE // 10
    space = {}
    if len(held_out) > 1:
        space = evaluate_space(
            model, held_out, samples=SPACE, pairs=few, neighbours=few, gp=0, seed=config.seed
        )
    results = {"epochs": len(history), "seconds": seconds, **measured, "space": space}
    results["history"] = history
    model.details = {"config": to_json(config), "results": results}
    model.save(run.path)
    _report(results, run.path, screen)


def find_grammar(config: TrainConfig) -> Parser:
    """The parser of the options' grammar."""
    from grammar.cfg.characters import CHARACTERS, character_grammar
    from grammar.expressions.data import SOURCES
    from grammar.files import read_lines
    from grammar.library import load_grammar

    if config.grammar != CHARACTERS:
        return load_grammar(config.grammar)
    if config.data is None or config.data in SOURCES:
        return load_grammar(character_grammar(load_grammar("arithmetic").grammar.terminals))
    return load_grammar(character_grammar(line for _, line in read_lines(config.data)))


def load_strings(
    config: TrainConfig, parser: Parser, tell: Callable[[RowReport], None] | None = None
) -> list[str]:
    """The strings to train on, without the hidden ones; `tell` as of `load_expressions`."""
    from grammar.cfg.characters import CHARACTERS
    from grammar.expressions.data import SOURCES, load_expressions
    from grammar.expressions.evaluate import TARGET_X, fit_errors, target
    from grammar.sampling.uniform import sample_strings

    arithmetic = config.grammar in ("arithmetic", CHARACTERS)
    source = config.data or ("official" if arithmetic else "generated")
    if not arithmetic and config.exclude_better_than is not None:
        raise UserError("--exclude-better-than scores expressions: it needs the arithmetic grammar")
    if not arithmetic and source in SOURCES and source != "generated":
        raise UserError(f"--data {source} is of the arithmetic grammar: choose generated or a file")
    if not arithmetic and source == "generated":
        length = config.max_length or 15
        return sample_strings(parser.grammar, config.n_data, length, seed=config.seed)
    strings = load_expressions(
        source,
        n=config.n_data,
        seed=config.seed,
        data_dir=config.data_dir,
        grammar=parser,
        tell=tell,
    )
    if config.exclude_better_than is None:
        return strings
    scores = fit_errors(strings, TARGET_X, target(TARGET_X))
    kept = scores > config.exclude_better_than
    return [text for text, keep in zip(strings, kept, strict=True) if keep]


def _report(results: dict[str, Any], folder: Path, screen: Any) -> None:
    from rich.table import Table

    from grammar.autoencoder.space_report import tables

    rows = {
        "exact_match": "held-out strings reconstructed exactly (greedy)",
        "ks": "KS term of held-out codes (1 = prior samples)",
        "covariance": "covariance term of held-out codes (1 = prior samples)",
        "sliced": "sliced term of held-out codes (1 = prior samples)",
        "prior_complete": "prior samples that decode to a complete string of the grammar",
        "prior_expressions": "prior samples that can be read as an expression in x",
        "prior_distinct": "distinct among them",
        "prior_new": "not among the training strings",
    }
    table = Table("measured", "value", title=f"after {results['epochs']} epochs")
    for name, meaning in rows.items():
        if name in results:
            table.add_row(meaning, f"{results[name]:.4f}")
    screen.print(table)
    if results["space"]:
        for measures in tables(results["space"]):
            measures.print(screen)
        screen.print(f"more of this, drawn: python -m grammar.evaluate {folder}", soft_wrap=True)


if __name__ == "__main__":
    run_command(
        train,
        TrainConfig,
        prog="python -m grammar.train",
        description="Train an autoencoder on strings of a grammar and shape its latent space.",
    )
