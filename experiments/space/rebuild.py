"""A run folder of the model whose 16-bit weights `experiments.space.train` has written.

    python -m experiments.space.rebuild --model molecules --out runs/space

The folder is one of `molecules.train` (or `grammar.train`): `molecules.load`, `molecules.sample
--model` and `bayesopt.run --model` take it.  It does not hold the training molecules;
`molecules.pack` adds them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.space.settings import GRAMMARS, RESULTS, Settings, build, read_settings
from experiments.timed_training import read_weights
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder


@dataclass(frozen=True)
class RebuildConfig:
    """Options of `python -m experiments.space.rebuild`."""

    model: Literal["molecules", "expressions"] = "molecules"
    """Which of the models in experiments/space/results."""
    settings: Path | None = None
    """Settings of another one as JSON, with --weights."""
    weights: Path | None = None
    """Its weights, an .npz file of experiments.space.train."""
    out: Path = Path("runs/space")
    """Folder to write."""


def main() -> None:
    """The command."""
    run_command(
        _rebuild,
        RebuildConfig,
        prog="python -m experiments.space.rebuild",
        description="Make a run folder of a model of experiments.space.",
        continues=False,
    )


def _rebuild(config: RebuildConfig) -> None:
    settings = config.settings or RESULTS / f"{config.model}.config.json"
    weights = config.weights or RESULTS / f"{config.model}.npz"
    for path in (settings, weights):
        if not path.is_file():
            raise UserError(f"there is no file {path}: name one with --settings and --weights")

    from gmae_tf.utils.devices import select_device

    select_device("cpu")
    rebuild(read_settings(settings), weights).save(config.out, half_precision=True)
    console().print(f"the model is in {config.out}")


def rebuild(settings: Settings, weights: Path) -> GrammarAutoencoder:
    """The model of these settings, a `MoleculeAutoencoder` where they say so.

    Raises
    ------
    UserError: the weights are of other settings.
    """
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.library import load_grammar

    name, length = GRAMMARS[settings.kind]
    grammar = load_grammar(name).grammar
    heads = 0
    kind: type[GrammarAutoencoder] = GrammarAutoencoder
    details: dict[str, Any] = {"config": {**asdict(settings), "data": "official"}}
    if settings.kind == "molecules":
        from molecules.chem.descriptors import TARGETS
        from molecules.model import MoleculeAutoencoder

        kind, heads = MoleculeAutoencoder, TARGETS if settings.heads else 0
        details = {"config": {**asdict(settings), "data": "zinc"}, "kekulized": True}
    network, architecture = build(settings, grammar, length, heads)
    try:
        network.set_weights(read_weights(weights))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{weights} has no weights of these settings ({reason})") from error
    return kind(grammar, length, network, details=details, architecture=architecture)


if __name__ == "__main__":
    main()
