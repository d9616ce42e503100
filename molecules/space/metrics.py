"""Quality of a latent space of molecules: prior samples, midpoints, noise on codes, regression."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import QED, Descriptors

from gmae_tf.errors import UserError
from gmae_tf.metrics.regression import gaussian_process_score
from gmae_tf.metrics.sets import frechet_distance
from gmae_tf.utils.parallel import map_chunks
from grammar.autoencoder.space import (
    LEVELS,
    check_counts,
    ex_post,
    latent_terms,
    midpoints,
    noisy,
)
from molecules.chem.penalized import ZINC, largest_ring, logp, synthetic_accessibility
from molecules.chem.properties import canonical, fingerprint
from molecules.data.cleaning import string_list
from molecules.data.kekulize import kekulize_all
from molecules.model import MoleculeAutoencoder

PROPERTIES = ("penalized_logp", "qed", "sa", "logp", "weight", "largest_ring")
REGRESSED = ("penalized_logp", "qed")
"""Properties that Gaussian processes on codes predict."""
FCD_PACKAGES = ("fcd", "fcd_torch")


def evaluate_space(
    model: MoleculeAutoencoder,
    held_out: Iterable[str],
    *,
    samples: int = 10_000,
    pairs: int = 1_000,
    neighbours: int = 1_000,
    gp: int = 2_000,
    seed: int = 0,
    jobs: int = -1,
) -> dict[str, Any]:
    """Measures of a latent space of molecules: is it smooth, does it match its prior, as a dict.

    - `exact`: share of the held-out molecules that greedy decoding reconstructs
    - `terms`: KS, covariance and sliced term of held-out codes, 1 for samples of the prior
    - `prior`: mean properties of prior samples, and 1-Wasserstein distances to the held-out
      molecules of logP, SA, QED and weight, as in MOSES (Polykovskiy et al. 2020)
    - `ex_post`: the same of samples of a Gaussian fitted to the codes
    - `midpoints`: mean properties of decodes half-way between the codes of random pairs
    - `data`: mean properties of the held-out molecules
    - `noise`: decodes of codes with Gaussian noise of standard deviation 0.3, 0.6 and 1.0: share of
      the same molecule, Tanimoto similarity, absolute change of penalised logP
    - `gp`: `gmae_tf.metrics.regression.gaussian_process_score` from codes to penalised logP and QED
    - `fcd`: Fréchet ChemNet distance (Preuer et al. 2018) of the prior samples to the held-out
      molecules, if the package fcd or fcd_torch is installed, else None

    Parameters
    ----------
    held_out : SMILES that the model was not trained on, at least 2.
    samples, pairs, neighbours : prior samples, midpoints, and codes with noise.
    gp : training codes of the Gaussian processes, 0 for none.
    jobs : processes that compute properties, -1 for one on each core.

    Raises
    ------
    UserError: fewer than 2 molecules, no molecule, or one outside the model's grammar or too long.

    Examples
    --------
    >>> import molecules
    >>> model = molecules.load("compact")
    >>> held_out = ["CC(=O)Oc1ccccc1C(=O)O", "CCOC(=O)c1ccccc1", "Cc1ccccc1NC(=O)C"]
    >>> found = molecules.evaluate_space(model, held_out, samples=20, pairs=5, neighbours=3)
    >>> found["prior"]["valid"]
    1.0
    >>> sorted(found["prior"]["wasserstein"])
    ['logp', 'qed', 'sa', 'weight']
    """
    check_counts(samples, pairs, neighbours)
    spelled = string_list(held_out)
    if len(spelled) < 2:
        raise UserError("a latent space is measured on at least 2 held-out molecules: give more")
    rules = model.codec.encode(kekulize_all(spelled, jobs=jobs) if model.kekulized else spelled)
    rng = np.random.default_rng(seed)
    codes = model.network.encode(rules)
    written = [str(text) for text in model.codec.decode(rules)]
    decoded = model.decode_spellings(codes)
    data = table(written, jobs)
    found: dict[str, Any] = {
        "held_out_molecules": len(rules),
        "exact": float(np.mean([a == b for a, b in zip(decoded, written, strict=True)])),
        "terms": latent_terms(model, codes, seed),
        "data": summary(data),
    }
    drawn = {
        "prior": model.network.sample_codes(samples, rng),
        "ex_post": ex_post(codes, samples, rng),
    }
    for name, points in drawn.items():
        strings = model.decode_spellings(points)
        found[name] = _described(strings, data, jobs)
        if name == "prior":
            found["fcd"] = frechet_chemnet_distance(strings, written)
    middle = midpoints(codes, pairs, rng)
    found["midpoints"] = summary(table(model.decode_spellings(middle), jobs))
    rows = rng.permutation(len(codes))[:neighbours]
    kept = [written[i] for i in rows]
    found["noise"] = {}
    for level in LEVELS:
        texts = model.decode_spellings(noisy(codes[rows], level, rng))
        change = np.abs(table(texts, jobs)[:, 0] - data[rows, 0])
        found["noise"][str(level)] = _changed(kept, texts, _finite(change))
    if gp:
        found["gp"] = {
            name: gaussian_process_score(
                codes, data[:, PROPERTIES.index(name)], train=gp, seed=seed
            )
            for name in REGRESSED
        }
    return found


def _described(
    strings: Sequence[str | None], data: NDArray[np.float64], jobs: int
) -> dict[str, Any]:
    """Mean properties of strings, and their distances to a table [N, 6] of the data."""
    values = table(strings, jobs)
    return summary(values) | {
        "distinct": len(set(strings)) / len(strings),
        "wasserstein": {
            name: _distance(values[:, i], data[:, i])
            for i, name in enumerate(PROPERTIES[1:5], start=1)
        },
    }


def _changed(
    before: Sequence[str], after: Sequence[str | None], change: NDArray[np.float64]
) -> dict[str, float]:
    """What noise made of molecules; `change` of penalised logP, of the valid ones."""
    return {
        "same": float(np.mean([a == b for a, b in zip(before, after, strict=True)])),
        "similarity": similarity(before, after),
        "change": float(np.mean(change)) if len(change) else float("nan"),
        "median_change": float(np.median(change)) if len(change) else float("nan"),
    }


def frechet_chemnet_distance(
    some: Sequence[str | None], others: Sequence[str | None]
) -> float | None:
    """FCD of two lists of SMILES (Preuer et al. 2018), lower is better.

    By the ChemNet of the package fcd or fcd_torch; None where neither is installed, or of fewer
    than two molecules.  What is no molecule is left out.
    """
    features = _chemnet()
    lists = [[canonical(s) for s in part if s and _read(s)] for part in (some, others)]
    if features is None or min(map(len, lists)) < 2:
        return None
    return frechet_distance(*map(features, lists))


def _chemnet() -> Callable[[list[str]], Any] | None:
    """SMILES [N] -> activations of ChemNet [N, 512], in this process, without a fork of it."""
    for name in FCD_PACKAGES:
        try:
            package = importlib.import_module(name)
        except ImportError:
            continue
        if name == "fcd":
            network = package.load_ref_model()
            return partial(package.get_predictions, network, n_jobs=0, device="cpu")
        return package.FCD(device="cpu", n_jobs=1).get_predictions  # type: ignore[no-any-return]
    return None


def properties(smiles: str | None) -> tuple[float, ...]:
    """PROPERTIES of a SMILES; NaN for what is no molecule."""
    mol = _read(smiles)
    if mol is None:
        return (float("nan"),) * len(PROPERTIES)
    return (
        ZINC.score(mol),
        float(QED.qed(mol)),
        synthetic_accessibility(mol),
        logp(mol),
        float(Descriptors.MolWt(mol)),  # type: ignore[attr-defined]  # missing in RDKit's stubs
        float(largest_ring(mol)),
    )


def table(smiles: Sequence[str | None], jobs: int = -1) -> NDArray[np.float64]:
    """`properties` of each [N, 6]."""
    return np.array(map_chunks(properties, smiles, "properties", jobs=jobs))


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """Share of valid molecules in a table [N, 6]; their means and the share with large rings."""
    valid = np.isfinite(values[:, 0])
    kept = values[valid]
    if not len(kept):
        return {"valid": 0.0}
    return {
        "valid": float(valid.mean()),
        **{name: float(kept[:, i].mean()) for i, name in enumerate(PROPERTIES)},
        "median_penalized_logp": float(np.median(kept[:, 0])),
        "rings_above_7": float((kept[:, -1] > 7).mean()),
    }


def similarity(some: Sequence[str | None], others: Sequence[str | None]) -> float:
    """Mean Tanimoto similarity of pairs (Morgan, radius 2, 2,048 bits); 0 for no molecule."""
    return float(np.mean([_similarity(*pair) for pair in zip(some, others, strict=True)]))


def _similarity(one: str | None, other: str | None) -> float:
    mols = [_read(text) for text in (one, other)]
    return 0.0 if None in mols else float(DataStructs.TanimotoSimilarity(*map(fingerprint, mols)))


def _read(smiles: str | None) -> Any:
    """The RDKit molecule of a SMILES, or None."""
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles) if smiles else None


def _distance(some: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """1-Wasserstein distance of the finite values; NaN where there are none."""
    from scipy.stats import wasserstein_distance  # a second of imports

    some, others = _finite(some), _finite(others)
    return float(wasserstein_distance(some, others)) if len(some) and len(others) else float("nan")


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]
