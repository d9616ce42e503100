"""python -m molecules.encode FILE: the latent codes of molecules."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gmae_tf.evaluate import with_flag
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.codes import check_codes_file, write_codes


@dataclass(frozen=True)
class EncodeConfig:
    """Options of `python -m molecules.encode`."""

    data: str
    """What to encode: a .csv, .smi or .sdf file; may also stand first, without --data."""
    out: Path = Path("codes.csv")
    """File to write: .csv, a molecule a row with its code, or .npz with the arrays strings and
    codes; molecules are written once each, as canonical SMILES."""
    smiles_column: str | None = None
    """Column that holds SMILES; by default one called smiles, or that has them."""
    largest_fragment: bool = False
    """Keep of a salt or mixture the largest part, an organic one if there is one."""
    standardize: bool = False
    """Change molecules by RDKit's Cleanup first."""
    neutralize: bool = False
    """Remove charges by hydrogens."""
    model: Path | None = None
    """Folder of molecules.train or molecules.pack; the pretrained model by default."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def encode(config: EncodeConfig) -> None:
    """Read, encode, and write."""
    from molecules.data.library import load_known
    from molecules.data.sources import FORMS
    from molecules.presets import find_model

    check_codes_file(config.out, Path(config.data))
    folder = find_model(config.model or "compact")

    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    from molecules.codec import MoleculeCodec
    from molecules.model import load

    codec = MoleculeCodec(load(folder))
    known = load_known(
        codec,
        config.data,
        smiles_column=config.smiles_column,
        **{name: getattr(config, name) for name in FORMS},
    )
    screen = console()
    if known.report is not None:
        screen.print(str(known.report), markup=False, soft_wrap=True)
    write_codes(config.out, known.smiles, known.codes, name="smiles")
    screen.print(f"{len(known.smiles):,} codes of {codec.latent_dim} numbers: {config.out}")


def main() -> None:
    """The command."""
    run_command(
        encode,
        EncodeConfig,
        prog="python -m molecules.encode",
        description="Write the latent codes of the molecules of a file.",
        argv=with_flag(sys.argv[1:], "--data"),
        continues=False,
    )


if __name__ == "__main__":
    main()
