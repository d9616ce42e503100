"""python -m molecules.sample: new molecules from the prior, or around a given one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from grammar.errors import GrammarError

if TYPE_CHECKING:
    import numpy as np

    from molecules.model import MoleculeAutoencoder

ATTEMPTS = 20
"""Rounds of draws before it is said that no more different molecules are found."""


@dataclass(frozen=True)
class SampleConfig:
    """Options of `python -m molecules.sample`."""

    n: int = 20
    """How many different molecules."""
    out: Path = Path("molecules.smi")
    """File to write: .smi, .csv or .sdf; a picture of the first goes beside it."""
    near: str | None = None
    """A SMILES: sample around this molecule instead of from the prior."""
    distance: float = 0.3
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
    import numpy as np

    from gmae_tf.utils.devices import select_device
    from molecules.chem.output import check_output, write_molecules

    if config.n < 1:
        raise UserError(f"--n is {config.n}: ask for at least one molecule")
    if not 0 < config.distance <= 1:
        raise UserError(f"--distance is {config.distance}: give a number above 0 and at most 1")
    check_output(config.out, config.properties)
    select_device("auto")
    from molecules.pretrained import load_model

    model = load_model(config.model)
    found = draw(config, model, np.random.default_rng(config.seed))
    if len(found) < config.n:
        console().print(f"only {len(found)} different molecules were found")
    write_molecules(found, config.out, config.properties, picture=config.picture)
    console().print(f"{len(found)} molecules in {config.out}", soft_wrap=True)


def draw(config: SampleConfig, model: MoleculeAutoencoder, rng: np.random.Generator) -> list[str]:
    """Canonical SMILES of the different molecules found, in order of discovery."""
    import numpy as np

    from molecules.chem.properties import canonical

    found: dict[str, None] = {}
    centre = None
    if config.near is not None:
        centre = model.encode([model.normal_form(config.near)])[0]
        found[canonical(config.near)] = None
    wanted = config.n + len(found)
    for _ in range(ATTEMPTS):
        codes = model.network.sample_codes(min(1000, 2 * config.n + 20), rng)
        if centre is not None:  # keeps the spread of the prior about the centre, however far
            codes = np.sqrt(1 - config.distance**2) * centre + config.distance * codes
        for smiles in model.decode(codes):
            text = canonical(smiles) if smiles is not None else None
            if text and not (config.new and text in model.training_strings):
                found.setdefault(text)
        if len(found) >= wanted:
            break
    return list(found)[wanted - config.n : wanted]


def main() -> None:
    """The command."""
    run_command(
        sample,
        SampleConfig,
        prog="python -m molecules.sample",
        description="Write new molecules, sampled from the latent space of a trained model.",
        user_errors=(GrammarError,),
        continues=False,
    )


if __name__ == "__main__":
    main()
