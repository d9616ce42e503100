"""A run folder of a model whose 16-bit weights `experiments.space.train` has written.

    python -m experiments.space.rebuild --weights OUT/space.npz --measure --out runs/space

The folder is one of `molecules.train` (or `grammar.train`): `molecules.load`, `molecules.sample
--model` and `bayesopt.run --model` take it.  One of molecules lacks the training molecules, which
`molecules.pack` adds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.space.settings import GRAMMARS, MOLECULES, Settings, build, read_settings
from experiments.timed_training import read_weights
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder


@dataclass(frozen=True)
class RebuildConfig:
    """Options of `python -m experiments.space.rebuild`."""

    weights: Path
    """NAME.npz of experiments.space.train; NAME.config.json and NAME.json lie beside it."""
    measure: bool = False
    """Add what molecules.train and grammar.train measure on held-out strings (of ZINC, or official
    expressions) and on prior samples, and the log of the training."""
    samples: int = 10_000
    """Prior samples with which molecules are measured."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    out: Path = Path("runs/space")
    """Folder to write."""


def main() -> None:
    """The command."""
    run_command(
        _rebuild,
        RebuildConfig,
        prog="python -m experiments.space.rebuild",
        description="Make a run folder of a model that experiments.space.train has trained.",
        continues=False,
    )


def _rebuild(config: RebuildConfig) -> None:
    described, log = (config.weights.with_suffix(f".{name}") for name in ("config.json", "json"))
    for path in (config.weights, described, *([log] if config.measure else [])):
        if not path.is_file():
            raise UserError(f"there is no file {path}: name the .npz file of a training")

    from gmae_tf.utils.devices import select_device

    select_device("cpu")
    settings = read_settings(described)
    model = rebuild(settings, config.weights)
    if config.measure:
        history = json.loads(log.read_text(encoding="utf-8"))["log"]
        model.network.compile()
        model.details["results"] = {**measure(model, settings, config), "history": history}
    model.save(config.out, half_precision=True)
    console().print(f"the model is in {config.out}")


def rebuild(settings: Settings, weights: Path) -> GrammarAutoencoder:
    """The model of these settings, a `MoleculeAutoencoder` where they say so.

    Raises
    ------
    UserError: the weights are of other settings.
    """
    from grammar.autoencoder.hashed_set import StringSet
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.library import load_grammar

    name, length = GRAMMARS[settings.kind]
    grammar = load_grammar(name).grammar
    heads = 0
    kind: type[GrammarAutoencoder] = GrammarAutoencoder
    details: dict[str, Any] = {}
    strings = StringSet.of(())
    if settings.kind == "molecules":
        from molecules.chem.descriptors import TARGETS
        from molecules.model import MoleculeAutoencoder

        kind, heads = MoleculeAutoencoder, TARGETS if settings.heads else 0
        details = {"config": {**asdict(settings), "data": "zinc"}, **MOLECULES}
    else:
        from experiments.space.expressions import Expressions

        trained_on = {"data": "official", "exclude_better_than": settings.hidden}
        details = {"config": {**asdict(settings), **trained_on}}
        strings = Expressions.load(settings).strings
    network, architecture = build(settings, grammar, length, heads)
    try:
        network.set_weights(read_weights(weights))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{weights} has no weights of these settings ({reason})") from error
    return kind(grammar, length, network, strings, details, architecture)


def measure(model: GrammarAutoencoder, settings: Settings, config: RebuildConfig) -> dict[str, Any]:
    """What the commands of training measure at their ends."""
    from molecules.model import MoleculeAutoencoder

    if isinstance(model, MoleculeAutoencoder):
        from molecules.data.cleaning import accepted_by
        from molecules.data.sources import load_molecules
        from molecules.evaluate import evaluate

        accepts = accepted_by(model.grammar, model.max_length)
        data = load_molecules("zinc", data_dir=config.data_dir, kekulize=True, accepts=accepts)
        model.remember(data.smiles)
        rules = model.codec.encode(data.held_out)
        found = evaluate(model, rules, config.samples, seed=0)
        return {**found, "training_molecules": len(data.smiles)}
    from experiments.space.expressions import Expressions
    from grammar.autoencoder.evaluation import evaluate as evaluate_strings
    from grammar.autoencoder.space import latent_terms
    from grammar.train import TrainConfig, load_strings

    options = TrainConfig(data="official", exclude_better_than=settings.hidden)
    strings = load_strings(options, model.codec.parser)
    found = evaluate_strings(model, model.codec.encode(strings), options)
    mixed = Expressions.load(settings).mixed
    return {**found, **latent_terms(model, model.network.encode(mixed), settings.seed)}


if __name__ == "__main__":
    main()
