"""The commands around a model of molecules, on molecules made offline."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

import molecules
from gmae_tf.training.fit import fit
from molecules.chem.constraints import Constraints
from molecules.chem.domain import Domain
from tests.conftest import without_graphs

TINY = ("--data", "builtin", "--n-data", 120, "--epochs", 2, "--batch-size", 40)
SIZES = ("--dense", 32, "--units", 16, "--latent-dim", 12, "--samples", 60)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, run_here) -> Path:
    """A run folder of a network that has learnt next to nothing."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gmae_tf.training.fit.fit", without_graphs()(fit))
        done = run_here("-m", "molecules.train", *TINY, *SIZES, "--out", folder)
    assert done.returncode == 0, done.stderr
    (folder / "stdout.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def packed(trained, tmp_path_factory, run_here) -> Path:
    """The same as a preset."""
    folder = tmp_path_factory.mktemp("packed") / "preset"
    done = run_here("-m", "molecules.pack", "--run", trained, "--out", folder, "--n", 100)
    assert done.returncode == 0, done.stderr
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_training_reports_what_a_model_is_worth(trained):
    results = json.loads((trained / "model.json").read_text())["results"]
    assert results["held_out_molecules"] == 6
    assert 0 <= results["exact_match"] <= 1
    assert results["prior_samples"]["sampled"] == 60
    assert results["prior_samples"]["valid"] == 1  # of an untrained network too
    assert len(results["history"]) == 2
    assert (trained / "top3.png").read_bytes().startswith(b"\x89PNG")
    assert results["space"]["held_out_molecules"] == 6
    assert set(results["space"]["noise"]) == {"0.3", "0.6", "1.0"}
    printed = (trained / "stdout.txt").read_text()
    assert "best prior samples" in printed
    assert "Noise on codes" in printed
    assert "epoch 2/2" in printed


def test_more_masks_make_more_molecules_valid(trained):
    shares = json.loads((trained / "model.json").read_text())["results"]["valid_by_mask"]
    for source in ("prior", "random"):
        assert shares[source]["valences"] == 1
        assert shares[source]["official"] < shares[source]["valences"]


def test_a_finished_training_is_not_repeated(trained, tmp_path, run_here, monkeypatch):
    folder = tmp_path / "again"
    shutil.copytree(trained, folder)
    results = json.loads((trained / "model.json").read_text())["results"]
    monkeypatch.setattr("molecules.evaluate.evaluate", lambda *_: results)
    done = run_here("-m", "molecules.train", *TINY, *SIZES, "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "continuing" in done.stdout
    assert "epoch" not in done.stdout.replace("after 2 epochs", "")


@pytest.mark.usefixtures("eager")
def test_heads_and_random_spellings_need_nothing_once_trained(tmp_path, run_here, monkeypatch):
    results = {"prior_samples": {}, "valid_by_mask": {"prior": {}, "random": {}}, "top": []}
    monkeypatch.setattr("molecules.evaluate.evaluate", lambda *_: results)
    folder = tmp_path / "run"
    options = ("--descriptors", "--spelled", 0.5, "--noise", 0.5, "--epochs", 1)
    done = run_here("-m", "molecules.train", *TINY, *SIZES, *options, "--out", folder)
    assert done.returncode == 0, done.stderr
    [epoch] = json.loads((folder / "model.json").read_text())["results"]["history"]
    assert epoch["heads"] > 0
    assert epoch["val_heads"] > 0
    with np.load(folder / "targets.npz") as file:
        assert set(file) == {"knots", "scores", "centre", "axes"}
    assert molecules.load(folder).decode(np.zeros((1, 12))) != [None]


def test_another_network_is_not_put_into_the_same_folder(trained, run_here):
    done = run_here("-m", "molecules.train", *TINY, *SIZES, "--seed", 5, "--out", trained)
    assert done.returncode == 2
    assert "seed" in done.stderr
    assert "Traceback" not in done.stderr


def test_samples_are_different_valid_molecules_with_properties(trained, tmp_path, run_here):
    out = tmp_path / "samples.csv"
    done = run_here("-m", "molecules.sample", "--model", trained, "--n", 8, "--out", out)
    assert done.returncode == 0, done.stderr
    found = rows(out)
    assert len({row["smiles"] for row in found}) == len(found) == 8
    for row in found:
        assert Chem.MolFromSmiles(row["smiles"]) is not None
        assert 0 <= float(row["qed"]) <= 1
    assert out.with_suffix(".png").exists()


def test_samples_are_those_of_the_library(trained, tmp_path, run_here):
    from molecules.model import load

    arguments = ("--n", 5, "--seed", 1, "--no-picture", "--out", tmp_path / "a.smi")
    done = run_here("-m", "molecules.sample", "--model", trained, *arguments)
    assert done.returncode == 0, done.stderr
    found = [line.split()[0] for line in (tmp_path / "a.smi").read_text().splitlines()]
    model = load(trained)
    assert found == model.sample(5, seed=1) != model.sample(5, seed=2)


def test_samples_satisfy_the_bounds_of_the_command(trained, packed, tmp_path, run_here):
    bounds = ("--max-heavy-atoms", 12, "--max-sa", 4, "--no-alerts", "--require", "rings < 1")
    arguments = ("--n", 3, *bounds, "--no-picture", "--out", tmp_path / "small.smi")
    done = run_here("-m", "molecules.sample", "--model", trained, *arguments)
    assert done.returncode == 0, done.stderr
    found = [line.split()[0] for line in (tmp_path / "small.smi").read_text().splitlines()]
    allowed = Constraints(max_heavy_atoms=12, max_sa=4, no_alerts=True, require=("rings < 1",))
    assert found
    assert allowed.allows(found).all()

    inside = ("--model", packed, "--domain", "--n", 3, "--no-picture", "--out", tmp_path / "b.smi")
    done = run_here("-m", "molecules.sample", *inside)
    assert done.returncode == 0, done.stderr
    found = [line.split()[0] for line in (tmp_path / "b.smi").read_text().splitlines()]
    assert Domain.load(packed / "domain.npz").contains(found).all()
    done = run_here("-m", "molecules.sample", "--model", trained, "--domain")
    assert done.returncode == 2
    assert "has no domain of applicability" in done.stderr


def test_the_neighbourhood_of_a_molecule_leaves_it_out(packed, tmp_path, run_here):
    out = tmp_path / "near.smi"
    arguments = ("--near", "OCC", "--distance", 0.6, "--n", 4, "--out", out)
    done = run_here("-m", "molecules.sample", "--model", packed, *arguments)
    assert done.returncode == 0, done.stderr
    assert "the model takes OCC for" in done.stdout  # it has learnt nothing
    assert "CCO" not in {line.split()[0] for line in out.read_text().splitlines()}


def test_an_interpolation_starts_and_ends_as_asked(packed, tmp_path, run_here):
    out = tmp_path / "line.sdf"
    ends = ("--start", "CCO", "--end", "c1ccccc1O", "--steps", 5)
    done = run_here("-m", "molecules.interpolate", "--model", packed, *ends, "--out", out)
    assert done.returncode == 0, done.stderr
    found = [Chem.MolToSmiles(mol) for mol in Chem.SDMolSupplier(str(out))]
    assert found[0] == "CCO"
    assert found[-1] == "Oc1ccccc1"
    assert all(a != b for a, b in pairwise(found))


def test_a_pack_holds_what_a_search_starts_from(packed, trained, tmp_path):
    from molecules.chem.properties import all_alerts
    from molecules.data.library import read_known
    from molecules.model import MoleculeAutoencoder

    known = read_known(packed, 12)
    model = MoleculeAutoencoder.load(packed)
    free = replace(model.domain, alerts=all_alerts())  # of training molecules that have some
    assert free.contains(known.smiles).all()
    model.save(tmp_path)
    again = MoleculeAutoencoder.load(tmp_path).domain
    assert replace(again, alerts=all_alerts()).contains(known.smiles).all()
    assert MoleculeAutoencoder.load(trained).domain is None
    assert known is not None
    assert len(known.smiles) == len(set(known.smiles)) == 100
    assert known.codes.shape == (100, 12)
    for name in ("penalized_logp", "logp", "sa", "qed"):
        assert np.isfinite(known.computed[name]).all()
    assert (packed / "model.weights.h5").stat().st_size < (
        trained / "model.weights.h5"
    ).stat().st_size


def test_a_pack_decodes_nearly_as_its_run(packed, trained, rng):
    from molecules.model import MoleculeAutoencoder

    run, half = MoleculeAutoencoder.load(trained), MoleculeAutoencoder.load(packed)
    smiles = [run.normal_form(s) for s in ("CCO", "c1ccccc1", "CC(=O)NC")]
    np.testing.assert_allclose(
        half.encode_spellings(smiles), run.encode_spellings(smiles), atol=0.02
    )
    codes = rng.normal(size=(30, 12))
    same = [a == b for a, b in zip(run.decode(codes), half.decode(codes), strict=True)]
    assert np.mean(same) > 0.5


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("train", ("--data", "nothing.smi"), "nothing.smi"),
        ("train", ("--data", "builtin", "--epochs", 0), "--epochs must be greater than 0"),
        ("train", ("--data", "builtin", "--n-data", 20), "too few"),
        ("train", ("--data", "builtin", "--grammar", "smile"), "cannot read the grammar"),
        ("train", ("--data", "builtin", "--n-data", 60, "--grammar", "arithmetic"), "none of"),
        ("sample", ("--n", 0), "--n is 0"),
        ("sample", ("--out", "list.txt"), "must end in .smi"),
        ("sample", ("--properties", '["colour"]'), "colour"),
        ("sample", ("--distance", 2), "--distance is 2"),
        ("sample", ("--model", "nowhere"), "nowhere"),
        ("interpolate", ("--start", "CC(", "--end", "C"), "'CC('"),
        ("interpolate", ("--start", "C", "--end", "CC", "--steps", 1), "--steps is 1"),
        ("pack", ("--run", "nowhere", "--out", "preset"), "nowhere"),
        ("train", ("--spelled", 2), "--spelled is 2"),
        ("evaluate", ("compact", "--n", 3), "--n is 3"),
    ],
)
def test_bad_input_is_told_in_a_sentence(command, arguments, words, tmp_path, run_here):
    done = run_here("-m", f"molecules.{command}", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


CHEAP = """
import json, runpy, sys
for command, *arguments in json.loads(sys.argv[1]):
    sys.argv = [command, *arguments]
    try:
        runpy.run_module(f"molecules.{command}", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        assert stop.code == 2, (command, stop.code)
    print("@", file=sys.stderr)
assert not {"keras", "tensorflow"} & sys.modules.keys()
"""


def test_mistakes_are_told_before_keras_is_imported(tmp_path, run_cli):
    sentences = {
        ("train", "--data", "nothing.smi"): "nothing.smi",
        ("sample", "--properties", '["qedd"]'): "did you mean qed",
        ("interpolate", "--start", "C", "--end", "CC", "--model", "nowhere"): "nowhere does not",
        ("pack", "--run", "nowhere", "--out", "preset"): "nowhere does not",
        ("evaluate", "nowhere"): "nowhere does not",
    }
    done = run_cli("-c", CHEAP, json.dumps(list(sentences)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for told, words in zip(done.stderr.split("@\n"), [*sentences.values(), ""], strict=True):
        assert words in told


def test_a_folder_of_something_else_is_not_packed(tmp_path, run_here):
    (tmp_path / "model.json").write_text("no JSON")
    done = run_here("-m", "molecules.pack", "--run", tmp_path, "--out", tmp_path / "preset")
    assert done.returncode == 2
    assert "does not describe a model of molecules" in done.stderr
    assert "Traceback" not in done.stderr
