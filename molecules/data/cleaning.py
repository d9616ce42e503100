"""From the rows of a file to different, valid molecules, and a reason for each that is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from gmae_tf.errors import UserError
from gmae_tf.utils.numbers import Measurement
from gmae_tf.utils.parallel import map_chunks
from gmae_tf.utils.replicates import Averages, Row, average
from gmae_tf.utils.rows import Dropped, one_line
from grammar.cfg.grammar import Grammar
from grammar.errors import ParseError
from molecules.data.files import Record

Accepts = Callable[[str], "str | None"]
"""None for a string that can be used, else why not (for instance, outside the grammar)."""
SEVERAL_PARTS = "several parts: a salt or a mixture, of which --largest-fragment keeps one"


class Cleaned(NamedTuple):
    """Text to use, the canonical SMILES that tells duplicates, and what was done; or the reason."""

    smiles: str
    key: str
    reason: str | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What is done with a user's molecules, in this order.

    Attributes
    ----------
    standardize : RDKit's `rdMolStandardize.Cleanup`: no bonds to metals, usual forms of functional
        groups such as nitro, the strongest acids ionised first.
    largest_fragment : of salts and mixtures keep the largest part, an organic one if there is one
        (RDKit's `LargestFragmentChooser`); else they are dropped.
    keep_mixtures : keep salts and mixtures whole, for a model whose grammar writes them.
    neutralize : remove charges by hydrogens where that is possible (RDKit's `Uncharger`), so that
        charged and neutral forms of a molecule join.
    canonical : write molecules as RDKit does; else as they are in the file, if nothing was changed.
    kekulize : write aromatic rings as alternating bonds (implies canonical).
    """

    standardize: bool = False
    largest_fragment: bool = False
    keep_mixtures: bool = False
    neutralize: bool = False
    canonical: bool = True
    kekulize: bool = False


@dataclass(frozen=True)
class Molecules:
    """N different molecules of a file, and what became of its rows.

    Attributes
    ----------
    smiles : N texts to use.
    measured : their values, means over the rows of a molecule.
    dropped : the other rows, by place.
    notes : what was done, in words.
    """

    smiles: list[str]
    measured: Averages
    dropped: list[Dropped]
    notes: tuple[str, ...]


def string_list(smiles: Iterable[str]) -> list[str]:
    """A list, array or Series of SMILES as a list; `UserError` for one string or no strings."""
    if isinstance(smiles, str):
        raise UserError(f"give a list of SMILES, such as [{smiles!r}], not a single string.")
    if not isinstance(smiles, Iterable):
        raise UserError(f"give a list of SMILES, not {smiles!r}.")
    strings = list(smiles)
    for place, text in enumerate(strings):
        if not isinstance(text, str):
            raise UserError(f"smiles[{place}] is {text!r}, which is no string: leave it out.")
    return strings


def accepted_by(grammar: Grammar | None, longest: int | None) -> Accepts:
    """Why a SMILES cannot be used with this grammar (of any characters) and length, or None."""
    from grammar.parsing.parser import Parser

    parse: Any = str if grammar is None else Parser(grammar).parse

    def accepts(smiles: str) -> str | None:
        try:
            steps = len(parse(smiles))
        except ParseError as error:
            return f"outside the grammar: {error}"
        if longest is not None and steps > longest:
            return f"too long: {steps} rules, --max-length is {longest}"
        return None

    return accepts


