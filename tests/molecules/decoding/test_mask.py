"""The semantic walk: RDKit reads every result, no walk ends before its string does."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from gmae_tf.errors import UserError
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import decode_logits
from grammar.errors import GrammarError
from grammar.library import load_grammar
from molecules.decoding.mask import molecule_walk

OFFICIAL = load_grammar("smiles").grammar
GRAMMARS = {
    "smiles": OFFICIAL,
    "smiles_extended": load_grammar("smiles_extended").grammar,
    "compact": load_grammar("smiles_compact").grammar,
}
LOVES = ["", "12345678", "(", "[", "#=", "SPI", "1=(", "C12", "[H+-", "/\\", ".[1"]


@pytest.fixture(scope="module")
def walks():
    return {name: molecule_walk(grammar, aromatic=False) for name, grammar in GRAMMARS.items()}


def valid(smiles: str | None) -> bool:
    with rdBase.BlockLogs():
        return smiles is not None and Chem.MolFromSmiles(smiles) is not None


def biased_logits(rng, grammar, n, steps, love, scale):
    """Random logits, higher for rules that write one of the terminals `love` or recur."""
    logits = rng.standard_normal((n, steps, grammar.n_rules)).astype(np.float32)
    for number, rule in enumerate(grammar.rules):
        names = [symbol.name for symbol in rule.rhs]
        if any(name in love for name in names) or rule.lhs in names or "RB" in names:
            logits[..., number] += scale
    return logits


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(GRAMMARS)),
    st.integers(0, 90),
    st.sampled_from(LOVES),
    st.sampled_from([0.0, 2.0, 10.0]),
)
def test_rdkit_reads_every_walk(walks, seed, name, extra, love, scale):
    grammar, rng = GRAMMARS[name], np.random.default_rng(seed)
    steps = int(grammar.min_cost_lhs[0]) + extra
    logits = biased_logits(rng, grammar, 60, steps, love, scale)
    decoded = RuleCodec(grammar, steps).decode(decode_logits(logits, grammar, walk=walks[name]))
    assert [smiles for smiles in decoded if not valid(smiles)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(GRAMMARS))
def test_rdkit_reads_thirty_thousand_walks(walks, name):
    grammar, rng = GRAMMARS[name], np.random.default_rng(0)
    for number in range(60):
        steps = int(grammar.min_cost_lhs[0]) + int(rng.choice([1, 9, 30, 70, 150, 270]))
        love, scale = LOVES[number % len(LOVES)], rng.choice([0, 1, 3, 10])
        logits = biased_logits(rng, grammar, 500, steps, love, scale)
        decoded = RuleCodec(grammar, steps).decode(decode_logits(logits, grammar, walk=walks[name]))
        assert [smiles for smiles in decoded if not valid(smiles)] == []


def refused(grammar: Grammar, walk, strings: list[str], steps: int) -> dict[str, str]:
    """The strings that have a rule which is not allowed at its step, with that rule."""
    rules = RuleCodec(grammar, steps).encode(strings)
    derivations, found, left = walk(len(strings), steps), {}, np.arange(len(strings))
    for step in range(steps):
        chosen = rules[left, step]
        good = derivations.allowed()[np.arange(len(left)), chosen]
        for at in np.flatnonzero(~good):
            found[strings[left[at]]] = str(grammar.rules[chosen[at]])
        derivations, left = derivations.take(np.flatnonzero(good)), left[good]
        derivations.apply(chosen[good])
    return found


MOLECULES = [
    "C",
    "N#N",
    "[NH4+]",
    "C[N+](C)(C)C",
    "O=S(=O)(O)O",
    "FC(F)(F)F",
    "C1CC1",
    "C1CC=1",
    "C1CC#1",
    "C12CC1C2",
    "C-1CC1",
    "C1CCC2(CC1)CC2",
    "C1CC2CCC1CC2",
    "[O-]C([NH3+])=O",
    "C/C=C/C",
    "C(C(C(C)C)C)C",
    "C[C@H](N)O",
    "[13CH4]",
    "C1CC1C1CC1",
    "CP(C)(C)(C)C",
    "C12C3C4C1C5C2C3C45",
    "C[S+](C)C",
    "[CH3]",
    "C1CC(=O)CC1",
]
NONE = {
    "C11CC": "DIGIT -> '1'",  # a ring to the same atom
    "C1C1CC": "DIGIT -> '1'",  # and to its neighbour
    "C12CC12CC": "DIGIT -> '2'",  # a second bond between two atoms
    "C1C1": "branched_atom -> atom RB",  # nothing else could close the ring
    "C1CC": None,
    "CC1": None,
    "C1CCC2": None,
    "FC(F)(F)(F)F": None,
    "O(C)(C)C": None,
    "C[NH4+]": None,
    "C=O=C": None,
    "C#C=C": None,
    "C(#C)#C": None,
    "F1CC1": None,
    "C[O-]C": None,
    "C1CO=1": None,
    "N1(C)CN=1": None,  # the atom that opened the ring has no bond left for a double one
    "C1(CC=1)=C": None,  # closed by a double bond, the ring takes one more of its opener
    "C1(CC=1)(=C)": None,
    "[CH8]": "DIGIT -> '8'",
    "c1ccccc1": "atom -> aromatic_organic",  # is asked for without aromatic atoms
}


@pytest.mark.parametrize("name", sorted(GRAMMARS))
def test_molecules_are_allowed_and_others_are_refused(walks, name):
    grammar = GRAMMARS[name]
    assert all(map(valid, MOLECULES))
    assert refused(grammar, walks[name], MOLECULES, 277) == {}
    assert set(refused(grammar, walks[name], list(NONE), 277)) == set(NONE)
    assert not any(map(valid, set(NONE) - {"c1ccccc1"}))


def test_a_mistake_is_refused_where_it_is_made(walks):
    found = refused(OFFICIAL, walks["smiles"], list(NONE), 277)
    assert {s: rule for s, rule in found.items() if NONE[s]} == {s: r for s, r in NONE.items() if r}


@pytest.mark.parametrize("name", sorted(GRAMMARS))
def test_with_steps_to_spare_exactly_the_valid_strings_are_allowed(walks, name):
    """Of random complete strings; what only RDKit reads has a known reason."""
    grammar, rng = GRAMMARS[name], np.random.default_rng(5)
    logits = rng.standard_normal((3000, 40, grammar.n_rules))
    for number, rule in enumerate(grammar.rules):
        names = [symbol.name for symbol in rule.rhs]
        if set(names) & set("cnosbpI%$:*") or "aromatic_organic" in names:
            logits[..., number] = -50
        if set(names) & set("3456789[") or "bracket_atom" in names:
            logits[..., number] -= 2
    strings = [s for s in RuleCodec(grammar, 40).decode(decode_logits(logits, grammar)) if s]
    strings = sorted(set(strings) - set(map(str.lower, strings)))
    no = refused(grammar, walks[name], strings, 90)
    assert [s for s in strings if s not in no and not valid(s)] == []
    only_rdkit = [s for s in no if valid(s)]
    assert len(only_rdkit) < 0.02 * len(strings)
    assert sum(map(valid, strings)) > 50


def test_a_walk_can_be_continued_from_some_of_its_rows(walks):
    rng = np.random.default_rng(0)
    logits, rows = rng.standard_normal((40, 60, 76)), rng.integers(0, 40, 25)
    expected = decode_logits(logits, OFFICIAL, walk=walks["smiles"])
    walk = walks["smiles"](40, 60)
    for step in range(30):
        walk.allowed()
        walk.apply(expected[:, step])
    walk = walk.take(rows)
    for step in range(30, 60):
        np.testing.assert_array_equal(OFFICIAL.lhs_index[expected[rows, step]], walk.top)
        rules = np.where(walk.allowed(), logits[rows, step], -np.inf).argmax(axis=1)
        np.testing.assert_array_equal(rules, expected[rows, step])
        walk.apply(rules)


def test_rings_alone_leave_valences_and_nothing_leaves_rings():
    logits = np.random.default_rng(0).standard_normal((600, 60, 76))
    logits[..., 14:18] = -50  # no aromatic atoms
    fractions = []
    for rings, valences in ((False, False), (True, False), (True, True)):
        walk = molecule_walk(OFFICIAL, rings=rings, valences=valences)
        decoded = RuleCodec(OFFICIAL, 60).decode(decode_logits(logits, OFFICIAL, walk=walk))
        assert None not in decoded
        fractions.append(np.mean([valid(smiles) for smiles in decoded]))
        if rings:  # each digit is there an even number of times
            outside = ["".join(s.split("[")[0] for s in d.split("]")) for d in decoded]
            assert all(text.count(digit) % 2 == 0 for text in outside for digit in "12345678")
    assert fractions[0] < fractions[1] < fractions[2]


def test_wrong_arguments():
    with pytest.raises(UserError, match="without rings"):
        molecule_walk(OFFICIAL, rings=False)
    with pytest.raises(GrammarError, match="takes 5 productions"):
        molecule_walk(OFFICIAL)(3, 4)
    with pytest.raises(UserError, match="no ']'"):
        molecule_walk(Grammar("S -> '[' A | 'C'\nA -> 'C' ']'"))


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(GRAMMARS))
def test_molecules_of_zinc_are_allowed_at_every_step(data_dir, name):
    with gzip.open(data_dir / "zinc250k.smi.gz", "rt") as file:
        aromatic = file.read().split()[::125]
    kekulised = []
    for smiles in aromatic:
        mol = Chem.MolFromSmiles(smiles)
        Chem.Kekulize(mol, clearAromaticFlags=True)
        kekulised.append(Chem.MolToSmiles(mol, kekuleSmiles=True))
    steps = 100 if name == "compact" else 277
    grammar = GRAMMARS[name]
    no = refused(grammar, molecule_walk(grammar, aromatic=False), kekulised, steps)
    assert len(no) <= 0.001 * len(kekulised), no
    no = refused(grammar, molecule_walk(grammar), aromatic, steps)
    assert len(no) <= 0.002 * len(aromatic), no
