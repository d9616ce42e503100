"""From the rows of a file to different, valid molecules, and a reason for each that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.parallel import map_chunks
from grammar.cfg.grammar import Grammar
from grammar.errors import ParseError
from molecules.data.files import Record

Accepts = Callable[[str], "str | None"]
"""None for a string that can be used, else why not (for instance, outside the grammar)."""


class Dropped(NamedTuple):
    """A row that is not used: where it stands, its text, and why ("kind" or "kind: detail")."""

    place: int
    what: str
    reason: str


class Cleaned(NamedTuple):
    """Text to use and the canonical SMILES that tells duplicates; else the reason."""

    smiles: str
    key: str
    reason: str | None = None


@dataclass(frozen=True)
class Policy:
    """What is done with a user's molecules.

    Attributes
    ----------
    canonical : write them as RDKit does; else as they are in the file.
    kekulize : write aromatic rings as alternating bonds (implies canonical).
    keep_largest_fragment : of salts and mixtures keep the largest part, else drop them.
    """

    canonical: bool = True
    kekulize: bool = False
    keep_largest_fragment: bool = False


def string_list(smiles: Iterable[str]) -> list[str]:
    """A list, array or Series of SMILES as a list; `UserError` for one string, or for no strings."""
    if isinstance(smiles, str):
        raise UserError(f"give a list of SMILES, such as [{smiles!r}], not a single string.")
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
) -> tuple[list[str], list[float | None], list[Dropped]]:
    """Molecules, their values (the mean over duplicates), and what was dropped, by place."""
    dropped = [Dropped(r.place, r.text, r.problem) for r in records if r.problem]
    usable = [record for record in records if not record.problem]
    clean = map_chunks(
        partial(clean_smiles, policy=policy), [r.text for r in usable], "reading molecules"
    )
    first: dict[str, tuple[Record, str]] = {}
    values: dict[str, list[float]] = {}
    for record, (smiles, key, reason) in zip(usable, clean, strict=True):
        if reason is None and key not in first and accepts is not None:
            refused = accepts(smiles)
            reason = None if refused is None else one_line(refused)
        if reason is None and key in first:
            reason = f"duplicate: the same molecule as {unit} {first[key][0].place}"
            if record.value is not None:
                reason += ", values averaged"
                values[key].append(record.value)
        if reason is not None:
            dropped.append(Dropped(record.place, record.text, reason))
            continue
        first[key] = record, smiles
        values[key] = [] if record.value is None else [record.value]
    means = [float(np.mean(v)) if v else None for v in values.values()]
    return [smiles for _, smiles in first.values()], means, sorted(dropped)


def clean_smiles(text: str, policy: Policy) -> Cleaned:
    """One molecule in the form that `policy` asks for, or why it cannot be used."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text)
        if mol is None:
            return Cleaned("", "", _what_is_wrong(text))
        if not mol.GetNumAtoms():
            return Cleaned("", "", "no SMILES")
        smiles = text
        parts = Chem.GetMolFrags(mol, asMols=True)
        if len(parts) > 1:
            if not policy.keep_largest_fragment:
                return Cleaned("", "", "several parts: a salt or a mixture")
            mol = max(parts, key=lambda part: (part.GetNumHeavyAtoms(), Chem.MolToSmiles(part)))
            smiles = Chem.MolToSmiles(mol)
        key = Chem.MolToSmiles(mol)
        return Cleaned(_form(key, smiles, policy), key)


def one_line(text: str) -> str:
    """Blanks and line ends as single blanks: a reason is one line of a report."""
    return " ".join(text.split())


def count_reasons(dropped: Iterable[Dropped]) -> dict[str, list[Dropped]]:
    """What was dropped, by kind of reason, the most frequent first."""
    kinds: dict[str, list[Dropped]] = {}
    for item in dropped:
        kinds.setdefault(item.reason.split(":")[0], []).append(item)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


def _form(key: str, smiles: str, policy: Policy) -> str:
    if policy.kekulize:
        from molecules.data.kekulize import kekulize_smiles

        return kekulize_smiles(key)
    return key if policy.canonical else smiles


def _what_is_wrong(text: str) -> str:
    """RDKit's first complaint about a string that it does not accept."""
    from rdkit import Chem

    mol: Any = Chem.MolFromSmiles(text, sanitize=False)
    if mol is None:
        return "not a molecule: RDKit cannot read the SMILES"
    problems = Chem.DetectChemistryProblems(mol)
    detail = one_line(problems[0].Message()) if problems else "RDKit cannot sanitise it"
    return f"not a molecule: {detail}"
