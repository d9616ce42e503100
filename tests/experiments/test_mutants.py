"""Mutants are applied one at a time, and their texts are still in the code."""

from __future__ import annotations

import pytest

from experiments import mutants
from experiments.mutants import MUTANTS, ROOT, Mutant, fate_of, place_of
from gmae_tf.errors import UserError


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_every_mutant_has_its_place_and_tests(mutant):
    assert place_of(mutant, ROOT).is_file()
    assert (ROOT / "tests" / mutant.tests).exists()
    assert mutant.text != mutant.replacement


def test_a_missing_text_is_told_with_the_mutants_name(tmp_path):
    with pytest.raises(UserError, match=r"mutant 'nothing'.*occurs 0 times in grammar/"):
        place_of(Mutant("nothing", "grammar", "a + b", "a", "x.py"), tmp_path)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "sum.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "tests").mkdir()
    test = "from sums.sum import add\n\ndef test_it():\n    assert add({}) == {}\n"
    (tmp_path / "tests" / "test_strong.py").write_text(test.format("1, 2", 3))
    (tmp_path / "tests" / "test_weak.py").write_text(test.format("2, 0", 2))
    (tmp_path / "sums" / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("tests", "fate"),
    [("test_strong.py", "killed"), ("test_weak.py", "survived"), ("test_none.py", "not run")],
)
def test_fates(tree, tests, fate):
    found, _ = fate_of(Mutant("minus", "sums", "a + b", "a - b", tests), tree)
    assert found == fate
    assert "a + b" in (tree / "sums" / "sum.py").read_text()


@pytest.mark.slow
def test_a_survivor_ends_with_status_1(tree, monkeypatch, capsys):
    monkeypatch.setattr(mutants, "ROOT", tree)
    monkeypatch.setattr(mutants, "COPIED", ("sums", "tests"))
    weak = Mutant("minus", "sums", "a + b", "a - b", "test_weak.py")
    monkeypatch.setattr(mutants, "MUTANTS", (weak,))
    with pytest.raises(SystemExit) as stop:
        mutants.mutants(mutants.MutantsConfig())
    assert stop.value.code == 1
    assert "survived" in capsys.readouterr().out
    monkeypatch.setattr(mutants, "MUTANTS", (weak._replace(tests="test_strong.py"),))
    mutants.mutants(mutants.MutantsConfig(unchanged=False))
    with pytest.raises(UserError, match="in no name"):
        mutants.mutants(mutants.MutantsConfig(only="nonsense"))
