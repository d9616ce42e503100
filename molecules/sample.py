"""python -m molecules.sample: new molecules from the prior, or around a given one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command


@dataclass(frozen=True)
class SampleConfig:
    """Options of `python -m molecules.sample`."""

    n: int = 20
    """How many different molecules."""
    out: Path = Path("molecules.smi")
    """File to write: .smi, .csv or .sdf; a picture of the first goes beside it."""
    near: str | None = None
    """A SMILES: sample around this molecule instead of from the prior."""
    distance: float = 0.6
    """With --near, how far: 0 is the molecule itself, 1 forgets it."""
    model: Path | None = None
    """Folder of molecules.train or molecules.pack; the pretrained model by default."""
    new: bool = False
    """Only molecules that are not among the training molecules."""
    properties: tuple[str, ...] = ("logp", "qed", "sa")
    """Columns to compute, see molecules.chem.properties."""
    picture: bool = True
    """Draw the molecules (at most 60) into a .png beside the file."""
    seed: int = 0
    """Seed of the draws."""


def sample(config: SampleConfig) -> None:
    """Draw, decode, and write what is new to the list."""
    from molecules.chem.output import check_output, warnings_printed, write_molecules
    from molecules.chem.properties import canonical
    from molecules.model import load
    from molecules.presets import find_model

    if config.n < 1:
        raise UserError(f"--n is {config.n}: ask for at least one molecule")
    if not 0 < config.distance <= 1:
        raise UserError(f"--distance is {config.distance}: give a number above 0 and at most 1")
    if config.near is not None:
        canonical(config.near)
    check_output(config.out, config.properties)
    folder = find_model(config.model or "compact")

    from gmae_tf.utils.devices import select_device

    select_device("auto")
    model = load(folder)
    with warnings_printed():
        found = model.sample(
            config.n, seed=config.seed, near=config.near, distance=config.distance, new=config.new
        )
    write_molecules(found, config.out, config.properties, picture=config.picture)
    console().print(f"{len(found)} molecules in {config.out}", soft_wrap=True)


def main() -> None:
    """The command."""
    run_command(
        sample,
        SampleConfig,
        prog="python -m molecules.sample",
        description="Write new molecules, sampled from the latent space of a trained model.",
        continues=False,
    )


if __name__ == "__main__":
    main()
