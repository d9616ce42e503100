"""The SMILES parser against nltk's chart parser, RDKit and known derivations."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from grammar.ambiguity import find_merged_terminals, sample_token_lists
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.errors import ParseError
from grammar.library import load_grammar
from grammar.parsing.engines import ChartEngine
from grammar.parsing.lalr import build_tables
from grammar.parsing.parser import Parser
from grammar.parsing.smiles import proves_unambiguous
from grammar.sampling.uniform import sample_derivations

OFFICIAL = load_grammar("smiles").grammar
EXTENDED = load_grammar("smiles_extended").grammar
GRAMMARS = {"smiles": OFFICIAL, "smiles_extended": EXTENDED}
PARSERS = {name: Parser(grammar) for name, grammar in GRAMMARS.items()}
CHARTS = {name: ChartEngine(grammar) for name, grammar in GRAMMARS.items()}

WRITTEN = """
C CC C=C C#N CCCCCCCCCC C/C=C/C C\\C=C\\C ClCCl BrCBr
CC(C)C CC(C)(C)C C(C)(C)(C)C C(=O)O CC(=O)Oc1ccccc1C(=O)O C(C(C(C(C)C)C)C)C N#CC(C#N)=C(C#N)C#N
C1CC1 c1ccccc1 C1CC2CC1CC2 C=1CCCCC=1 C1=CCCCC=1 C1CC=1 c1ccc2ccccc2c1 C12CC1C2 C1(CC1)C C12(CC1)CC2
O=C(O)c1ccc(-c2ccccc2)cc1 Cc1nc(C)n(-c2ccc(F)cc2)n1
N#CC1=C(SCC(=O)N2CCOCC2)N=C([O-])[C@H](C#N)C12CCCCC2
[NH4+] [O-]C [13CH4] [13C@@H](C)(N)O [C@H](C)(N)O C[C@@](N)(O)F [123I] [S@@+](C)(C)C
[NH2+]1CCCC1 c1cc[nH]c1 C[n+]1ccccc1 [CH2-]C [S-2] [N+12] [OH2] CP(=O)(O)O FC(F)(F)c1ccc(I)cc1
"""
MORE_WRITTEN = """
[Na+].[Cl-] C.C.C [2H]C([2H])[2H] [H][H] [HH] [H+] C%10CCCCC%10 C%12%11CC=%12C%11 C9CC9 C0CC0
C[Sn](C)(C)C CSn1cccc1 COc1ccccc1 CSc1ccccc1 CCn1cccc1 CN(c1ccccc1)C [Co+2] [Sb](C)(C)C
[Pb] [Sc+3] C[In](C)C
[Fe++] [O--] [Fe+3] [Ca+2] [CH3:1][OH:22] [C:123] [13CH3-:7] c1cc[se]c1 c1cc[te]c1 [Si](C)(C)(C)C
[Mo]$[Mo] C:C OB(O)c1ccccc1 c1ccpcc1 [K+].OC(=O)[C@@H](N)CS [Pt+2] [16OH2] [99Tc] [Xe]
"""
MOLECULES, MORE_MOLECULES = WRITTEN.split(), MORE_WRITTEN.split()


@pytest.mark.parametrize(
    ("text", "count"), [("C", 5), ("CC", 9), ("c1ccccc1", 31), ("C" * 69, 277), ("CCO", 13)]
)
def test_known_numbers_of_productions(text, count):
    assert len(PARSERS["smiles"].parse(text)) == count


def test_known_derivation():
    # C(=O)N: smiles, two items of the chain, C with one branch that begins with a bond, N.
    assert list(PARSERS["smiles"].parse("C(=O)N")) == (
        [0, 73, 72, 64, 2, 5, 69, 71, 56, 72, 62, 2, 7, 62, 2, 6]
    )


@pytest.mark.parametrize("text", MOLECULES)
@pytest.mark.parametrize("name", GRAMMARS)
def test_equal_to_nltk_on_molecules(name, text):
    chart = CHARTS[name].derivations(GRAMMARS[name].tokenize(text), limit=2)
    assert chart == [PARSERS[name].parse(text)]


@pytest.mark.parametrize("text", MORE_MOLECULES)
def test_equal_to_nltk_on_what_only_the_extended_grammar_has(text):
    chart = CHARTS["smiles_extended"].derivations(EXTENDED.tokenize(text), limit=2)
    assert chart == [PARSERS["smiles_extended"].parse(text)]
    assert Chem.MolFromSmiles(text, sanitize=False) is not None


def check(name: str, text: str) -> None:
    """The same derivation as nltk's, or an error where nltk has none."""
    try:
        wanted = CHARTS[name].derive(GRAMMARS[name].tokenize(text))
    except ParseError:
        wanted = None
    if wanted is None:
        with pytest.raises(ParseError, match=r"\^"):
            PARSERS[name].parse(text)
    else:
        assert PARSERS[name].parse(text) == wanted


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_equal_to_nltk_on_any_characters(name, data):
    signs = st.sampled_from("CCCcNn1122()==-[]@H+Sl %.:")
    check(name, data.draw(st.text(signs, max_size=9)))


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_equal_to_nltk_on_molecules_with_mistakes(name, data):
    text = data.draw(st.sampled_from([m for m in MOLECULES + MORE_MOLECULES if len(m) < 20]))
    for _ in range(data.draw(st.integers(1, 2))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 2)))
        new = data.draw(
            st.sampled_from(["", "(", ")", "=", "1", "C", "[", "]", "@", "H", " ", "l"])
        )
        text = text[:start] + new + text[end:]
    check(name, text)


