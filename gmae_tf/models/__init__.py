"""Autoencoders by name, from the plain one to variational and adversarial ones: one file each.

A file has a function that takes `Parts` and keyword options with the defaults of its source, and
returns an `Autoencoder`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_int, check_kind

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.models.config import Parts

Samples = Literal["fixed", "learnt", "ex-post"]
"""From where new codes are drawn: a prior fixed before training, one that is learnt in it, or a
density that is fitted to codes afterwards."""


@dataclass(frozen=True)
class Entry:
    """A model: where its `build` is, its name in text, its source, and how it samples."""

    where: str
    title: str
    source: str
    samples: Samples


MODELS: dict[str, Entry] = {
    "ae": Entry("ae:build", "AE", "Hinton & Salakhutdinov 2006", "ex-post"),
    "vae": Entry("vae:build", "VAE", "Kingma & Welling 2014", "fixed"),
    "beta-vae": Entry("vae:build_beta", "beta-VAE", "Higgins et al. 2017", "fixed"),
    "cv-vae": Entry("cv_vae:build", "CV-VAE", "Ghosh et al. 2020", "fixed"),
    "2s-vae": Entry("two_stage:build", "2-Stage VAE", "Dai & Wipf 2019", "learnt"),
    "vampprior": Entry("vamp:build", "VAE with VampPrior", "Tomczak & Welling 2018", "learnt"),
    "vae-flow": Entry("vae_flow:build", "VAE, flow posterior", "Kingma et al. 2016", "fixed"),
    "vae-flow-prior": Entry(
        "vae_flow:build_prior", "VAE, flow prior", "Chen et al. 2017", "learnt"
    ),
    "vae-iop": Entry("vae_iop:build", "VAE-IOP", "Takahashi et al. 2019", "learnt"),
    "wae-mmd": Entry("wae_mmd:build", "WAE-MMD", "Tolstikhin et al. 2018", "fixed"),
    "wae-gan": Entry("wae_gan:build", "WAE-GAN", "Tolstikhin et al. 2018", "fixed"),
    "aae": Entry("wae_gan:build_aae", "AAE", "Makhzani et al. 2016", "fixed"),
    "maskaae": Entry("mask_aae:build", "MaskAAE", "Mondal et al. 2020", "fixed"),
    "flexae": Entry("flex_ae:build", "FlexAE", "Mondal et al. 2021", "learnt"),
    "flexae-sr": Entry("flex_ae:build_sr", "FlexAE-SR", "Mondal et al. 2021", "learnt"),
    "vq-vae": Entry("vq_vae:build", "VQ-VAE", "van den Oord et al. 2017", "learnt"),
    "rae": Entry("rae:build", "RAE", "Ghosh et al. 2020", "ex-post"),
    "rae-l2": Entry("rae:build_l2", "RAE-L2", "Ghosh et al. 2020", "ex-post"),
    "rae-gp": Entry("rae:build_gp", "RAE-GP", "Ghosh et al. 2020", "ex-post"),
    "rae-sn": Entry("rae:build_sn", "RAE-SN", "Ghosh et al. 2020", "ex-post"),
    "injflow": Entry("inj_flow:build", "InjFlow", "Kumar et al. 2020", "fixed"),
    "eae": Entry("eae:build", "EAE", "Ghose et al. 2020", "fixed"),
    "gmae": Entry("gmae:build", "GMAE", "Saseendran et al. 2021", "fixed"),
    "gmae-unimodal": Entry(
        "gmae:build_unimodal", "GMAE, one Gaussian", "Saseendran et al. 2021", "fixed"
    ),
    "vade": Entry("vade:build", "VaDE", "Jiang et al. 2017", "learnt"),
    "gm-vae": Entry("gm_vae:build", "GM-VAE", "Dilokthanakul et al. 2016", "learnt"),
    "gmvae": Entry("gumbel:build", "GMVAE, Gumbel-softmax", "Arias Figueroa 2017", "learnt"),
    "jointvae": Entry("joint_vae:build", "JointVAE", "Dupont 2018", "fixed"),
    "cascadevae": Entry("cascade_vae:build", "CascadeVAE", "Jeong & Song 2019", "fixed"),
}


def entry(name: str) -> Entry:
    """The entry of a model in `MODELS`.  `UserError` for an unknown name."""
    if not isinstance(name, str) or name not in MODELS:
        raise UserError(f"{name!r} is no model: choose one of {', '.join(MODELS)}")
    return MODELS[name]


def build_model(parts: Parts) -> Autoencoder:
    """Build an untrained autoencoder of a named model from networks for your data.

    Parameters
    ----------
    parts : the recipe (name of a model in `MODELS`, width of the code, options), functions that
        make an encoder and a decoder of a width, and the reconstruction loss.

    Raises
    ------
    UserError: an unknown name or option.

    >>> import keras, numpy as np
    >>> from gmae_tf import build_model
    >>> from gmae_tf.losses import MeanSquaredError
    >>> from gmae_tf.models.config import Parts, Recipe
    >>> def dense(inputs, outputs):
    ...     return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])
    >>> parts = Parts(
    ...     Recipe("vae", latent_dim=2, options={"kl_weight": 0.1}),
    ...     encoder=lambda width: dense(6, width),
    ...     decoder=lambda width: dense(width, 6),
    ...     reconstruction=MeanSquaredError(),
    ...     elements=6,
    ... )
    >>> model = build_model(parts)
    >>> model.encode(np.zeros((5, 6))).shape
    (5, 2)
    """
    from gmae_tf.models.config import Parts as PartsType

    check_kind(parts, PartsType, "parts")
    recipe = parts.recipe
    check_options(recipe.model, recipe.options)
    for name in ("latent_dim", "components"):
        check_int(getattr(recipe, name), name, 1)
    model: Autoencoder = _builder(recipe.model)(parts, **recipe.options)
    if recipe.auxiliary:
        from gmae_tf.models.auxiliary import AuxiliaryObjectives

        model.use_method(
            AuxiliaryObjectives(
                model.latent_dim,
                model.method,
                **recipe.auxiliary,
                steps=recipe.steps,
                seed=recipe.seed,
            )
        )
    model.recipe = recipe
    return model


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """`UserError` for a name that is no model's, and an option or value that the model refuses."""
    known = options_of(name)
    for option, value in options.items():
        if option not in known:
            there = ", ".join(known) or "none"
            raise UserError(f"{name} has no option {option!r}; its options: {there}")
        example = known[option]
        kind = bool if isinstance(example, bool) else Real if isinstance(example, Real) else object
        whole = isinstance(example, int) and not isinstance(value, Integral)
        if whole or not isinstance(value, kind):
            what = "True or False" if kind is bool else "a whole number" if whole else "a number"
            raise UserError(f"{option} of {name} is {what}, such as {example}, not {value!r}")


def options_of(name: str) -> dict[str, Any]:
    """Keyword options of a model with their defaults."""
    parameters = list(inspect.signature(_builder(name)).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def _builder(name: str) -> Any:
    module, function = entry(name).where.split(":")
    return getattr(import_module(f"gmae_tf.models.{module}"), function)
