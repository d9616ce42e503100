"""ZINC 250k and its test molecules: found in a folder or downloaded, and checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from pathlib import Path

from gmae_tf.errors import UserError

ZINC_FILE, TEST_FILE = "zinc250k.smi.gz", "zinc250k_test_ids.txt"
ZINC_SHA256 = "df0aa677c770f15c9943684d6600cba8e7076c67be6a090c12f24da3aaa55b70"
"""SHA-256 of the 249,455 SMILES, one a line, each line ended by one LF."""
TEST_SHA256 = "31f6ce92914814db33bf0dbfc45f3836193e27cb80a59c54d88bc05a1f5fab83"
"""The same for the 5,000 test molecules of Jin et al. 2018, which are among them."""
ZINC_URL = (
    "https://raw.githubusercontent.com/wenhao-gao/mol_opt/"
    "2da631be85af8d10a2bb43f2de76a03171166190/data/zinc.txt.gz"
)
ARCHIVE_SHA256 = "cf1f05bfed0c334a38aa26f27e4a5016dd09f5e225b86dcad490bb5f203fb099"
TEST_URL = "https://raw.githubusercontent.com/wengong-jin/icml18-jtnn/d4c425a8/data/zinc/test.txt"
_ALTERNATIVES = "use the source 'builtin' (needs no file) or a .smi, .csv or .sdf file of your own"


def load_zinc(*, download: bool, data_dir: str | Path | None = None) -> tuple[list[str], list[str]]:
    """The 249,455 strings in the order of the file, and the 5,000 test strings among them.

    Files in `data_dir` or $GMAE_DATA_DIR come first unless `download` is asked for; what is not
    there is downloaded into the user's cache, once.

    Raises
    ------
    UserError: no network, or a file whose SHA-256 is not the known one.
    """
    zinc = None if download else find(ZINC_FILE, data_dir)
    test = None if download else find(TEST_FILE, data_dir)
    return (
        read_checked(zinc, ZINC_SHA256) if zinc else _fetch(ZINC_URL, ZINC_SHA256, ARCHIVE_SHA256),
        read_checked(test, TEST_SHA256) if test else _fetch(TEST_URL, TEST_SHA256),
    )


def find(name: str, data_dir: str | Path | None = None) -> Path | None:
    """The file of that name in `data_dir` or $GMAE_DATA_DIR, if there is one."""
    folder = data_dir or os.environ.get("GMAE_DATA_DIR")
    if not folder:
        return None
    path = Path(folder) / name
    return path if path.is_file() else None


def read_checked(path: Path, sha256: str) -> list[str]:
    """The first word of each line of a text file (or .gz, or gzipped tar with one file).

    Raises
    ------
    UserError: the file cannot be read, or the SHA-256 of these words, a line each, differs.
    """
    try:
        strings = [line.split()[0] for line in _text(path).splitlines() if line.strip()]
    except (
        OSError, EOFError, StopIteration, UnicodeDecodeError, zlib.error, tarfile.TarError,
    ) as error:  # fmt: skip
        raise UserError(f"cannot read {path} ({error}); {_ALTERNATIVES}.") from error
    if hashlib.sha256(("\n".join(strings) + "\n").encode()).hexdigest() != sha256:
        raise UserError(
            f"{path} is not the published data set (its SHA-256 differs); {_ALTERNATIVES}."
        )
    return strings


def _text(path: Path) -> str:
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            member = next(m for m in archive if m.isfile())
            file = archive.extractfile(member)
            return file.read().decode("ascii") if file else ""
    content = path.read_bytes()
    # Told by its first bytes, for a cache adds to names.
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("ascii")


def _fetch(url: str, sha256: str, archive_sha256: str | None = None) -> list[str]:
    """Download into the user's cache (once), and read; UserError without a network.

    pooch checks the archive's own SHA-256 where there is an archive, `read_checked` the text.
    """
    import pooch  # imports requests; only a download needs it

    known = f"sha256:{archive_sha256}" if archive_sha256 else None
    pooch.get_logger().setLevel("WARNING")
    try:
        path = Path(pooch.retrieve(url, known, path=pooch.os_cache("gmae"), progressbar=False))
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise UserError(f"cannot download {url}; {_ALTERNATIVES}.") from error
    try:
        return read_checked(path, sha256)
    except UserError as error:
        path.unlink(missing_ok=True)  # else the next try would find it again
        raise UserError(f"what {url} gives is not the published data; {_ALTERNATIVES}.") from error
