"""Targets of prediction heads."""

from __future__ import annotations

import numpy as np

from molecules.chem.descriptors import NAMES, HeadTargets, describe, morgan_counts
from molecules.data.builtin import builtin_molecules


def test_targets_have_one_scale_and_do_not_depend_on_the_spelling(tmp_path):
    smiles = list(builtin_molecules(300, 0))
    described = np.stack([describe(text) for text in smiles])
    counts = np.stack([morgan_counts(text) for text in smiles])
    targets = HeadTargets.fit(described, counts, components=16)
    found = targets(described, counts)
    assert found.shape == (300, targets.size)
    assert np.isfinite(found).all()
    varied = found[:, : len(NAMES)].std(axis=0)
    assert np.isclose(varied[varied > 0.5], 1.0, atol=0.05).all()
    assert np.isclose(np.square(found[:, len(NAMES) :]).sum(axis=1).mean(), len(NAMES), rtol=0.01)
    targets.save(tmp_path / "targets.npz")
    loaded = HeadTargets.load(tmp_path / "targets.npz")
    assert np.allclose(loaded.of(["OCC"]), targets.of(["CCO"]))


def test_neither_logp_nor_sa_nor_qed_is_a_target():
    assert not {"logp", "sa", "qed", "penalized_logp"} & set(NAMES)
