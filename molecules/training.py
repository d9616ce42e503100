"""Fitting a network to the rules of molecules."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.models.options import ModelOptions
from gmae_tf.utils.parallel import map_chunks

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.training.batches import AnnotatedSequences
    from grammar.cfg.grammar import Grammar

FEWEST = 50
"""Molecules to train on."""
VALIDATION = 0.02
"""Share of the training molecules that only choose the best epoch."""
SPELLINGS = 3
"""Random SMILES of each molecule."""
FITTED = 30_000
"""Molecules at most that the targets of the heads are standardised by."""


def check_number(n: int) -> None:
    """`UserError` if n molecules are too few to train on."""
    if n < FEWEST:
        raise UserError(f"{n} molecules are too few to train on: give at least {FEWEST}")


def check_options(positive: Mapping[str, float], options: Iterable[str]) -> None:
    """`UserError` for numbers that are not above 0, and for what is no option of a model."""
    for name, value in positive.items():
        if not isinstance(value, Real) or value <= 0:
            raise UserError(f"{name} must be greater than 0, not {value!r}")
    known = [option.name for option in fields(ModelOptions)]
    for name in options:
        if name not in known:
            raise UserError(f"there is no option {name!r}: choose among {', '.join(known)}")


def usable(
    smiles: Iterable[str], grammar: Grammar | None, kekulize: bool, longest: int | None
) -> tuple[str, ...]:
    """The spellings of different molecules that a grammar (None: any characters) can write.

    Raises
    ------
    UserError: too few.

    Warns
    -----
    UserWarning: molecules are left out, with the first and the reason.
    """
    from molecules.data.cleaning import accepted_by, string_list
    from molecules.data.sources import load_molecules

    accepts = accepted_by(grammar, longest)
    data = load_molecules(string_list(smiles), kekulize=kekulize, accepts=accepts, held_out=0.0)
    report = data.report
    if report.dropped:
        place, text, reason = report.dropped[0]
        warnings.warn(
            f"{len(report.dropped)} of {report.read} molecules are left out (the first, index "
            f"{place}, {text!r}: {reason})",
            stacklevel=3,
        )
    check_number(len(data.smiles))
    return data.smiles


def fit_network(
    network: Autoencoder,
    rules: NDArray[np.uint8] | AnnotatedSequences,
    padding: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: Literal["plateau", "cosine"],
    length_parts: int = 2,
    seed: int = 0,
    folder: Path | None = None,
    verbose: bool = True,
) -> list[dict[str, float]]:
    """Fit to rules [N, T], a random share of which chooses the best epoch; losses by epoch.

    They may come with targets of heads and other spellings, see `annotated`.

    Parameters
    ----------
    padding : number of the rule that fills short sequences.
    length_parts : parts of similar length into which a batch is cut, to save padding.
    folder : run folder, in which a repeated call continues an interrupted training.
    """
    import keras

    from gmae_tf.training.batches import (
        AnnotatedSequences,
        LengthBatches,
        SeededBatches,
        TargetBatches,
    )
    from gmae_tf.training.fit import fit

    order = np.random.default_rng(seed).permutation(len(rules))
    validation, kept = np.split(order, [max(1, int(VALIDATION * len(rules)))])
    make: Any = partial(LengthBatches, padding=padding, parts=length_parts)
    # Other networks have one length, and JAX compiles anew for each.
    if not network.autoregressive or keras.backend.backend() != "tensorflow":
        make = SeededBatches
    examples: Any = rules
    if isinstance(rules, AnnotatedSequences):
        make = TargetBatches
    return fit(
        network,
        examples[kept],
        examples[validation],
        folder,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        xla=False,
        seed=seed,
        make_batches=make,
        verbose=verbose,
    )


def annotated(
    rules: NDArray[np.uint8],
    smiles: Sequence[str],
    grammar: Grammar,
    *,
    descriptors: bool,
    spelled: float,
    kekulize: bool,
    seed: int,
    folder: Path,
) -> NDArray[np.uint8] | AnnotatedSequences:
    """Rules [N, T] with targets of heads and random spellings; as they are if neither is wanted.

    Parameters
    ----------
    descriptors : compute the targets, and keep how they are standardised in targets.npz.
    spelled : share of molecules whose input is a random SMILES.
    """
    if not descriptors and not spelled:
        return rules
    from gmae_tf.training.batches import AnnotatedSequences

    targets = spellings = None
    if descriptors:
        from molecules.chem.descriptors import HeadTargets, describe, morgan_counts

        described = np.stack(map_chunks(describe, smiles, "descriptors"))
        counts = np.stack(map_chunks(morgan_counts, smiles, "Morgan counts"))
        rows = np.random.default_rng(seed).permutation(len(smiles))[:FITTED]
        standardise = HeadTargets.fit(np.nan_to_num(described[rows]), counts[rows])
        standardise.save(folder / "targets.npz")
        targets = standardise(described, counts).astype(np.float16)
    if spelled:
        from molecules.data.augmentation import random_spellings

        spellings = random_spellings(smiles, grammar, rules.shape[1], SPELLINGS, seed, kekulize)
    return AnnotatedSequences(rules, targets, spellings, spelled)