def clean_records(
    records: Sequence[Record], policy: Policy, accepts: Accepts | None = None, unit: str = "line"
) -> Molecules:
    """The different molecules of the rows, each with the mean of its values."""
    dropped = [Dropped(r.place, r.text, r.problem) for r in records if r.problem]
    usable = [record for record in records if not record.problem]
    clean = map_chunks(
        partial(clean_smiles, policy=policy), [r.text for r in usable], "reading molecules"
    )
    rows: dict[str, list[Record]] = {}
    texts: dict[str, str] = {}
    changes: Counter[str] = Counter()
    for record, (smiles, key, reason, changed) in zip(usable, clean, strict=True):
        if reason is None and key not in rows and accepts is not None:
            refused = accepts(smiles)
            reason = None if refused is None else one_line(refused)
        if reason is not None:
            dropped.append(Dropped(record.place, record.text, reason))
            continue
        changes.update(changed)
        rows.setdefault(key, []).append(record)
        texts.setdefault(key, smiles)
    measured = average([list(map(_row, same)) for same in rows.values()], "molecules", unit)
    for i, (first, *others) in enumerate(rows.values()):
        for other in others:
            reason = f"duplicate: the same molecule as {unit} {first.place}"
            if other.value is not None:
                reason += ", values averaged"
                if i in measured.conflicts:
                    reason += f"; in conflict, {measured.conflicts[i]}"
            dropped.append(Dropped(other.place, other.text, reason))
    notes = (*(f"{change}: {number:,}" for change, number in changes.items()), *measured.notes)
    return Molecules(list(texts.values()), measured, sorted(dropped), notes)


def _row(record: Record) -> Row:
    if record.value is None:
        return Row(record.place, None)
    return Row(record.place, Measurement(record.value, record.censoring))


def clean_smiles(text: str, policy: Policy) -> Cleaned:
    """One molecule in the form that `policy` asks for, or why it cannot be used."""
    from rdkit import Chem, rdBase

    from molecules.chem.reading import read_smiles

    with rdBase.BlockLogs():
        mol = read_smiles(text)
        if mol is None:
            return Cleaned("", "", _what_is_wrong(text))
        if not mol.GetNumAtoms():
            return Cleaned("", "", "no SMILES")
        before = key = Chem.MolToSmiles(mol)
        changes = []
        for step, change in _steps(policy):
            mol = step(mol)
            after = Chem.MolToSmiles(mol)
            if after != key:
                changes.append(change)
            key = after
        if not key:
            return Cleaned("", "", "no SMILES")
        if "." in key and not policy.keep_mixtures:
            return Cleaned("", "", SEVERAL_PARTS)
        return Cleaned(
            _form(key, text if key == before else key, policy), key, None, tuple(changes)
        )


@cache
def _steps(policy: Policy) -> list[tuple[Callable[[Any], Any], str]]:
    """What `policy` does to a molecule, each step with its name in words."""
    if not (policy.largest_fragment or policy.standardize or policy.neutralize):
        return []
    from rdkit.Chem.MolStandardize import rdMolStandardize

    chooser = rdMolStandardize.LargestFragmentChooser(True)  # an organic one
    steps = (
        (policy.standardize, rdMolStandardize.Cleanup, "molecules standardised"),
        (policy.largest_fragment, chooser.choose, "salts and mixtures of which the largest fragment is kept"),
        (policy.neutralize, rdMolStandardize.Uncharger().uncharge, "molecules neutralised"),
    )
    return [(step, change) for wanted, step, change in steps if wanted]


def _form(key: str, smiles: str, policy: Policy) -> str:
    if policy.kekulize:
        from molecules.data.kekulize import kekulize_smiles

        return kekulize_smiles(key)
    return key if policy.canonical else smiles


def _what_is_wrong(text: str) -> str:
    """RDKit's first complaint about a string that it does not accept."""
    from rdkit import Chem

    from molecules.chem.reading import LONGEST, read_smiles

    if len(text) > LONGEST:
        return f"longer than {LONGEST:,} characters"
    mol: Any = read_smiles(text, sanitize=False)
    if mol is None:
        return "not a molecule: RDKit cannot read the SMILES"
    problems = Chem.DetectChemistryProblems(mol)
    detail = one_line(problems[0].Message()) if problems else "RDKit cannot sanitise it"
    return f"not a molecule: {detail}"