@pytest.mark.parametrize("name", GRAMMARS)
@given(seed=st.integers(0, 2**32 - 1))
def test_parsing_undoes_derivation(name, seed):
    grammar, parser = GRAMMARS[name], PARSERS[name]
    rules = sample_derivations(grammar, 1, 60, np.random.default_rng(seed))[0]
    tokens = RuleCodec(grammar).tokens(rules)
    derivation = bytes(rules[rules != grammar.padding])
    assert parser.parse("".join(tokens)) == derivation
    assert parser.parse(" ".join(tokens)) == derivation


@pytest.mark.parametrize(
    ("text", "caret"),
    [
        *[("C$C", 1), ("C%10CC%10", 1), ("C9CC9", 1), ("C.C", 1), ("*C", 0), ("C:C", 1)],
        *[("C(C", 3), ("CC)C", 2), ("C()C", 2), ("(C)C", 0), ("=CC", 0), ("C==C", 2), ("C=", 2)],
        *[("C(=)C", 3), ("C1=)", 3), ("[C", 2), ("C]", 1), ("[CC]", 2), ("[@C]", 1), ("", 0)],
        *[("[C@ @H]", 4), ("CC C=#C", 5), ("[Si]", 2), ("[2H]", 2), ("C(C)1", 4), ("[C++]", 3)],
    ],
)
def test_a_mistake_has_a_caret_under_its_place(text, caret):
    with pytest.raises(ParseError) as caught:
        PARSERS["smiles"].parse(text)
    assert str(caught.value).split("\n")[2] == "    " + " " * caret + "^"


@pytest.mark.parametrize(
    ("text", "caret"),
    [
        *[("C..C", 2), (".C", 0), ("C.", 2), ("C(C.C)", 3), ("C%1C", 3), ("*", 0), ("C~C", 1)],
        *[("[C++2]", 4), ("[Sn", 3), ("C[Sn]n(", 7), ("[C:1234]", 6), ("HC", 0)],
    ],
)
def test_a_mistake_in_the_extended_grammar_has_a_caret_too(text, caret):
    with pytest.raises(ParseError) as caught:
        PARSERS["smiles_extended"].parse(text)
    assert str(caught.value).split("\n")[2] == "    " + " " * caret + "^"


def test_long_and_deep_strings_need_no_recursion():
    depth = 5_000
    parse = PARSERS["smiles"].parse
    assert len(parse("C" * depth)) == 1 + 4 * depth
    assert len(parse("C(" * depth + "C" + ")" * depth)) == 1 + 4 * (depth + 1) + 2 * depth
    with pytest.raises(ParseError, match="ends too early"):
        parse("C(" * depth + "C")


def test_the_extended_grammar_is_sound():
    assert EXTENDED.n_rules <= 256
    assert not EXTENDED.dead_rules
    assert find_merged_terminals(EXTENDED, sample_token_lists(EXTENDED, 400)) is None
    assert set(map(str, OFFICIAL.rules)) - set(map(str, EXTENDED.rules)) <= {
        str(rule) for rule in OFFICIAL.rules if rule.lhs == "BACH"
    } | {"Nothing -> None"}


