"""python -m grammar.encode FILE: the latent codes of strings of a grammar."""

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
    """Options of `python -m grammar.encode`."""

    data: Path
    """What to encode: a text file, one string a line; may also stand first, without --data."""
    model: Path = Path("expressions")
    """Folder of grammar.train, or expressions."""
    out: Path = Path("codes.csv")
    """File to write: .csv, a string a row with its code, or .npz with the arrays strings and
    codes."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def encode(config: EncodeConfig) -> None:
    """Read, encode, and write."""
    check_codes_file(config.out, config.data)
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.evaluate import check_folder
    from grammar.files import read_strings

    folder = GrammarAutoencoder.PRESETS.get(str(config.model), config.model)
    check_folder(folder, "strings")
    from gmae_tf.utils.devices import select_device

    select_device(config.device)

    screen = console()
    model = GrammarAutoencoder.load(folder)
    strings = read_strings(
        config.data,
        model.codec.parser,
        lambda report: screen.print(str(report), markup=False, soft_wrap=True),
    )
    write_codes(config.out, strings, model.encode(strings), name="string")
    screen.print(f"{len(strings):,} codes of {model.latent_dim} numbers: {config.out}")


def main() -> None:
    """The command."""
    run_command(
        encode,
        EncodeConfig,
        prog="python -m grammar.encode",
        description="Write the latent codes of the strings of a file.",
        argv=with_flag(sys.argv[1:], "--data"),
        continues=False,
    )


if __name__ == "__main__":
    main()
