"""python -m grammar.train: train an autoencoder on strings of a grammar."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.models.options import ModelOptions
from gmae_tf.utils.cli import console, run_command
from grammar.errors import GrammarError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.cfg.grammar import Grammar
    from grammar.library import load_grammar


@dataclass(frozen=True)
class TrainConfig(ModelOptions):
    """Options of `python -m grammar.train`."""

    out: Path = Path("runs/grammar")
    """Folder of the run; the same command continues an interrupted run in it."""
    grammar: str = "arithmetic"
    """Name of a built-in grammar, or a .cfg file; characters knows nothing but the alphabet of the
    strings (expressions, or those of a file), and its decodes may be no expressions."""
    data: str | None = None
    """official (the 100,000 of Grammar VAE), generated, or a text file with a string on each line;
    by default official for arithmetic and characters, and generated for another grammar."""
    n_data: int | None = None
    """How many strings to generate (100,000 by default), or to use of a file."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    exclude_better_than: float | None = None
    """Leave out arithmetic strings that score this or less on the benchmark target."""
    max_length: int | None = None
    """Longest sequence of rules; by default that of the data, and 15 for arithmetic."""
    latent_dim: int = 25
    """Dimensions of the latent space."""
    reconstruction_weight: float = 20.0
    """Weight of the cross-entropy in nats per string."""
    epochs: int = 50
    """Passes over the training strings."""
    batch_size: int = 600
    """Strings per batch; the regulariser compares each batch with the prior."""
    learning_rate: float = 2e-3
    """Start of Adam's learning rate; it falls when the validation loss stalls."""
    patience: int = 3
    """Epochs without a better validation loss before the learning rate falls."""
    xla: bool = True
    """Compile the training step with XLA: a slower start, faster steps."""
    seed: int = 0
    """Seed of weights, split and batch order."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def train(config: TrainConfig) -> None:
    """Train, evaluate on held-out strings, and save the model."""
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    strings, rules, model = prepare(config)
    run = open_run(config.out, asdict(config), "grammar.train", may_change=("epochs", "device"))
    screen = console()
    verb = "continuing" if run.continued else "training"
    screen.print(
        f"{verb}: {len(strings):,} strings, {model.max_length} steps, "
        f"{model.network.count_params():,} parameters, in {run.path}"
    )
    results = fit_and_evaluate(config, model, rules)
    model.details = {"config": _plain(config), "results": results}
    model.save(run.path)
    _report(results, screen)


def prepare(config: TrainConfig) -> tuple[list[str], NDArray[np.uint8], GrammarAutoencoder]:
    """The training strings, their rules [N, T] and an untrained model, all from the options."""
    import keras

    from grammar.autoencoder.hashed_set import StringSet
    from grammar.autoencoder.model import GrammarAutoencoder, build_from_recipe

    _refuse_nonsense(config)
    grammar = load_grammar(config)
    strings = load_strings(config, grammar)
    max_length, rules = encode_strings(strings, grammar, config)
    if len(rules) < 20:
        raise UserError(f"{len(rules)} strings are too few to train on: at least 20 are needed")
    keras.utils.set_random_seed(config.seed)
    recipe = config.recipe(
        config.latent_dim,
        reconstruction_weight=config.reconstruction_weight,
        steps=config.epochs * max(1, len(rules) * 9 // 10 // config.batch_size),
        seed=config.seed,
    )
    network = build_from_recipe(recipe, grammar, max_length)
    return (
        strings,
        rules,
        GrammarAutoencoder(grammar, max_length, network, StringSet.of(strings)),
    )


def _refuse_nonsense(config: TrainConfig) -> None:
    positive = ("n_data", "max_length", "latent_dim", "components", "epochs", "batch_size")
    for name in (*positive, "learning_rate"):
        value = getattr(config, name)
        if value is not None and value <= 0:
            raise UserError(f"--{name.replace('_', '-')} must be greater than 0, not {value}")


def load_grammar(config: TrainConfig) -> Grammar:
    """The grammar of the options."""
    from grammar.cfg.characters import CHARACTERS, character_grammar
    from grammar.expressions.data import read_lines
    from grammar.library import load_grammar

    if config.grammar != CHARACTERS:
        return load_grammar(config.grammar).grammar
    if config.data in (None, "official", "generated", "download"):
        return character_grammar(load_grammar("arithmetic").grammar.terminals)
    return character_grammar(line for _, line in read_lines(Path(str(config.data))))


def load_strings(config: TrainConfig, grammar: Grammar) -> list[str]:
    """The strings to train on, without the hidden ones."""
    from grammar.cfg.characters import CHARACTERS
    from grammar.expressions.data import load_expressions
    from grammar.expressions.evaluate import TARGET_X, fit_errors, target
    from grammar.sampling.uniform import sample_strings

    arithmetic = config.grammar in ("arithmetic", CHARACTERS)
    source = config.data or ("official" if arithmetic else "generated")
    if not arithmetic and config.exclude_better_than is not None:
        raise UserError("--exclude-better-than scores expressions: it needs the arithmetic grammar")
    if not arithmetic and source in ("official", "download"):
        raise UserError(f"--data {source} is of the arithmetic grammar: choose generated or a file")
    if not arithmetic and source == "generated":
        return sample_strings(grammar, config.n_data, config.max_length or 15, seed=config.seed)
    strings = load_expressions(
        source, n=config.n_data, seed=config.seed, data_dir=config.data_dir, grammar=grammar
    )
    if config.exclude_better_than is None:
        return strings
    scores = fit_errors(strings, TARGET_X, target(TARGET_X))
    keep = scores > config.exclude_better_than
    return [string for string, kept in zip(strings, keep, strict=True) if kept]


def encode_strings(
    strings: list[str], grammar: Grammar, config: TrainConfig
) -> tuple[int, NDArray[np.uint8]]:
    """Longest sequence T, and the rules [N, T]."""
    from grammar.codec import RuleCodec

    default = 15 if config.grammar == "arithmetic" else None
    codec = RuleCodec(grammar, config.max_length or default)
    rules = codec.encode(strings)
    assert codec.max_length is not None  # encode has set it
    return codec.max_length, rules


def fit_and_evaluate(
    config: TrainConfig, model: GrammarAutoencoder, rules: NDArray[np.uint8]
) -> dict[str, Any]:
    """Train on 90 % of the rules and measure on the other, randomly chosen, 10 %."""
    import time

    import numpy as np

    from gmae_tf.training.batches import SeededBatches
    from gmae_tf.training.fit import fit
    from grammar.cfg.characters import writes_characters
    from grammar.expressions.evaluate import is_expression

    order = np.random.default_rng(config.seed).permutation(len(rules))
    held_out, kept = np.split(rules[order], [max(1, len(rules) // 10)])
    started = time.monotonic()
    history = fit(
        model.network,
        kept,
        held_out,
        config.out,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        patience=config.patience,
        xla=config.xla or None,
        seed=config.seed,
    )
    seconds = time.monotonic() - started
    batches = SeededBatches(held_out, config.batch_size, config.seed)
    measured = model.network.evaluate(batches, verbose=0, return_dict=True)
    rng = np.random.default_rng(config.seed)
    model.fit_prior(kept, config.seed)
    decoded = model.decode(model.network.sample_codes(10_000, rng))
    valid = {}
    if writes_characters(model.grammar):
        valid["prior_expressions"] = sum(is_expression(s or "") for s in decoded) / len(decoded)
    return {
        "epochs": len(history),
        "seconds": round(seconds, 1),
        "training_strings": len(kept),
        "held_out_strings": len(held_out),
        "reconstruction_nats": measured["reconstruction"],
        "exact_match": model.exact_match(held_out),
        **{name: measured[name] for name in ("ks", "covariance", "sliced") if name in measured},
        "prior_samples": len(decoded),
        "prior_complete": sum(string is not None for string in decoded) / len(decoded),
        **valid,
        "prior_distinct": len(set(decoded)) / len(decoded),
        "prior_new": sum(s not in model.training_strings for s in decoded if s) / len(decoded),
        "history": history,
    }


def _plain(config: TrainConfig) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(config).items()}


def _report(results: dict[str, Any], screen: Any) -> None:
    from rich.table import Table

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


if __name__ == "__main__":
    run_command(
        train,
        TrainConfig,
        prog="python -m grammar.train",
        description="Train an autoencoder on strings of a grammar and shape its latent space.",
        user_errors=(GrammarError,),
    )
