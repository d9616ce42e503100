"""Properties against published values, RDKit's other routes, hand counts and rewritten SMILES."""

from __future__ import annotations

import gzip
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, Descriptors

from gmae_tf.errors import UserError
from molecules.chem.penalized import RAW, ZINC, Normalisation, largest_ring, terms
from molecules.chem.properties import (
    PROPERTIES,
    canonical,
    find,
    has_alerts,
    parse,
    similarity_to,
)
from molecules.data.cleaning import Policy, clean_smiles
from molecules.data.kekulize import kekulize_smiles

DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "ibuprofen": "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O",
    "spiro": "COc1ccc2c(c1)[C@@]1(C(=O)N2)[C@H]2C(=O)N(c3cccc(Cl)c3)C(=O)[C@@H]2[C@H]2CCCN21",
    "adamantane": "C1C2CC3CC1CC(C2)C3",
}
PUBLISHED = [  # logP, SA, logP - SA - cycle, constants A, constants B
    ("C(CCC)CCCCCCCC", 4.9272, 1.1675, 3.7597, 4.1535, 4.1516),
    ("CCCCCCCCCCCC", 4.9272, 1.1675, 3.7597, 4.1535, 4.1516),
    ("CCCCCCCCCCC", 4.5371, 1.1946, 3.3425, 3.8491, 3.8470),
    ("CCCCCc1cccc(c1)", 3.4193, 1.1542, 2.2651, 3.1182, 3.1156),
    ("CCCCc1ccccc1", 3.0292, 1.1050, 1.9242, 2.9053, 2.9025),
]


@pytest.mark.parametrize("name", ["sa", "qed", "logp", "penalized_logp", "tpsa", "heavy_atoms"])
def test_hydrogens_as_atoms_change_nothing(name):
    mol = Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1")
    assert find(name)(Chem.AddHs(mol)) == pytest.approx(find(name)(mol))


@pytest.mark.parametrize(("smiles", "logp", "sa", "raw", "a", "b"), PUBLISHED)
def test_penalised_logp_and_its_parts_are_the_published_ones(
    smiles: str, logp: float, sa: float, raw: float, a: float, b: float
) -> None:
    names = ("logp", "sa", "penalized_logp_raw", "penalized_logp", "penalized_logp_b")
    assert [find(name)(smiles) for name in names] == pytest.approx([logp, sa, raw, a, b], abs=1e-3)
    assert largest_ring(parse(smiles)) in (0, 6)


@pytest.mark.parametrize(("carbons", "score"), [(38, 11.19), (60, 16.64), (69, 18.81), (81, 21.67)])
def test_alkanes_grow_without_bound(carbons: int, score: float) -> None:
    assert find("penalized_logp")("C" * carbons) == pytest.approx(score, abs=6e-3)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CCCCC1cccc(c1)", "Can't kekulize"),
        ("C(C)(C)(C)(C)C", "Explicit valence"),
        ("C1CC", "unclosed ring"),
        ("CC)C", "extra close parentheses"),
        ("xyz", "syntax error"),
        ("", "without blanks"),
        ("CC ethane", "without blanks"),
    ],
)
def test_what_is_no_molecule_is_refused_with_the_reason_and_in_silence(
    smiles: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="is not a molecule") as error:
        parse(smiles)
    assert repr(smiles) in str(error.value)
    if reason == "without blanks" or hasattr(Chem.rdBase, "CaptureErrorLog"):
        assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize("smiles", DRUGS.values(), ids=DRUGS)
def test_every_property_is_the_same_however_the_molecule_is_written(smiles: str) -> None:
    mol = parse(smiles)
    for i in range(5):
        other = Chem.MolToRandomSmilesVect(mol, 1, randomSeed=i + 1)[0]
        assert canonical(other) == canonical(smiles)
        for name, prop in PROPERTIES.items():
            assert prop(other) == pytest.approx(prop(smiles), abs=1e-9), name


def test_numbers_of_aspirin_counted_by_hand() -> None:
    found = {name: prop(DRUGS["aspirin"]) for name, prop in PROPERTIES.items()}
    weight = 9 * 12.011 + 8 * 1.008 + 4 * 15.999
    expected = {"heavy_atoms": 13, "rings": 1, "aromatic_rings": 1, "largest_ring": 6, "hbd": 1}
    assert {name: found[name] for name in expected} == expected
    assert found["molecular_weight"] == pytest.approx(weight, abs=0.01)
    assert found["tpsa"] == pytest.approx(26.30 + 37.30, abs=0.01)  # ester and acid, Ertl 2000
    assert (found["brenk"], found["pains"], found["alerts"]) == (1, 0, 1)  # a phenol ester
    assert found["rotatable_bonds"] == 2
    assert all(math.isfinite(value) for value in found.values())


