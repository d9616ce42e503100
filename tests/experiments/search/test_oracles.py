"""The objectives of GuacaMol give the values of the package guacamol 0.5.5."""

from __future__ import annotations

import pytest

from experiments.search.oracles import CELECOXIB, MESTRANOL, ORACLES, formula, oracle
from gmae_tf.errors import UserError

IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
ESTER = "CCOC(=O)C(CCC)NC(C)C(=O)N1CCCC1c1ccc(Cl)cc1F"
GUACAMOL = {
    "perindopril_mpo": (0.128079, 0.238858),
    "osimertinib_mpo": (0.002789, 0.028653),
    "amlodipine_mpo": (0.007024, 0.17936),
    "ranolazine_mpo": (0.02885, 0.144794),
    "sitagliptin_mpo": (1e-06, 0.0),
    "zaleplon_mpo": (0.018391, 6.5e-05),
    "celecoxib_rediscovery": (0.121212, 0.10687),
    "median1": (0.093918, 0.107527),
    "mestranol_similarity": (0.184352, 0.257261),
    "isomers_c9h10n2o2pf2cl": (0.002055, 0.0),
}


@pytest.mark.parametrize("name", ORACLES)
def test_values_are_those_of_the_package(name):
    found = oracle(name)(IBUPROFEN), oracle(name)(ESTER)
    assert found == pytest.approx(GUACAMOL[name], abs=1e-6)


def test_what_is_sought_has_the_best_value():
    assert oracle("celecoxib_rediscovery")(CELECOXIB) == 1.0
    assert oracle("mestranol_similarity")(MESTRANOL) == 1.0
    assert oracle("isomers_c9h10n2o2pf2cl")("Clc1c(F)c(F)c(P)c(N)c1N(C)CC(O)O") < 1.0


def test_a_formula_counts_hydrogen_and_all_atoms():
    from rdkit import Chem

    ethanol = Chem.MolFromSmiles("CCO")
    assert formula("C2H6O")(ethanol) == pytest.approx(1.0)
    one_more = formula("C3H8O")(ethanol)  # C: 1 off, H: 2 off, 9 of 12 atoms
    assert one_more == pytest.approx(2.718281828 ** (-(0.5 + 2.0 + 4.5 / 4) / 4))


def test_no_molecule_is_worth_nothing_and_no_name_is_an_error():
    assert oracle("median1")("C1CC") == 0.0
    with pytest.raises(UserError, match="no objective 'median9'"):
        oracle("median9")
