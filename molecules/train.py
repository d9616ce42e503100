"""python -m molecules.train: train an autoencoder on molecules."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.models.options import ModelOptions
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import to_json
from gmae_tf.utils.locks import lock_run
from gmae_tf.utils.rows import DROPPED, write_dropped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from grammar.cfg.grammar import Grammar
    from molecules.data.sources import MoleculeData
    from molecules.model import MoleculeAutoencoder

PRESETS: dict[str, dict[str, Any]] = {
    "compact": {
        "grammar": "smiles_compact",
        "kekulize": True,
        "architecture": "autoregressive",
        "epochs": 6,
        "batch_size": 250,
        "learning_rate": 2e-3,
        "schedule": "cosine",
    },
    "paper": {
        "grammar": "smiles",
        "kekulize": False,
        "architecture": "zinc",
        "max_length": 277,
        "epochs": 100,
        "batch_size": 500,
        "learning_rate": 1e-3,
        "schedule": "plateau",
    },
}


@dataclass(frozen=True)
class TrainConfig(ModelOptions):
    """Options of `python -m molecules.train`; what is left out comes from the preset."""

    out: Path = Path("runs/molecules-model")
    """Folder of the run; the same command continues an interrupted run in it."""
    preset: Literal["compact", "paper"] = "compact"
    """compact: for 2 CPU cores in about an hour; paper: the network of Kusner et al. 2017, 277
    steps, for a GPU."""
    data: str = "zinc"
    """zinc (250k, from --data-dir or downloaded), builtin (made offline), or .smi, .csv, .sdf."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    smiles_column: str | None = None
    """Column of a table that holds the SMILES; found by its name or content by default."""
    largest_fragment: bool = False
    """Of salts and mixtures keep the largest part; else they are dropped, unless the grammar writes
    them."""
    standardize: bool = False
    """Bring molecules of a file into RDKit's standard form, with no bonds to metals."""
    neutralize: bool = False
    """Remove charges of molecules of a file, by hydrogens, where that is possible."""
    n_data: int | None = None
    """Use only so many molecules, drawn at random."""
    grammar: str | None = None
    """smiles, smiles_extended, smiles_compact, or a .cfg file; characters knows nothing but the
    alphabet of the molecules, and its decodes may be no molecules."""
    kekulize: bool | None = None
    """Write aromatic rings as alternating bonds, which makes every decode a valid molecule."""
    architecture: Literal["autoregressive", "sequence", "zinc"] | None = None
    """Network, see grammar.autoencoder.architectures."""
    units: int | None = None
    """Width of the recurrent layers."""
    dense: int | None = None
    """Width of the dense layers."""
    max_length: int | None = None
    """Longest sequence of rules; longer molecules are dropped.  By default that of the data."""
    latent_dim: int = 56
    """Dimensions of the latent space."""
    reconstruction_weight: float = 10.0
    """Weight of the cross-entropy in nats per molecule."""
    epochs: int | None = None
    """Passes over the training molecules."""
    batch_size: int | None = None
    """Molecules per batch; the regulariser compares each batch with the prior."""
    learning_rate: float | None = None
    """Start of Adam's learning rate."""
    schedule: Literal["plateau", "cosine"] | None = None
    """The learning rate falls when the validation loss stalls, or along a half cosine."""
    descriptors: bool = False
    """Train auxiliary heads on the codes that predict descriptors and Morgan counts of the
    molecules; see `molecules.chem.descriptors`.  A trained model needs none."""
    spelled: float = 0.0
    """Share of molecules whose input is a random SMILES; the output is always the usual one."""
    length_parts: int = 2
    """Parts of similar length into which a batch is cut, to save padding; 1 suits a GPU."""
    mixed_precision: bool | None = None
    """Compute in 16 bits where that is safe; by default on a GPU only."""
    samples: int = 10_000
    """Prior samples for the final report."""
    seed: int = 0
    """Seed of weights, split and batch order."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    devices: int = 1
    """GPUs that share each batch (data parallel), on JAX."""


def train(config: TrainConfig) -> None:
    """Train, evaluate on held-out molecules, and save the model."""
    config = with_preset(config)
    lock_run(config.out)
    grammar, data = read(config)  # mistakes in names and files are told before Keras is imported
    _share_cores(config)

    from gmae_tf.utils.devices import select_device, set_precision
    from gmae_tf.utils.run_dir import open_run
    from molecules.evaluate import evaluate, report
    from molecules.training import annotated, fit_network

    set_precision(config.mixed_precision, select_device(config.device, config.devices))
    model, rules, held_out = untrained(config, grammar, data)
    free = ("epochs", "device", "devices", "samples", "length_parts")
    run = open_run(config.out, asdict(config), "molecules.train", may_change=free)
    screen = console()
    write_dropped([data.report], run.path / DROPPED)
    verb = "continuing" if run.continued else "training"
    screen.print(
        f"{verb}: {len(rules):,} molecules, {model.max_length} steps, "
        f"{model.network.count_params():,} parameters, in {run.path}"
    )
    assert config.epochs is not None  # the preset has them
    assert config.batch_size is not None
    assert config.learning_rate is not None
    assert config.schedule is not None
    examples = annotated(
        rules,
        data.smiles,
        model.grammar,
        descriptors=config.descriptors,
        spelled=config.spelled,
        kekulize=bool(config.kekulize),
        seed=config.seed,
        folder=run.path,
    )
    history = fit_network(
        model.network,
        examples,
        model.grammar.padding,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        length_parts=config.length_parts,
        seed=config.seed,
        folder=run.path,
    )
    model.finish(rules, data.smiles, config.seed, history)
    model.details["config"] = to_json(config)
    results = evaluate(model, held_out, config.samples, config.seed)
    model.details["results"] = {**results, **model.details["results"]}
    model.save(run.path)
    report(model.details["results"], run.path, screen)


def with_preset(config: TrainConfig) -> TrainConfig:
    """The options with the preset's values where none was given."""
    from grammar.cfg.characters import CHARACTERS

    preset = PRESETS[config.preset]
    if config.grammar == CHARACTERS:  # a length in rules of a grammar says nothing of them
        preset = {name: value for name, value in preset.items() if name != "max_length"}
    missing = {name: value for name, value in preset.items() if getattr(config, name) is None}
    config = replace(config, **missing)
    positive = ("n_data", "max_length", "latent_dim", "components", "epochs", "batch_size", "units")
    for name in (*positive, "dense", "learning_rate", "length_parts", "samples"):
        value = getattr(config, name)
        if value is not None and value <= 0:
            raise UserError(f"--{name.replace('_', '-')} must be greater than 0, not {value}")
    if not 0 <= config.spelled <= 1:
        raise UserError(f"--spelled is {config.spelled}: give a share from 0 to 1")
    return config