def test_properties_equal_rdkit_descriptor_list() -> None:
    names = {
        "logp": "MolLogP",
        "qed": "qed",
        "heavy_atoms": "HeavyAtomCount",
        "hbd": "NumHDonors",
        "hba": "NumHAcceptors",
        "rings": "RingCount",
    }
    for smiles in DRUGS.values():
        listed = Descriptors.CalcMolDescriptors(Chem.MolFromSmiles(smiles))
        for ours, theirs in names.items():
            assert find(ours)(smiles) == pytest.approx(listed[theirs]), (ours, smiles)


def test_alerts_of_quinone_and_of_a_clean_molecule() -> None:
    assert find("pains")("O=C1C=CC(=O)C=C1") == 1
    assert has_alerts(parse("O=C1C=CC(=O)C=C1"))
    assert find("alerts")("CCCCc1ccccc1") == 0
    assert not has_alerts(parse("CCCCc1ccccc1"))


def test_similarity_equals_a_count_of_bits() -> None:
    def bits(smiles: str) -> set[int]:
        generator = AllChem.GetMorganGenerator(radius=2, fpSize=2048)
        return set(generator.GetFingerprint(Chem.MolFromSmiles(smiles)).GetOnBits())

    for one, other in itertools.combinations(DRUGS.values(), 2):
        shared, either = len(bits(one) & bits(other)), len(bits(one) | bits(other))
        assert similarity_to(one)(other) == pytest.approx(shared / either)
        assert find("similarity", to=one)(one) == 1.0


RINGS = {
    "CCO": 0,
    "C1CC1": 3,
    "c1ccc2ccccc2c1": 6,
    "C1CCC2(CC1)CCCC2": 6,
    "C1CCCCCCCCC1": 10,
    "c1ccc2c(c1)CCCCC2": 7,
}


@pytest.mark.parametrize(("smiles", "size"), [*RINGS.items(), ("C1CC2CCC1C2", 5)])
def test_largest_ring_by_hand(smiles: str, size: int) -> None:
    mol = parse(smiles)
    assert largest_ring(mol) == size
    assert terms(mol)[2] == -max(0, size - 6)


def test_largest_ring_is_the_published_one_where_no_ring_is_bridged() -> None:
    networkx = pytest.importorskip("networkx")
    for smiles, size in RINGS.items():
        graph = networkx.Graph(Chem.GetAdjacencyMatrix(parse(smiles)))
        assert max(map(len, networkx.cycle_basis(graph)), default=0) == size


def test_normalisation_by_the_datas_own_numbers_has_mean_zero_and_the_stated_scale() -> None:
    mols = [parse(s) for s in (*DRUGS.values(), "C1CCCCCCCCC1")]
    own = Normalisation.of(map(terms, mols))
    prop = find("penalized_logp_data", normalisation=own)
    assert np.mean([prop(mol) for mol in mols]) == pytest.approx(0, abs=1e-12)
    raw = find("penalized_logp_raw")
    assert [RAW.score(mol) for mol in mols] == [raw(mol) for mol in mols]
    logp, _, ring = terms(mols[-1])
    assert ring == -4.0
    same_logp = Normalisation((logp, *ZINC.means[1:]), ZINC.stds)
    assert ZINC.score(mols[-1]) - same_logp.score(mols[-1]) == pytest.approx(
        (logp - ZINC.means[0]) / ZINC.stds[0]
    )


def test_normalisation_of_equal_terms_is_centred_and_of_no_terms_refused() -> None:
    assert Normalisation.of([(1.0, -2.0, 0.0)] * 3).stds == (1.0, 1.0, 1.0)
    for bad in ([], [(math.nan, 0.0, 0.0)]):
        with pytest.raises(UserError, match="at least one molecule"):
            Normalisation.of(bad)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("logq", "did you mean logp"),
        ("zzz", "choose one of logp"),
        ("similarity", "--to"),
        ("penalized_logp_data", "normalisation of the data"),
    ],
)
def test_a_property_that_cannot_be_found(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find(name)


@pytest.mark.data
def test_zinc_has_the_published_normalisation(data_dir: Path) -> None:
    with gzip.open(data_dir / "zinc250k.smi.gz", "rt") as file:
        smiles = [line.strip() for line in itertools.islice(file, 0, None, 100)]
    found = Normalisation.of(terms(parse(s)) for s in smiles)
    error = np.array(found.stds) / math.sqrt(len(smiles))
    assert (np.abs(np.subtract(found.means, ZINC.means)) < 4 * error).all()
    # The third is carried by a few macrocycles and needs all molecules.
    assert np.allclose(found.stds[:2], ZINC.stds[:2], rtol=0.05)


def test_what_rdkit_cannot_quote_is_refused_all_the_same() -> None:
    with pytest.raises(UserError, match="is not a molecule"):
        canonical("日" * 30_000)


@pytest.mark.parametrize("read", [canonical, kekulize_smiles])
def test_a_chain_so_long_that_rdkit_would_end_the_process_is_refused(read) -> None:
    with pytest.raises(UserError, match="longer than 5,000 characters"):
        read("C" * 30_000)
    assert clean_smiles("C" * 30_000, Policy()).reason == "longer than 5,000 characters"