def test_every_symbol_in_brackets_is_an_element_for_rdkit():
    forms = ["".join(s.name for s in r.rhs) for r in EXTENDED.rules if r.lhs == "symbol"]
    elements = [form for form in forms if form not in ("aliphatic_organic", "aromatic_organic")]
    assert len(set(elements)) == len(elements) > 70
    for element in elements:
        molecule = Chem.MolFromSmiles(f"[{element}]", sanitize=False)
        assert molecule.GetAtomWithIdx(0).GetSymbol() == element.capitalize()
        assert PARSERS["smiles_extended"].parse(f"[{element}]")


@pytest.mark.parametrize("name", GRAMMARS)
def test_the_grammars_are_proved_unambiguous(name):
    assert build_tables(GRAMMARS[name].rules[:-1]).conflicts  # not by their own tables
    assert PARSERS[name].exact
    assert not ChartEngine(GRAMMARS[name]).derivations(["C", "C"], limit=2)[1:]


def changed(old: str, new: str, text: str = OFFICIAL.text) -> Grammar:
    assert old in text
    return Grammar(text.replace(old, new))


@pytest.mark.parametrize(
    "grammar",
    [
        load_grammar("arithmetic").grammar,
        changed("| chain bond branched_atom", "| branched_atom bond chain"),  # other lists
        changed("| atom RB BB", ""),  # a rule less
        changed("| bond DIGIT", "| bond DIGIT | '(' chain ')'"),  # as a branch
        changed("| '#'", "| '#' | '3'"),  # a bond that is also a digit
        changed("smiles -> chain", "smiles -> chain | smiles '=' chain"),  # '=' is also a bond
        changed("smiles -> chain", "smiles -> chain | branched_atom"),  # a chain in two ways
    ],
)
def test_other_grammars_are_not_proved(grammar):
    assert not proves_unambiguous(grammar)


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        (changed("'Cl' | 'Br'", "'Cl' | 'Br' | 'Q'"), "CQ(C)C1=CC=1"),
        (changed("symbol -> ", "symbol -> 'Sc' | "), "C[Sc]C=1"),
        (changed("smiles -> chain", "smiles -> chain | smiles '@' chain"), "C@C(=C)C"),
        (changed("smiles -> chain", "smiles -> chain | chain '.' smiles"), "C.C=C.CC=1"),
    ],
)
def test_grammars_of_the_same_structure_are_proved(grammar, text):
    assert Parser(grammar).exact
    assert [Parser(grammar).parse(text)] == ChartEngine(grammar).derivations(
        grammar.tokenize(text), limit=2
    )


def test_blanks_keep_terminals_apart():
    grammar = changed("'@' | '@@'", "'@' | '@@' | '@' '@'")
    parser, chart = Parser(grammar), ChartEngine(grammar)
    assert parser.exact
    assert parser.parse("[C@@]") == chart.derive(["[", "C", "@@", "]"])
    assert parser.parse("[C@ @]") == chart.derive(["[", "C", "@", "@", "]"])
    assert parser.parse("C [C@ @]") == chart.derive(["C", "[", "C", "@", "@", "]"])


@pytest.mark.data
@pytest.mark.parametrize("name", GRAMMARS)
def test_equal_to_nltk_on_zinc(name, data_dir, rng):
    with gzip.open(data_dir / "zinc250k.smi.gz", "rt") as file:
        molecules = file.read().split()
    size = 300 if name == "smiles" else 100  # nltk takes longer with more rules
    for text in rng.choice(molecules, size=size, replace=False).tolist():
        check(name, text)
        assert RuleCodec(GRAMMARS[name]).decode(RuleCodec(GRAMMARS[name]).encode([text])) == [text]


@pytest.mark.data
def test_all_molecules_of_zinc_parse_and_come_back(data_dir):
    with gzip.open(data_dir / "zinc250k.smi.gz", "rt") as file:
        molecules = file.read().split()[::25]
    codec = RuleCodec(OFFICIAL)
    assert codec.decode(codec.encode(molecules)) == molecules
