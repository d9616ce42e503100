"""A sparse Gaussian process on the codes of a model's training molecules, as published for GVAE.

    python -m experiments.space.gp RUN --steps 150 --out gp.json

`bayesopt`'s `SparseGP` (Matern 5/2, 500 inducing points) predicts penalised logP and QED from the
codes: trained on nine tenths of the training molecules, tested on the others (Kusner et al. 2017).
Without GPflow, `gp_jax` does the same in JAX.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.evaluate import with_flag
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.json import write_json

FEWEST = 100
PROPERTIES = {"penalized_logp": "penalised logP", "qed": "QED"}
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ProcessConfig:
    """Options of `python -m experiments.space.gp`."""

    run: Path
    """Folder of molecules.train or experiments.space.rebuild, or compact; may also stand first,
    without --run."""
    n: int | None = None
    """Use only so many training molecules, drawn at random."""
    inducing: int = 500
    """Inducing points."""
    steps: int = 150
    """Steps of L-BFGS, for the hyper-parameters and the inducing points."""
    subset: int = 10_000
    """Codes on which these steps work; the posterior is then that of all."""
    codes: Path | None = None
    """File for codes and properties, .npz: read if it is there, else written."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    seed: int = 0
    """Seed of the split, the subset and the first inducing points."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    out: Path | None = None
    """JSON file for the result."""


def main() -> None:
    """The command."""
    run_command(
        evaluate,
        ProcessConfig,
        prog="python -m experiments.space.gp",
        description="Test a sparse Gaussian process on the codes of the training molecules of RUN.",
        argv=with_flag(sys.argv[1:]),
        continues=False,
    )


def evaluate(config: ProcessConfig) -> None:
    """Encode, fit, print, and write."""
    from grammar.evaluate import check_folder
    from molecules.model import MoleculeAutoencoder

    if min(config.inducing, config.steps, config.subset) < 1:
        raise UserError("--inducing, --steps and --subset must be greater than 0")
    if config.n is not None and config.n < FEWEST:
        raise UserError(f"--n is {config.n}: at least {FEWEST} molecules are needed")
    folder = MoleculeAutoencoder.PRESETS.get(str(config.run), config.run)
    check_folder(folder, "molecules")

    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    found = measure(_arrays(config, folder), config)
    screen = console()
    for name, title in PROPERTIES.items():
        row = found[name]
        screen.print(
            f"{title}: RMSE {row['rmse']:.4f} (standard deviation {row['std']:.4f}), mean "
            f"log-likelihood {row['ll']:.4f}; {found['training']:,} codes, {found['test']:,} "
            "tested",
            soft_wrap=True,
        )
    if config.out:
        write_json(config.out, found)


def measure(arrays: Arrays, config: ProcessConfig) -> dict[str, Any]:
    """RMSE and mean log-likelihood of each property on the tenth of the codes left out."""
    from bayesopt.surrogates.base import SurrogateConfig
    from bayesopt.surrogates.sparse_gp import SparseGP

    codes = arrays["codes"]
    order = np.random.default_rng(config.seed).permutation(len(codes))
    train, test = np.split(order, [int(0.9 * len(order))])
    settings = SurrogateConfig(
        "sgpr",
        inducing_points=config.inducing,
        kernel="matern52",
        subset=config.subset,
        iterations=config.steps,
    )
    found: dict[str, Any] = {
        "run": str(config.run),
        "steps": config.steps,
        "inducing_points": config.inducing,
        "training": len(train),
        "test": len(test),
    }
    for i, name in enumerate(PROPERTIES):
        values = arrays["values"][:, i].astype(np.float64)
        process = SparseGP(settings).fit(codes[train], values[train], seed=config.seed)
        rmse, ll = process.score(codes[test], values[test])
        found[name] = {"rmse": rmse, "ll": ll, "std": float(values[test].std())}
    return found


def _arrays(config: ProcessConfig, folder: Path) -> Arrays:
    """Codes [N, D] in 32 bits, and penalised logP and QED [N, 2]."""
    if config.codes is not None and config.codes.is_file():
        try:
            with np.load(config.codes) as file:
                return {name: file[name] for name in ("codes", "values")}
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{config.codes} is no file of this command: remove it") from error

    from molecules.data.cleaning import accepted_by
    from molecules.data.sources import load_molecules
    from molecules.model import load
    from molecules.space.metrics import PROPERTIES as COLUMNS
    from molecules.space.metrics import table

    model = load(folder)
    trained = model.details.get("config", {})
    if "data" not in trained:
        raise UserError(f"{config.run} does not say what it was trained on: train it by a command")
    data = load_molecules(
        trained["data"],
        data_dir=config.data_dir,
        kekulize=model.kekulized,
        smiles_column=trained.get("smiles_column"),
        n=config.n or trained.get("n_data"),
        seed=trained.get("seed", 0),
        accepts=accepted_by(model.grammar, model.max_length),
    )
    columns = [COLUMNS.index(name) for name in PROPERTIES]
    arrays: dict[str, NDArray[Any]] = {
        "codes": model.network.encode(model.codec.encode(data.smiles)).astype(np.float32),
        "values": table(data.smiles)[:, columns],
    }
    if config.codes is not None:
        with atomic_path(config.codes) as path:
            np.savez(path, **arrays)  # type: ignore[arg-type]  # of NumPy's stubs
    return arrays


if __name__ == "__main__":
    main()
