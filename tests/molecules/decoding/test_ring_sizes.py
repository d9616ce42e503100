"""Sizes of rings: no decode has a larger ring than is allowed, and molecules can be written."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from gmae_tf.errors import UserError
from grammar.codec import RuleCodec
from grammar.decoding import decode_logits
from grammar.library import load_grammar
from molecules.chem.rings import usual_ring_sizes
from molecules.decoding.mask import limits_rings, molecule_walk
from tests.molecules.decoding.test_mask import LOVES, biased_logits, refused, valid

COMPACT = load_grammar("smiles_compact").grammar
SIZES = {"usual": [3, 4, 5, 6, 7], "five and six": [5, 6], "three": [3], "none": []}


@pytest.fixture(scope="module")
def walks():
    return {
        name: molecule_walk(COMPACT, aromatic=False, ring_sizes=sizes)
        for name, sizes in SIZES.items()
    }


def ring_sizes(smiles: str) -> list[int]:
    mol = Chem.MolFromSmiles(smiles)  # which the rings do not keep alive
    return [len(ring) for ring in mol.GetRingInfo().AtomRings()]


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(SIZES)),
    st.integers(0, 90),
    st.sampled_from(LOVES),
    st.sampled_from([0.0, 2.0, 10.0]),
)
def test_no_ring_is_larger_than_the_largest_size(walks, seed, name, extra, love, scale):
    steps = int(COMPACT.min_cost_lhs[0]) + extra
    logits = biased_logits(np.random.default_rng(seed), COMPACT, 60, steps, love, scale)
    decoded = RuleCodec(COMPACT, steps).decode(decode_logits(logits, COMPACT, walk=walks[name]))
    assert [smiles for smiles in decoded if not valid(smiles)] == []
    largest = max(SIZES[name], default=0)
    assert [s for s in decoded if max(ring_sizes(s), default=0) > largest] == []


def test_without_a_limit_there_are_larger_rings_and_with_gaps_few_others(walks):
    logits = biased_logits(np.random.default_rng(0), COMPACT, 300, 60, "12345678", 1.0)
    logits[..., ["[" in str(rule) for rule in COMPACT.rules]] = -50
    shares = []
    for walk in (molecule_walk(COMPACT, aromatic=False), walks["five and six"]):
        decoded = RuleCodec(COMPACT, 60).decode(decode_logits(logits, COMPACT, walk=walk))
        sizes = [size for smiles in decoded for size in ring_sizes(smiles)]
        shares.append([np.mean(np.array(sizes) > 6), np.mean(np.isin(sizes, [5, 6]))])
    assert shares[0][0] > 0.2
    assert shares[1][0] == 0
    assert shares[1][1] > 0.7


@pytest.mark.parametrize(
    "smiles",
    [
        "C1CCCCCC1",
        "C1CCCCCN1",
        "C1CCCCC[NH2+]1",
        "C1CCCCC=1",
        "C1=CC=C2C=C3C=CC=CC3=CC2=C1",
        "CC1=CN=C2C=CC=CN12",  # the first closure at N is of 9 atoms, the second one parts it
        "C1CC2CCC1C2",
        "C1=CCOC2=CC3=C(C=C12)CCCO3",  # as above, and the second ring could close behind a branch
        "C12C3C4C1C5C2C3C45",
        "C1CC(CCCCCCCC2CC(CCCCCCC)CC2)CC1",  # each ring is closed on its own level of branches
        "O=C1CC2(CCCC2)CC1=O",
    ],
)
def test_molecules_of_small_rings_are_allowed(walks, smiles):
    assert refused(COMPACT, walks["usual"], [smiles], 108) == {}


@pytest.mark.parametrize("smiles", ["C1CCCCCCC1", "C1CCCCCCCCCCC1", "C1CCC(CCCC1)CC"])
def test_larger_rings_are_refused(walks, smiles):
    assert list(refused(COMPACT, walks["usual"], [smiles], 108)) == [smiles]
    assert refused(COMPACT, molecule_walk(COMPACT, ring_sizes=[3, 9, 8, 12]), [smiles], 108) == {}


def test_a_size_between_others_is_refused(walks):
    walk = molecule_walk(COMPACT, ring_sizes=[5, 7])
    assert refused(COMPACT, walk, ["C1CCCC1", "C1CCCCCC1"], 108) == {}
    assert refused(COMPACT, walk, ["C1CCCCC1"], 108) == {"C1CCCCC1": "tail_1 -> '1'"}


def test_wrong_arguments():
    assert limits_rings(COMPACT)
    assert not limits_rings(load_grammar("smiles").grammar)
    with pytest.raises(UserError, match="such as smiles_compact"):
        molecule_walk(load_grammar("smiles").grammar, ring_sizes=[5, 6])
    for wrong in ([2, 5], [100], ["5"]):
        with pytest.raises(UserError, match="give sizes from 3"):
            molecule_walk(COMPACT, ring_sizes=wrong)


def test_usual_sizes_are_those_of_at_least_one_molecule_in_200():
    data = ["CCO"] * 300 + ["C1CC1C2CCCCC2", "C1CC1"]
    assert usual_ring_sizes(data) == [3]
    assert usual_ring_sizes(["CCO"]) == []


@pytest.mark.data
def test_molecules_of_zinc_are_allowed_at_every_step(data_dir, walks):
    with gzip.open(data_dir / "zinc250k.smi.gz", "rt") as file:
        smiles = file.read().split()[::125]
    kekulised = []
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        if max(ring_sizes(text), default=0) <= 7:
            Chem.Kekulize(mol, clearAromaticFlags=True)
            kekulised.append(Chem.MolToSmiles(mol, kekuleSmiles=True))
    no = refused(COMPACT, walks["usual"], kekulised, 108)
    # Bridged rings, where a later atom parts a larger ring.
    assert len(no) <= 0.003 * len(kekulised), no
