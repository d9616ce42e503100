"""SMILES without aromatic atoms: every bond is single, double or triple, so valences are sums."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic
from gmae_tf.utils.parallel import map_chunks


def kekulize_smiles(smiles: str) -> str:
    """Canonical SMILES with alternating bonds in place of aromatic ones; marks of stereo stay.

    Read again by RDKit it is the same molecule, and the same for every way to write it.

    Raises
    ------
    UserError: RDKit does not accept `smiles` as a molecule.
    """
    from rdkit import Chem

    from molecules.chem.reading import read_smiles

    mol = read_smiles(smiles)
    if mol is None or not mol.GetNumAtoms():
        from molecules.chem.properties import parse

        parse(smiles)  # says why
    Chem.Kekulize(mol, clearAromaticFlags=True)
    return Chem.MolToSmiles(mol, kekuleSmiles=True)


def kekulize_all(smiles: Sequence[str], *, jobs: int = -1) -> list[str]:
    """`kekulize_smiles` of each, in order, in worker processes if there are many."""
    return map_chunks(kekulize_smiles, smiles, "kekulising", jobs=jobs)


def kekulize_cached(
    smiles: Sequence[str], *, folder: Path | None = None, jobs: int = -1
) -> list[str]:
    """`kekulize_all`, kept in `folder` (the user's cache) for the next time.

    The file is named by the SHA-256 of the strings and by RDKit's version, for another version
    may write another form. A cache that cannot be read or written is done without.
    """
    import pooch
    import rdkit

    checksum = hashlib.sha256("\n".join(smiles).encode()).hexdigest()
    name = f"kekulised-{checksum[:16]}-rdkit-{rdkit.__version__}.smi.gz"
    path = (folder or Path(pooch.os_cache("gmae"))) / name
    with suppress(OSError, EOFError, UnicodeDecodeError, zlib.error):
        kept = gzip.decompress(path.read_bytes()).decode("ascii").split()
        if len(kept) == len(smiles):
            return kept
    made = kekulize_all(smiles, jobs=jobs)
    with suppress(UserError, OSError):
        write_atomic(path, gzip.compress("\n".join(made).encode("ascii"), mtime=0))
    return made
