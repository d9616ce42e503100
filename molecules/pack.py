"""python -m molecules.pack: a trained model with the molecules that a search starts from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command


@dataclass(frozen=True)
class PackConfig:
    """Options of `python -m molecules.pack`."""

    run: Path
    """Folder of molecules.train."""
    out: Path
    """Folder to write: model and known molecules, ready for bayesopt.run --model."""
    data: str | None = None
    """What the model was trained on; by default what its record says."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    n: int | None = None
    """Keep so many molecules, the best of each property and a random choice; all by default."""
    best: int = 1000
    """How many of the best of each property."""
    half_precision: bool = True
    """Store the weights in 16 bits."""


def pack(config: PackConfig) -> None:
    """Write the model, its training molecules with codes and properties, and their domain."""
    from molecules.chem.domain import Domain
    from molecules.data.library import Known, describe_once
    from molecules.data.sources import FORMS, load_molecules
    from molecules.model import load
    from molecules.presets import find_model

    if config.n is not None and config.n < 1:
        raise UserError(f"--n is {config.n}: keep at least one molecule")
    run = find_model(config.run)
    described = json.loads((run / "model.json").read_bytes())
    trained = described.get("config") or {}
    if not isinstance(trained, dict):
        raise UserError(f"{run / 'model.json'} has a damaged `config`: restore the file")
    source = config.data or trained.get("data")
    if source is None:
        raise UserError(f"{run} does not say what it was trained on: name the file with --data")
    data = load_molecules(
        source,
        data_dir=config.data_dir,
        kekulize=bool(described.get("kekulized")),
        smiles_column=trained.get("smiles_column"),
        n=trained.get("n_data"),
        seed=trained.get("seed", 0),
        **{name: trained.get(name, False) for name in FORMS},
    )

    from gmae_tf.utils.devices import select_device

    select_device("auto")
    screen, model = console(), load(run)
    screen.print(str(data.report), markup=False, soft_wrap=True)
    screen.print(f"{len(data.smiles):,} molecules: properties, then codes")
    smiles, properties = describe_once(data.smiles, run / "described.npz")
    known = Known(tuple(smiles), model.encode_spellings(data.smiles), computed=properties)
    model.remember(smiles)
    model.domain = Domain.of(smiles, alerts=False)
    model.save(config.out, config.half_precision)
    if config.n is not None:
        known = known.thinned(config.n, config.best)
    known.save(config.out)
    size = sum(path.stat().st_size for path in config.out.iterdir()) / 1e6
    screen.print(f"{config.out}: {len(known.smiles):,} known molecules, {size:.1f} MB in all")


def main() -> None:
    """The command."""
    run_command(
        pack,
        PackConfig,
        prog="python -m molecules.pack",
        description="Put a trained model and what a search starts from into one folder.",
        continues=False,
    )


if __name__ == "__main__":
    main()
