"""Settings of a training in `experiments.space`, and the untrained network of such settings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder
    from grammar.autoencoder.architectures import Architecture
    from grammar.cfg.grammar import Grammar

RESULTS = Path(__file__).parent / "results"
"""What was measured."""
GRAMMARS = {"molecules": ("smiles_compact", 108), "expressions": ("arithmetic", 15)}
"""Grammar, and length in rules."""
MOLECULES: dict[str, Any] = {"kekulized": True, "ring_sizes": [3, 4, 5, 6, 7]}
"""What a model of molecules says of itself; the usual ring sizes of ZINC 250k
(`molecules.chem.rings`)."""


@dataclass(frozen=True)
class Settings:
    """A model, its loss, and the seconds of its training."""

    name: str = "space"
    """Of the files that are written."""
    kind: Literal["molecules", "expressions"] = "molecules"
    """What the strings are."""
    model: str = "gmae"
    """Name of a model in gmae_tf.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Options of that model."""
    latent: int = 56
    """Dimensions of the latent space."""
    seed: int = 0
    """Of weights, batches and measures."""
    architecture: Literal["sequence", "autoregressive"] = "sequence"
    """Encoder: a transformer, or a perceptron over all places."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes of the architecture that differ from its defaults."""
    batch: int = 1000
    """Strings of a step."""
    rate: float = 1e-3
    """Largest learning rate."""
    warm: float = 0.03
    """Share of the training in which the learning rate rises."""
    ks: float = 10.0
    """Weight of the KS term."""
    covariance: float = 10.0
    """Weight of the covariance term."""
    sliced: float = 5.0
    """Weight of the sliced term."""
    reconstruction: float = 10.0
    """Weight of the cross-entropy in nats."""
    noise: float = 0.6
    """Largest standard deviation of the noise on codes."""
    ramp: float = 0.3
    """Share of the training in which the noise rises."""
    least: float = 0.0
    """Smallest standard deviation, as a share of the largest."""
    heads: bool = True
    """Prediction heads, for molecules."""
    head_weight: float = 60.0
    """Weight of their mean squared error."""
    linear: bool = True
    """A linear layer beside their perceptron."""
    spelled: float = 0.0
    """Share of molecules whose input is a random SMILES."""
    seconds: float = 120.0
    """Of training, without the time of compilation."""
    steps: int | None = None
    """Most steps; as many as the seconds allow by default."""
    chunk: int = 50
    """Steps in one call of the device."""
    crop: int = 72
    """Rules of most steps; every tenth call takes longer molecules, too."""
    bf16: bool = True
    """Compute in 16 bits."""
    n: int | None = None
    """Use only so many of the official expressions."""
    hidden: float = 0.0363
    """Expressions that score this or less are left out: they are what searches are to find."""
    samples: int = 2000
    """Prior samples that are measured."""
    held_out: int = 2000
    """Held-out molecules that are measured."""
    gp: Literal["full", "small", "none"] = "small"
    """Codes for the Gaussian process: all, 11,000, none."""
    jobs: int = 3
    """Processes that compute properties."""


def read_settings(path: Path) -> Settings:
    """The settings of a JSON file; what it leaves out has its default."""
    return Settings(**json.loads(path.read_text(encoding="utf-8")))


def build(
    settings: Settings, grammar: Grammar, length: int, heads: int
) -> tuple[Autoencoder, Architecture]:
    """The untrained network for sequences of so many rules, with so many prediction heads."""
    import keras

    from gmae_tf.models.config import Recipe
    from grammar.autoencoder.architectures import Architecture, build_from_recipe

    keras.utils.set_random_seed(settings.seed)
    recipe = Recipe(
        settings.model,
        settings.latent,
        options=settings.model_options,
        reconstruction_weight=settings.reconstruction,
        penalty={
            "ks": settings.ks,
            "covariance": settings.covariance,
            "sliced": settings.sliced,
        },
        auxiliary={
            "noise": settings.noise,
            "ramp": settings.ramp,
            "least": settings.least,
            "heads": heads,
            "head_weight": settings.head_weight,
            "linear": settings.linear,
        },
        steps=10**9,  # the training itself says how much of it is done
        seed=settings.seed,
    )
    architecture = Architecture(settings.architecture, settings.sizes)
    return build_from_recipe(recipe, grammar, length, architecture), architecture