def read(config: TrainConfig) -> tuple[Grammar | None, MoleculeData]:
    """The grammar (None: that of the characters) and the molecules that it can write."""
    from grammar.cfg.characters import CHARACTERS
    from grammar.library import load_grammar
    from molecules.data.cleaning import accepted_by
    from molecules.data.sources import load_molecules
    from molecules.training import check_number

    known = config.grammar != CHARACTERS
    grammar = load_grammar(config.grammar or "smiles_compact").grammar if known else None
    data = load_molecules(
        config.data,
        data_dir=config.data_dir,
        kekulize=bool(config.kekulize),
        smiles_column=config.smiles_column,
        n=config.n_data,
        seed=config.seed,
        accepts=accepted_by(grammar, config.max_length),
        keep_mixtures=grammar is not None and "." in grammar.terminals,
        largest_fragment=config.largest_fragment,
        standardize=config.standardize,
        neutralize=config.neutralize,
    )
    console().print(str(data.report), markup=False, highlight=False, soft_wrap=True)
    check_number(len(data.smiles))
    return grammar, data


def untrained(
    config: TrainConfig, grammar: Grammar | None, data: MoleculeData
) -> tuple[MoleculeAutoencoder, NDArray[np.uint8], NDArray[np.uint8]]:
    """A model with new weights, and the rules [N, T] of training and held-out molecules."""
    from grammar.autoencoder.architectures import Architecture
    from molecules.model import MoleculeAutoencoder

    if config.descriptors:
        from molecules.chem.descriptors import TARGETS

        config = replace(config, heads=TARGETS)
    assert config.epochs is not None  # the preset has them
    assert config.batch_size is not None
    sizes = {name: value for name in ("units", "dense") if (value := getattr(config, name))}
    recipe = config.recipe(
        config.latent_dim,
        reconstruction_weight=config.reconstruction_weight,
        steps=config.epochs * max(1, len(data.smiles) // config.batch_size),
        seed=config.seed,
    )
    model, rules = MoleculeAutoencoder.untrained(
        data.smiles,
        recipe,
        grammar=grammar,
        kekulized=bool(config.kekulize),
        architecture=Architecture(config.architecture or "autoregressive", sizes),
        max_length=config.max_length,
        held_out=data.held_out,
    )
    return model, rules[: len(data.smiles)], rules[len(data.smiles) :]


def _share_cores(config: TrainConfig) -> None:
    """Before TensorFlow starts: one thread for each part of a batch where there are no more cores.

    Threads inside the small products of a recurrent layer cost more than they gain (1.2 times as
    many steps a second without them on 2 cores).
    """
    if config.device != "gpu" and (os.cpu_count() or 1) <= config.length_parts:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


if __name__ == "__main__":
    run_command(
        train,
        TrainConfig,
        prog="python -m molecules.train",
        description="Train an autoencoder on molecules and shape its latent space.",
    )
