"""Membership by hashes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grammar.autoencoder.hashed_set import StringSet


@given(st.lists(st.text()), st.lists(st.text()))
def test_it_answers_as_a_set_does(members: list[str], others: list[str]):
    known = StringSet.of(members)
    assert len(known) == len(set(members))
    for string in members + others:
        assert (string in known) == (string in set(members))


def test_the_hash_does_not_depend_on_the_process():
    # Python's own hash of a string does; a saved set would be useless.
    assert StringSet.of(["x+1"]).hashes.tolist() == [12393229230100416381]


def test_the_empty_set():
    assert len(StringSet.of([])) == 0
    assert "x" not in StringSet.of([])
