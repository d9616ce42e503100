"""python -m molecules.sample: new molecules from the prior, or around a given one."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    max_heavy_atoms: int | None = None
    """Heavy atoms that a molecule may have."""
    max_sa: float | None = None
    """Largest synthetic accessibility, from 1 (easy to make) to 10."""
    alerts: bool = True
    """--no-alerts leaves out molecules with structural alerts (PAINS, BRENK)."""
    require: str | None = None
    """Comparisons of properties, as in "1 <= logp <= 3 and tpsa < 90"."""
    domain: bool = False
    """Only molecules in the domain of applicability of the training molecules: atom environments,
    their numbers, ring sizes and sizes that occur among them, and no structural alerts."""
    properties: tuple[str, ...] = ("logp", "qed", "sa")
    """What to compute, see molecules.chem.properties: columns of a .csv or .sdf file, and what the
    picture says below each molecule."""
    picture: bool = True
    """Draw the molecules (at most 60) into a .png beside the file."""
    seed: int = 0
    """Seed of the draws."""


def sample(config: SampleConfig) -> None:
    """Draw, decode, and write what is new to the list."""
    from molecules.chem.constraints import Constraints
    from molecules.chem.domain import FILE as DOMAIN
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
    constraints = Constraints(
        max_heavy_atoms=config.max_heavy_atoms,
        max_sa=config.max_sa,
        no_alerts=not config.alerts,
        require=() if config.require is None else (config.require,),
    )
    folder = find_model(config.model or "compact")
    if config.domain and not (folder / DOMAIN).is_file():
        raise UserError(
            f"{folder} has no domain of applicability: leave out --domain, or let molecules.pack "
            "make a model that has one"
        )

    from gmae_tf.utils.devices import select_device

    select_device("auto")
    model = load(folder)
    if config.domain:
        constraints = replace(constraints, domain=model.domain)
    with warnings_printed():
        found = model.sample(
            config.n,
            seed=config.seed,
            near=config.near,
            distance=config.distance,
            new=config.new,
            constraints=constraints,
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
