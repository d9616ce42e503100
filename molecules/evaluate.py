"""python -m molecules.evaluate RUN: quality of a trained model's latent space of molecules.

Writes evaluation.json, report.html and figures/*.png.  `evaluate` is what `molecules.train` ends
with: reconstruction, validity under each mask, prior samples, and a small measure of the space.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.evaluate import with_flag
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.rows import EVALUATION_DROPPED, tell_rows
from grammar.evaluate import check_folder, check_options, finish, open_output, page
from molecules.data.files import read_records
from molecules.presets import PRESETS

if TYPE_CHECKING:
    from rich.console import Console

    from grammar.decoding import DerivationMask
    from molecules.model import MoleculeAutoencoder

SOURCES = ("zinc", "download", "builtin")
RANKED_BY = "penalized_logp"
TRAINED_SAMPLES = 1_000
"""Prior samples with which the space is measured at the end of a training."""
MAX_BATCH = 500
"""Of held-out codes in the latent terms, which are relative to prior samples of that size."""


def evaluate(
    model: MoleculeAutoencoder, held_out: NDArray[np.uint8], samples: int, seed: int
) -> dict[str, Any]:
    """Measure on held-out rules [N, T] and on so many prior samples; plain numbers."""
    from gmae_tf.training.batches import SeededBatches
    from molecules.chem.metrics import summarise
    from molecules.space.metrics import evaluate_space

    rng = np.random.default_rng(seed)
    batches = SeededBatches(held_out, MAX_BATCH, seed)
    terms = model.network.evaluate(batches, verbose=0, return_dict=True)
    codes = model.network.sample_codes(samples, rng)
    decoded = model.decode_spellings(codes)
    summary = summarise(decoded, model.training_strings)
    few = min(samples, TRAINED_SAMPLES)
    written = [str(text) for text in model.codec.decode(held_out[: max(2, few // 2)])]
    space = {}
    if len(written) > 1:
        tenth = max(1, few // 10)
        space = evaluate_space(
            model, written, samples=few, pairs=tenth, neighbours=tenth, gp=few, seed=seed
        )
    return {
        "held_out_molecules": len(held_out),
        "reconstruction_nats": terms["reconstruction"],
        "exact_match": model.exact_match(held_out),
        **{name: terms[name] for name in ("ks", "covariance", "sliced") if name in terms},
        "prior_samples": summary,
        "valid_by_mask": {
            "prior": valid_by_mask(model, partial(_decoded, model, codes)),
            "random": valid_by_mask(model, partial(_random, model, samples, seed)),
        },
        "top": top(decoded),
        "space": space,
    }


def valid_by_mask(
    model: MoleculeAutoencoder, decode: Callable[[Any], list[str | None]]
) -> dict[str, float]:
    """Share of decodes that RDKit accepts, under ever more masks."""
    from grammar.cfg.characters import writes_characters
    from grammar.decoding import StackMask
    from molecules.decoding.mask import molecule_walk

    grammar, aromatic = model.grammar, not model.kekulized
    if writes_characters(grammar):  # nothing to mask by
        return {"length_aware": valid_share(decode(lambda n, steps: StackMask(grammar, n, steps)))}
    walks: dict[str, Callable[[int, int], DerivationMask]] = {
        "official": lambda n, steps: StackMask(grammar, n, steps, length_aware=False),
        "length_aware": molecule_walk(grammar, rings=False, valences=False, aromatic=aromatic),
        "rings": molecule_walk(grammar, rings=True, valences=False, aromatic=aromatic),
        "valences": molecule_walk(grammar, rings=True, valences=True, aromatic=aromatic),
    }
    return {name: valid_share(decode(walk)) for name, walk in walks.items()}


def valid_share(strings: Sequence[str | None]) -> float:
    """Share of strings that RDKit reads as a molecule; None is none."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        valid = sum(s is not None and Chem.MolFromSmiles(s) is not None for s in strings)
    return valid / max(1, len(strings))


def _decoded(model: MoleculeAutoencoder, codes: Any, walk: Any) -> list[str | None]:
    return model.codec.decode(model.decode_rules(codes, walk=walk))


def _random(model: MoleculeAutoencoder, n: int, seed: int, walk: Any) -> list[str | None]:
    """Decodes of standard normal logits: what the masks do without any model."""
    from grammar.decoding import decode_logits

    rng = np.random.default_rng(seed)
    found: list[str | None] = []
    for start in range(0, n, 1000):
        size = (min(1000, n - start), model.max_length, model.grammar.n_rules)
        logits = rng.standard_normal(size, dtype=np.float32)
        found += model.codec.decode(decode_logits(logits, model.grammar, walk=walk))
    return found


def top(smiles: Sequence[str | None], n: int = 3) -> list[dict[str, Any]]:
    """The n best different molecules by penalised logP."""
    from molecules.scoring.scorer import Scorer

    with Scorer(RANKED_BY) as scorer:
        scores = scorer.score(list(smiles))
    best = {s.canonical: s.value for s in scores if s.ok and s.canonical}
    ranked = sorted(best.items(), key=lambda pair: -(pair[1] or 0.0))[:n]
    return [{"smiles": text, "score": value} for text, value in ranked]


ROWS = {
    "exact_match": "held-out molecules reconstructed exactly (greedy)",
    "reconstruction_nats": "cross-entropy of held-out molecules, nats a molecule",
    "ks": "KS term of held-out codes (1 = prior samples)",
    "covariance": "covariance term of held-out codes (1 = prior samples)",
    "sliced": "sliced term of held-out codes (1 = prior samples)",
}


