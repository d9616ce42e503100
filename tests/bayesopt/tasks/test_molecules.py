"""The molecule task on a model that is known through and through."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED

from bayesopt.cli.checks import check_run
from bayesopt.cli.options import RunConfig
from bayesopt.cli.setup import make_task
from bayesopt.optimizer import Optimizer
from bayesopt.tasks import molecules
from bayesopt.tasks.molecules import MoleculeTask
from gmae_tf.errors import UserError
from gmae_tf.utils.html import png_size
from molecules.chem.domain import Domain
from molecules.chem.properties import find
from molecules.codec import MoleculeCodec, canonical_or_none
from molecules.data.library import read_known
from tests.bayesopt.toy_molecules import KNOWN, ToyModel, features, pool, write_known


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("model")
    write_known(place)
    return place


@pytest.fixture(autouse=True)
def toy(folder, monkeypatch) -> None:
    monkeypatch.setattr(molecules, "PRETRAINED", folder)
    monkeypatch.setattr(molecules, "_load_model", lambda folder: ToyModel())


def make(**options) -> MoleculeTask:
    return make_task(RunConfig(task="molecules", jobs=1, **options))


def state(task: MoleculeTask):
    """The state of a search before its first batch."""
    optimizer = Optimizer(
        task.space, task.dataset, maximize=task.maximize, centres=task.centres, held_out=0.0
    )
    return optimizer._state([])


# ---------------------------------------------------------------- codec


def test_every_spelling_of_a_molecule_is_one_string():
    codec = MoleculeCodec(ToyModel())
    smiles = [s for s in pool() if "c" in s][:20]
    codes = codec.encode(smiles)
    assert codes == pytest.approx(np.array([features(s) for s in smiles]))
    assert codec.decode(codes) == smiles  # the model itself writes them kekulised
    assert (codec.decoded, codec.valid) == (20, 20)


def test_codes_without_a_molecule_are_none(monkeypatch):
    model = ToyModel()
    monkeypatch.setattr(model, "decode_spellings", lambda codes: ["CCO", None, "C1CC", "c1cccc1"])
    codec = MoleculeCodec(model)
    assert codec.decode(np.zeros((4, 5))) == ["CCO", None, None, None]
    assert (codec.decoded, codec.valid) == (4, 1)


def test_molecule_outside_the_grammar_is_refused_unless_it_was_decoded(monkeypatch):
    codec = MoleculeCodec(ToyModel())
    assert "silicon" in (codec.refuses("C[SiH3]") or "")
    with pytest.raises(UserError, match="cannot be written"):
        codec.encode(["C[SiH3]"])
    monkeypatch.setattr(codec.model, "decode_spellings", lambda codes: ["[SiH3]C"])
    assert codec.decode(np.zeros((1, 5))) == ["C[SiH3]"]
    assert codec.encode(["C[SiH3]"]).shape == (1, 5)


def test_canonical_agrees_with_rdkit_and_drops_idle_marks_of_stereo():
    assert canonical_or_none("OCC") == "CCO"
    assert canonical_or_none("C[C@H](C)O") == "CC(C)O"
    assert canonical_or_none("") is None


# ---------------------------------------------------------------- problem


def test_start_is_what_the_model_knows_with_its_scores(folder):
    task = make()
    assert task.dataset.strings == pool()[:KNOWN]
    expected = [find("penalized_logp")(s) for s in pool()[:KNOWN]]
    assert task.dataset.values == pytest.approx(expected, abs=1e-5)  # stored as float32
    assert task.evaluate(["C" * 12]) == pytest.approx([4.1535], abs=1e-3)
    assert task.maximize
    assert task.constraints.max_heavy_atoms == 38  # where size is worth something
    assert task.failed_value == task.dataset.values.min()


def test_property_that_is_not_stored_is_computed():
    task = make(objective="qed", n_data=30)
    assert task.constraints.max_heavy_atoms is None
    expected = [QED.qed(Chem.MolFromSmiles(s)) for s in task.dataset.strings]
    assert task.dataset.values == pytest.approx(expected)
    assert task.score_name == "QED"


def test_direction_is_the_propertys_own_unless_said():
    assert not make(objective="sa", n_data=20).maximize
    turned = make(objective="sa", n_data=20, maximize=True)
    assert turned.maximize
    assert turned.failed_value == turned.dataset.values.min()
    with pytest.raises(UserError, match="exclude each other"):
        make(maximize=True, minimize=True)


def test_known_molecules_are_never_proposed_whatever_part_of_them_is_used():
    task = make(n_data=20)
    seen = state(task)
    assert list(seen.allowed([*pool()[:KNOWN], "CCCCCC", None, "CCCCCC"])) == ["CCCCCC"]
    assert seen.is_training_data(pool()[100])


def test_constraints_hold_before_an_evaluation_is_paid():
    task = make(objective="logp", n_data=60, max_heavy_atoms=30, max_sa=3.0, alerts=False)
    kept = state(task).allowed(pool())
    assert kept
    assert "C" * 12 not in kept  # an aliphatic chain is a BRENK alert
    for smiles in list(kept)[:40]:
        assert Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() <= 30
        assert find("sa")(smiles) <= 3.0
        assert find("alerts")(smiles) == 0
    assert task.centres is not None
    assert task.constraints.allows([task.dataset.strings[i] for i in task.centres]).all()


def test_search_near_a_molecule_starts_from_it():
    reference = pool()[KNOWN + 5]  # not known
    task = make(min_similarity=0.4, to=reference, n_data=60)
    row = task.dataset.strings.index(reference)
    assert row in task.centres
    assert task.dataset.values[row] == pytest.approx(find("penalized_logp")(reference))
    assert f"similarity of 0.4 or more to {reference}" in task.objective


def test_similarity_is_an_objective_too():
    task = make(objective="similarity", to="CCCCCCO", n_data=40)
    assert task.dataset.values.max() == 1.0  # the molecule itself is known
    assert "similarity" in task.objective


def test_failed_scores_are_the_worst_and_are_told():
    task = make(objective="tests.bayesopt.user_functions:longest_chain", n_data=40)
    values = task.evaluate(["CCCC", "CCCCBr"])
    assert values[0] == 4
    assert np.isnan(values[1])
    assert any("no bromine" in note for note in task.notes)


def test_region_is_where_the_model_was_trained_not_where_few_points_are(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("smiles,y\n" + "".join(f"{'C' * n},{n}\n" for n in range(5, 18)))
    task = make(objective="logp", data=str(path))
    assert len(task.space.region_codes) == KNOWN


# ---------------------------------------------------------------- the user's own molecules


def write(tmp_path: Path, text: str, name: str = "mine.csv") -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_users_values_are_taken_as_they_are(tmp_path):
    rows = "".join(f"{s},{i}\n" for i, s in enumerate(pool()[:15]))
    data = write(tmp_path, "smiles,activity\n" + rows)
    task = make(objective="logp", data=data, value_column="activity")
    assert task.dataset.values.tolist() == list(range(15))
    assert "15 molecules of" in task.data_protocol


def test_users_molecules_without_values_are_scored(tmp_path):
    data = write(tmp_path, "\n".join(pool()[:12]), "mine.smi")
    task = make(objective="qed", data=data)
    assert task.dataset.values[0] == pytest.approx(find("qed")(pool()[0]))


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("name,y\na,1\n", {}, "no column called smiles"),
        ("smiles,y\nCCO,1\n", {"value_column": "pIC50"}, "pIC50"),
        ("smiles,y\nCCO,abc\nCCC,x\n", {"value_column": "y"}, "none of 2 rows can be used"),
        ("smiles,y\nCCO,1\nCCC,2\n", {"value_column": "y"}, "only 2 known molecules"),
        (
            "smiles,y\nCCO,1\nCCC,2 nM\nC,ND\n",
            {"value_column": "y"},
            r"only 1 known .*needed; 2 of 3 rows are not used .the first, line 3, 'CCC': not a num",
        ),
        ("smiles,y\nC[SiH3],1\n", {}, "outside the model's grammar"),
    ],
)
def test_bad_data_is_one_sentence(tmp_path, text, options, sentence):
    with pytest.raises(UserError, match=sentence):
        make(objective="logp", data=write(tmp_path, text), **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"objective": "penalised_logp"}, "did you mean penalized_logp"),
        ({"objective": "nothing_like_it"}, "choose one of"),
        ({"objective": "tests.bayesopt.user_functions:absent"}, "cannot be imported"),
        ({"objective": "no_such_module:f"}, "no_such_module"),
        ({"objective": "tests.bayesopt.user_functions:broken"}, "it is broken"),
        ({"objective": "similarity"}, "--to"),
        ({"min_similarity": 0.4}, "--to"),
        ({"to": "CCO"}, "--min-similarity"),
        ({"min_similarity": 0.4, "to": "c1ccc"}, "c1ccc"),
        ({"max_sa": 0.5}, "max_sa is 0.5"),
        ({"max_heavy_atoms": 0}, "heavy atoms"),
        ({"max_heavy_atoms": 3}, "no known molecule satisfies the constraints"),
        ({"value_column": "y", "objective": "qed"}, "--value-column names a column of --data"),
        ({"time_limit": 0.0}, "time limit"),
        ({"n_data": 0}, "--n-data"),
    ],
)
def test_mistakes_are_one_sentence(options, sentence):
    def start() -> None:
        check_run(RunConfig(task="molecules", jobs=1, **options))
        make(**options)

    with pytest.raises(UserError, match=sentence):
        start()


def test_missing_model_is_one_sentence(monkeypatch, tmp_path):
    from molecules.model import MoleculeAutoencoder

    monkeypatch.undo()
    monkeypatch.setitem(MoleculeAutoencoder.PRESETS, "compact", tmp_path / "absent")
    with pytest.raises(UserError, match="absent does not hold a trained model"):
        make()


def test_damaged_file_of_known_molecules_is_refused(tmp_path):
    write_known(tmp_path)
    with pytest.raises(UserError, match="molecules of this model"):
        read_known(tmp_path, latent_dim=7)
    file = tmp_path / "known.npz"
    whole = file.read_bytes()
    for damaged in (b"PK" + bytes(100), whole[: len(whole) // 2], b""):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match="does not hold the molecules"):
            read_known(tmp_path, latent_dim=5)
    assert read_known(tmp_path / "empty", 5) is None


# ---------------------------------------------------------------- report


def test_rows_of_others_stand_in_the_users_sign():
    rows = {row.method: row for row in make().published}
    ranked = sorted((find("penalized_logp")(s) for s in pool()[:KNOWN]), reverse=True)
    assert rows["best known before"].values["top"] == pytest.approx(ranked[:3], abs=1e-4)
    assert rows["alkane C38"].values["top"] == pytest.approx([11.19], abs=0.01)
    assert rows["GMAE"].values["rmse"] == 1.400
    assert rows["JT-VAE"].values["top"] == ["5.30", "4.93", "4.49"]
    assert all(row.source for row in rows.values())
    sa = make(objective="sa", n_data=30)
    (row,) = sa.published  # nobody else published, and small is better
    assert row.values["top"] == pytest.approx(sorted(sa.dataset.values)[:3])


def test_best_molecules_are_drawn():
    task = make(n_data=20)
    (picture,) = task.pictures(["c1ccccc1", "CCO"], [3.0, 1.5])
    width, height = png_size(picture.png)
    assert width == 2 * 320
    assert height == 260
    assert task.pictures([], []) == []


def test_children_may_be_as_large_as_the_model_writes(rng):
    task = make(objective="logp", n_data=60)
    assert task.codec.most_atoms == 120  # one atom for each production
    assert task.codec.refuses("C" * 120) is None
    assert task.codec.refuses("C" * 121) is not None
    long = ["C" * 100] * 200
    assert 100 < max(map(len, task.space.recombine(long, rng))) <= 120
    small = make(objective="logp", max_heavy_atoms=20, n_data=60)
    assert max(map(len, small.space.recombine(long, rng))) <= 20


def test_limits_of_no_constraint_say_nothing():
    task = make(objective="logp", n_data=20)
    assert task.space.feasible(["CCO", "C[SiH3]"]).tolist() == [True, False]  # not written
    assert task.objective.endswith("maximised")
    assert replace(task.constraints, max_sa=3.0) != task.constraints


# ---------------------------------------------------------------- domain of applicability


def test_a_model_with_a_domain_keeps_proposals_inside_unless_told_otherwise(
    folder, tmp_path, monkeypatch
):
    write_known(tmp_path)
    Domain.of(pool()[:KNOWN]).save(tmp_path / "domain.npz")
    monkeypatch.setattr(molecules, "PRETRAINED", tmp_path)
    chain = "C" * 38
    with closing(make(objective="qed")) as task:
        assert task.space.feasible([chain, pool()[0]]).tolist() == [False, True]
        assert "inside the domain of the known molecules" in task.objective
    with closing(make(objective="qed", unconstrained=True)) as task:
        assert task.space.feasible([chain]).all()
        assert "domain" not in task.objective
    own = tmp_path / "own.smi"
    own.write_text("\n".join([chain, *pool()[:20]]))
    with closing(make(objective="qed", data=str(own))) as task:  # the user's molecules widen it
        assert task.space.feasible([chain]).all()
    monkeypatch.setattr(molecules, "PRETRAINED", folder)
    with closing(make(objective="qed")) as task:
        assert task.constraints.domain is None


def test_options_take_formulas_and_bounds():
    with closing(
        make(objective="0.5*qed + 0.1*rings", require="1 <= logp <= 3 and rings < 3")
    ) as task:
        smiles = task.known.smiles[0]
        expected = 0.5 * find("qed")(smiles) + 0.1 * find("rings")(smiles)
        assert task.evaluate([smiles])[0] == pytest.approx(expected)
        assert task.maximize
        allowed = task.space.feasible(list(task.known.smiles))
        for text, inside in zip(task.known.smiles, allowed, strict=True):
            holds = 1 <= find("logp")(text) <= 3 and find("rings")(text) < 3
            assert holds == inside
        assert "1 <= logp <= 3 and rings < 3" in task.objective


def test_alerts_are_those_of_the_users_own_molecules(tmp_path, monkeypatch):
    write_known(tmp_path)
    Domain.of(pool()[:KNOWN], alerts=False).save(tmp_path / "domain.npz")
    monkeypatch.setattr(molecules, "PRETRAINED", tmp_path)
    own = tmp_path / "own.smi"
    own.write_text("\n".join(["Cc1ccc([N+](=O)[O-])cc1", *pool()[:20]]))
    for options, allowed in (
        ({}, False),
        ({"data": str(own)}, True),
        ({"data": "builtin", "n_data": 200}, False),
        ({"data": "builtin", "n_data": 60, "alerts": True}, True),
    ):
        with closing(make(objective="logp", **options)) as task:
            found = task.constraints.domain.alerts
            assert ("Oxygen-nitrogen_single_bond" in found) == allowed, options
