"""python -m molecules.interpolate: the molecules between two molecules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command


@dataclass(frozen=True)
class InterpolateConfig:
    """Options of `python -m molecules.interpolate`."""

    start: str
    """SMILES of the first molecule."""
    end: str
    """SMILES of the last molecule."""
    steps: int = 50
    """Codes on the straight line between the two; equal neighbours are written once."""
    out: Path = Path("interpolation.smi")
    """File to write: .smi, .csv or .sdf; a picture goes beside it."""
    model: Path | None = None
    """Folder of molecules.train or molecules.pack; the pretrained model by default."""
    properties: tuple[str, ...] = ("logp", "qed", "sa")
    """What to compute, see molecules.chem.properties: columns of a .csv or .sdf file, and what the
    picture says below each molecule."""
    picture: bool = True
    """Draw the molecules (at most 60) into a .png beside the file."""


def interpolate(config: InterpolateConfig) -> None:
    """Encode both ends, decode the line between them, and write what it passes."""
    from molecules.chem.output import check_output, warnings_printed, write_molecules
    from molecules.chem.properties import canonical
    from molecules.model import load
    from molecules.presets import find_model

    if config.steps < 2:
        raise UserError(f"--steps is {config.steps}: at least 2 are needed, the two ends")
    check_output(config.out, config.properties)
    ends = canonical(config.start), canonical(config.end)
    folder = find_model(config.model or "compact")

    from gmae_tf.utils.devices import select_device

    select_device("auto")
    model = load(folder)
    with warnings_printed():
        path = model.interpolate(*ends, config.steps)
    write_molecules(path, config.out, config.properties, picture=config.picture)
    console().print(f"{len(path)} molecules in {config.out}", soft_wrap=True)


def main() -> None:
    """The command."""
    run_command(
        interpolate,
        InterpolateConfig,
        prog="python -m molecules.interpolate",
        description="Write the molecules on the line between two, in the latent space.",
        continues=False,
    )


if __name__ == "__main__":
    main()
