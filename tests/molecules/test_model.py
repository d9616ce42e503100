"""The library door: molecules to codes and back, with the model that is shipped."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from rdkit import Chem

import molecules
from gmae_tf.errors import UserError
from grammar.autoencoder.model import SHIPPED

PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"
EXPRESSIONS = SHIPPED / "expressions"
AMIDE = "Cc1ccccc1NC(=O)C1CCN(C)CC1"


@pytest.fixture(scope="module")
def model():
    return molecules.load("compact")


@pytest.fixture(scope="module")
def small():
    """A model of alkanes and alcohols that has learnt next to nothing."""
    smiles = ["C" * n + end for n in range(1, 31) for end in ("", "O")]
    with pytest.warns(UserWarning, match=r"2 of 62 .* index 60, 'C1CC': not a molecule"):
        return molecules.MoleculeAutoencoder.fit(
            np.array([*smiles, "C1CC", "OC"]),
            latent_dim=3,
            epochs=1,
            batch_size=20,
            sizes={"units": 4, "dense": 4},
            verbose=False,
        )


def test_every_spelling_has_one_code(model):
    codes = model.encode([PARACETAMOL, "Oc1ccc(NC(C)=O)cc1", "C1=CC(O)=CC=C1NC(=O)C"])
    assert codes.shape == (3, model.latent_dim)
    assert np.array_equal(codes[0], codes[1])
    assert np.array_equal(codes[0], codes[2])
    assert model.decode(codes) == model.reconstruct([PARACETAMOL] * 3) == [PARACETAMOL] * 3
    assert model.encode([]).shape == (0, model.latent_dim)


def test_a_list_an_array_and_a_series_are_the_same(model):
    pandas = pytest.importorskip("pandas")
    smiles = [PARACETAMOL, AMIDE]
    expected = model.encode(smiles)
    for values in (tuple(smiles), np.array(smiles), np.array(smiles, object)):
        np.testing.assert_array_equal(model.encode(values), expected)
    frame = pandas.DataFrame({"smiles": smiles}, index=[7, 9])
    np.testing.assert_array_equal(model.encode(frame["smiles"]), expected)


def test_what_comes_back_and_what_does_not(model):
    smiles = [PARACETAMOL, "OCC", AMIDE]
    again = model.reconstruct(smiles)
    same = [Chem.CanonSmiles(s) == again for s, again in zip(smiles, again, strict=True)]
    assert same == [True, False, True]


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("CCO", r"give a list of SMILES, such as \['CCO'\]"),
        (["C", None], r"smiles\[1\] is None, which is no string"),
        (["C", float("nan")], r"smiles\[1\] is nan"),
        (["C", "CC", "CC("], r"smiles\[2\]: 'CC\(' is not a molecule"),
        (["C", ""], r"smiles\[1\]: '' is not a molecule"),
        ([PARACETAMOL, "C[Te]C"], r"smiles\[1\]: 'C\[Te\]C' is outside the model's grammar: .*'T'"),
        (["C" * 500], r"smiles\[0\]: 'C+' .* 500 productions|max_length"),
    ],
)
def test_what_cannot_be_encoded_is_named(model, smiles, message):
    with pytest.raises(UserError, match=message) as error:
        model.encode(smiles)
    assert "\n" not in str(error.value)


def test_samples_are_different_valid_molecules(model):
    found = model.sample(12, seed=3)
    assert len(set(found)) == 12
    assert [Chem.CanonSmiles(s) for s in found] == found
    assert model.sample(12, seed=3) == found != model.sample(12, seed=4)
    assert not any(s in model.training_strings for s in model.sample(5, new=True))


def test_samples_satisfy_constraints_and_lie_in_the_domain(model):
    plain = model.sample(60, seed=1)
    bounds = molecules.Constraints(
        max_heavy_atoms=24, require=("logp <= 3",), domain=model.domain, no_alerts=True
    )
    assert not bounds.allows(plain).all()
    found = model.sample(20, seed=1, constraints=bounds)
    assert len(set(found)) == 20
    assert bounds.allows(found).all()
    with pytest.warns(UserWarning, match="only 0 different molecules were found"):
        assert model.sample(2, constraints=molecules.Constraints(max_heavy_atoms=1)) == []


def test_samples_near_a_molecule_leave_it_out_and_resemble_it(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = model.sample(6, near=PARACETAMOL)
    assert PARACETAMOL not in near
    far = np.linalg.norm(model.encode(model.sample(6)) - model.encode([PARACETAMOL]), axis=1)
    close = np.linalg.norm(model.encode(near) - model.encode([PARACETAMOL]), axis=1)
    assert np.median(close) < np.median(far)


def test_it_is_known_which_molecules_come_back(model):
    assert model.reconstructs([PARACETAMOL, "OCC", "C1=CC=CC=C1"]).tolist() == [True, False, True]
    assert model.reconstructs([]).shape == (0,)
    with pytest.raises(UserError, match=r"smiles\[0\]: 'C1CC' is not a molecule"):
        model.reconstructs(["C1CC"])


def test_what_the_model_takes_for_another_is_said(model):
    with pytest.warns(UserWarning, match="takes CCO for CC"):
        model.sample(2, near="CCO")
    with pytest.warns(UserWarning, match="takes CCO for CC"):
        line = model.interpolate(PARACETAMOL, "CCO", 3)
    assert (line[0], line[-1]) == (PARACETAMOL, "CCO")


def test_codes_of_what_does_not_come_back_are_said(model):
    with pytest.warns(UserWarning, match="takes OCC for CC.*, and 1 more for others"):
        model.encode(["OCC", PARACETAMOL, "C"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.encode([PARACETAMOL])
        model.encode(["OCC"] * 101)
        model.reconstruct(["OCC"])


def test_an_interpolation_passes_valid_molecules_once(model):
    line = model.interpolate(PARACETAMOL, AMIDE, 9)
    assert (line[0], line[-1]) == (PARACETAMOL, AMIDE)
    assert 2 < len(line) <= 11
    assert all(a != b for a, b in pairwise(line))
    assert all(Chem.MolFromSmiles(s) is not None for s in line)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.sample(0), "n is 0"),
        (lambda m: m.sample("2"), "n is '2'"),
        (lambda m: m.sample(2, seed=-1), "seed is -1"),
        (lambda m: molecules.load(EXPRESSIONS), "holds a model of strings"),
        (lambda m: molecules.load(None), "the model is None: name a folder"),
        (lambda m: m.sample(2, near=PARACETAMOL, distance=0), "distance is 0"),
        (lambda m: m.sample(2, near="C1CC"), "'C1CC' is not a molecule"),
        (lambda m: m.interpolate("C", "CC", 1), "steps is 1"),
        (lambda m: molecules.load("compac"), "does not hold a trained model"),
    ],
)
def test_options_out_of_range_are_refused(model, call, message):
    with pytest.raises(UserError, match=message):
        call(model)
    with pytest.raises(UserError, match=r"\[N, 128\]"):
        model.decode(np.zeros(128))


def test_a_fitted_model_is_saved_and_loaded(small, tmp_path):
    assert small.encode(["CCO"]).shape == (1, 3)
    assert small.sample(2) == small.sample(2)
    assert all(s in small.training_strings for s in ("C", "CO"))
    assert "CCC=O" not in small.training_strings
    assert len(small.details["results"]["history"]) == 1
    small.save(str(tmp_path / "model"))
    again = molecules.load(str(tmp_path / "model"))
    np.testing.assert_allclose(again.encode(["CCO"]), small.encode(["CCO"]), atol=1e-5)
    assert again.sample(3, seed=1) == small.sample(3, seed=1)


def test_a_fitted_model_limits_rings_to_those_of_its_data(small):
    assert small.details["ring_sizes"] == []
    codes = np.random.default_rng(0).standard_normal((40, 3))
    decoded = [Chem.MolFromSmiles(text) for text in small.decode(codes)]
    assert sum(mol.GetRingInfo().NumRings() for mol in decoded) == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"max_length": 3', "3"])
def test_a_damaged_description_is_told(small, tmp_path, text):
    small.save(tmp_path)
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(
        UserError, match=r"model\.json does not describe a model of molecules, or is damaged"
    ):
        molecules.load(tmp_path)


def test_too_few_molecules_are_refused():
    with pytest.raises(UserError, match="3 molecules are too few"):
        molecules.MoleculeAutoencoder.fit(["C", "CC", "CCC"])


def test_all_that_is_offered_is_there():
    assert sorted(molecules.__all__) == list(molecules.__all__)
    for name in molecules.__all__:
        assert getattr(molecules, name).__doc__.strip()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        molecules.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"latent_dim": 0}, "latent_dim must be greater than 0"),
        ({"epochs": 0}, "epochs must be greater than 0"),
        ({"latent_dims": 4}, "there is no option 'latent_dims': choose among model"),
    ],
)
def test_useless_options_of_a_training_are_named(option, complaint):
    with pytest.raises(UserError, match=complaint):
        molecules.MoleculeAutoencoder.fit(["CCO"] * 60, **option)
