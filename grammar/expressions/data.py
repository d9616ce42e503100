"""The benchmark's expressions: generated, the published 100,000, or those of a file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gmae_tf.utils.rows import RowReport
from gmae_tf.utils.text import read_bytes
from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError
from grammar.files import read_strings
from grammar.library import load_grammar
from grammar.parsing.parser import Parser
from grammar.sampling.uniform import official_expressions, sample_family

SOURCES = ("official", "generated", "download")
OFFICIAL_FILES = ("expressions_100k.txt.gz", "equation2_15_dataset.txt")
OFFICIAL_SHA256 = "ae9850311e884f888491f56dca57ef3c2f9880899e63d26b5da3b71840591ca2"
OFFICIAL_URL = (
    "https://raw.githubusercontent.com/mkusner/grammarVAE/"
    "f9485946674d7b109c6f69f603a4e80c300b5d5b/data/equation2_15_dataset.txt"
)
_ALTERNATIVES = (
    "use the source 'official' (rebuilt by rule, needs no file), 'generated', or a file of your own"
)


def load_expressions(
    source: str | Path,
    *,
    n: int | None = None,
    seed: int = 0,
    data_dir: str | Path | None = None,
    grammar: Grammar | Parser | None = None,
    tell: Callable[[RowReport], None] | None = None,
) -> list[str]:
    """Strings in canonical form (no blanks).

    With `n` at most that many are drawn by `seed`, and stand in the order of the source.

    - "generated": `n` (100,000) different strings of the benchmark family, drawn by `seed`;
    - "official": the 100,000 strings of Kusner et al. 2017, in their order: from `data_dir` or
      $GMAE_DATA_DIR if the file is there, else rebuilt by the rule that made them (same bytes);
    - "download": the same, fetched from the authors' repository and checked;
    - a path: a text file (or .gz) with one string of `grammar` (arithmetic) a line; see
      `grammar.files.read_strings`, also for `tell`.

    Raises GrammarError (ParseError for a bad line, with its number and a caret).
    """
    rng = np.random.default_rng(seed)
    if source == "generated":
        return sample_family(100_000 if n is None else n, rng)
    if source == "official":
        path = find_official(data_dir)
        strings = official_expressions() if path is None else read_official(path)
    elif source == "download":
        strings = read_official(download_official())
    elif Path(source).exists():
        strings = read_strings(source, load_grammar(grammar or "arithmetic"), tell)
    else:
        raise GrammarError(f"there is no file {source}; {_ALTERNATIVES}")
    if n is None or n >= len(strings):
        return strings
    if n < 1:
        raise GrammarError(f"n is {n}; ask for at least one string")
    return [strings[i] for i in np.sort(rng.choice(len(strings), size=n, replace=False))]


def find_official(data_dir: str | Path | None = None) -> Path | None:
    """The published file in `data_dir` or $GMAE_DATA_DIR, if there is one."""
    folder = data_dir or os.environ.get("GMAE_DATA_DIR")
    if not folder:
        return None
    return next((p for name in OFFICIAL_FILES if (p := Path(folder) / name).is_file()), None)


def read_official(path: Path) -> list[str]:
    """Strings of the published file; GrammarError if its SHA-256 is not the known one."""
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != OFFICIAL_SHA256:
        raise GrammarError(
            f"{path} is not the published data set (its SHA-256 differs); {_ALTERNATIVES}"
        )
    return content.decode("ascii").replace(" ", "").split()


def download_official() -> Path:
    """Fetch the published file into the user's cache (once); GrammarError without a network."""
    import pooch  # imports requests; only a download needs it

    try:
        return Path(
            pooch.retrieve(
                OFFICIAL_URL,
                f"sha256:{OFFICIAL_SHA256}",
                path=pooch.os_cache("gmae"),
                progressbar=False,
            )
        )
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise GrammarError(f"cannot download {OFFICIAL_URL}; {_ALTERNATIVES}") from error