def report(results: dict[str, Any], folder: Path, screen: Console) -> None:
    """Print the numbers, and draw the best three prior samples if there are any."""
    from rich.table import Table

    from molecules.chem.draw import grid
    from molecules.space.report import tables

    table = Table("measured", "value", title=f"after {len(results['history'])} epochs")
    for name, meaning in ROWS.items():
        if name in results:
            table.add_row(meaning, f"{results[name]:.4f}")
    for name, value in results["prior_samples"].items():
        shown = f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
        table.add_row(f"prior samples: {name}", shown)
    screen.print(table)
    masks = Table("valid with masks", "prior samples", "random logits")
    for name, share in results["valid_by_mask"]["prior"].items():
        random = results["valid_by_mask"]["random"][name]
        masks.add_row(name.replace("_", "-"), f"{share:.4f}", f"{random:.4f}")
    screen.print(masks)
    best = Table("best prior samples", "penalised logP")
    for row in results["top"]:
        best.add_row(row["smiles"], f"{row['score']:.3f}")
    screen.print(best)
    if results.get("space"):
        for space_table in tables(results["space"]):
            space_table.print(screen)
        screen.print(f"more of this, drawn: python -m molecules.evaluate {folder}", soft_wrap=True)
    if not results["top"]:
        return  # no sample was a molecule
    legends = [f"{row['score']:.2f}" for row in results["top"]]
    picture = grid([row["smiles"] for row in results["top"]], folder / "top3.png", legends, 3)
    screen.print(f"drawn in {picture}")


@dataclass(frozen=True)
class SpaceConfig:
    """Options of `python -m molecules.evaluate`."""

    run: Path
    """Folder of molecules.train or molecules.pack, or compact; may also stand first, without
    --run."""
    n: int = 10_000
    """Prior samples; a tenth as many midpoints and codes with noise, and at most half as many
    held-out molecules."""
    data: str | None = None
    """zinc, of which the usual test molecules are used, or builtin or a file, of which those are
    used that were not trained on; by default those that the training held out."""
    smiles_column: str | None = None
    """Column of a .csv file that holds the SMILES; found by its name by default."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    gp: int = 2_000
    """Training codes of the Gaussian processes on held-out codes; 0 for none."""
    out: Path | None = None
    """Folder to write; that of the model by default, runs/evaluation of a shipped one."""
    jobs: int = -1
    """Processes that compute properties; one for each core by default."""
    seed: int = 0
    """Seed of the samples and of the choice of molecules."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def measure_space(config: SpaceConfig) -> None:
    """Measure the latent space on held-out molecules, print the tables, and write the page."""
    check_options(config.n, config.gp, config.data, SOURCES)
    if config.data is not None and config.data not in SOURCES:
        read_records(Path(config.data), smiles_column=config.smiles_column)  # or says what is wrong
    shipped = PRESETS.get(str(config.run))
    folder = shipped or config.run
    check_folder(folder, "molecules")
    out = open_output(config.out or (Path("runs/evaluation") if shipped else folder))

    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    from molecules.model import load
    from molecules.space.metrics import evaluate_space
    from molecules.space.report import headline, sections

    started = time.monotonic()
    model = load(folder)
    held_out = held_out_molecules(model, config, out)
    tenth = max(1, config.n // 10)
    found = evaluate_space(
        model,
        held_out,
        samples=config.n,
        pairs=tenth,
        neighbours=tenth,
        gp=config.gp,
        seed=config.seed,
        jobs=config.jobs,
    )
    made = sections(model, held_out, found, config.seed)
    shown = page("molecules.evaluate", "molecules", config.run, model, found, headline(found), made)
    finish(out, found, shown, time.monotonic() - started)


def held_out_molecules(model: MoleculeAutoencoder, config: SpaceConfig, folder: Path) -> list[str]:
    """At most n / 2 molecules that the model was not trained on, in a fixed order.

    What was read and left out of a file is printed, and listed in `folder`.

    Raises
    ------
    UserError: the model does not say what it was trained on, and no data are named; or all of the
        data were trained on.
    """
    from molecules.chem.properties import canonical
    from molecules.data.cleaning import accepted_by
    from molecules.data.sources import FORMS, load_molecules

    trained = model.details.get("config", {})
    source = config.data or trained.get("data")
    if source is None:
        raise UserError(f"{config.run} does not say what it was trained on: name it with --data")
    forms = {name: trained.get(name, False) for name in FORMS}
    forms["keep_mixtures"] = "." in model.grammar.terminals
    accepts = accepted_by(model.grammar, model.max_length)
    if config.data in (None, "zinc", "download"):
        data = load_molecules(
            source,
            data_dir=config.data_dir or trained.get("data_dir"),
            kekulize=model.kekulized,
            smiles_column=trained.get("smiles_column"),
            n=trained.get("n_data"),
            seed=trained.get("seed", 0),
            accepts=accepts,
            **forms,
        )
        held_out = list(data.held_out)
    else:
        data = load_molecules(
            source,
            kekulize=model.kekulized,
            smiles_column=config.smiles_column,
            accepts=accepts,
            held_out=0.0,
            **forms,
        )
        tell_rows([data.report], folder, console(), EVALUATION_DROPPED)
        held_out = [s for s in data.smiles if canonical(s) not in model.training_strings]
    if len(held_out) < 2:
        raise UserError(
            f"{source} has fewer than 2 molecules that were not trained on: name other ones with "
            "--data"
        )
    order = np.random.default_rng(config.seed).permutation(len(held_out))
    return [held_out[i] for i in np.sort(order[: max(2, config.n // 2)])]


def main() -> None:
    """The command."""
    run_command(
        measure_space,
        SpaceConfig,
        prog="python -m molecules.evaluate",
        description="Measure the latent space of a trained model of molecules: evaluate RUN.",
        argv=with_flag(sys.argv[1:]),
        continues=False,
    )


if __name__ == "__main__":
    main()
