"""Print the tables of README.md and docs/ from the result files, or put them into the pages.

python -m experiments.tables.pages            print them
python -m experiments.tables.pages --write    put them into the pages, between their markers
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments.tables import (
    expression_tables,
    headline,
    image_tables,
    model_tables,
    molecule_tables,
    order_tables,
    regression_tables,
    reliability_tables,
    reproduction,
    space_tables,
    string_tables,
    study_tables,
    user_tables,
)
from experiments.tables.markdown import DOCS

PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
BLOCKS: dict[str, Callable[[], list[str]]] = {
    "headline": headline.headline,
    "tables": expression_tables.expression_tables,
    "molecules": molecule_tables.molecule_tables,
    "regression": regression_tables.regression_tables,
    "space": space_tables.space_table,
    "bars": reproduction.bar_table,
    "images": reproduction.distance_table,
    "fid": reproduction.fid_table,
    "distances": reproduction.distance_table,
    "orders": reproduction.order_table,
    "clusters": reproduction.cluster_table,
    "discrete": reproduction.discrete_table,
    "recovery": image_tables.recovery_table,
    "losses": image_tables.loss_table,
    "choice": image_tables.choice_table,
    "study": image_tables.study_table,
    "evaluation": image_tables.evaluation_table,
    "ablation": image_tables.ablation_table,
    "speed": image_tables.speed_table,
    "papers": lambda: order_tables.order_tables(reproduction.PAPERS),
    "kills": reliability_tables.kill_table,
    "fuzz": reliability_tables.fuzz_table,
    "soak": reliability_tables.soak_table,
    "laboratory": user_tables.laboratory_tables,
    "dna": user_tables.dna_table,
    "cluster": reliability_tables.cluster_table,
    "versions": reliability_tables.version_table,
    "compare": model_tables.compare_table,
    **{
        f"{area}_compared": partial(string_tables.string_table, area)
        for area in string_tables.AREAS
    },
    **{name: partial(study_tables.study_table, name) for name in study_tables.NAMES},
}
"""Tables by the name of their markers, as in <!-- bars: begin -->."""


def page_with_tables(page: Path) -> str:
    """The text of a page, with what is between markers made anew."""

    def fill(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        return "\n".join([begin, *BLOCKS[name](), end])

    return re.sub(
        r"(<!-- (\w+): begin -->)\n.*?(<!-- \2: end -->)", fill, page.read_text(), flags=re.S
    )


def main() -> None:
    """The command."""
    if sys.argv[1:] not in ([], ["--write"]):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] in (["--help"], ["-h"]) else 2)
    if "--write" in sys.argv:
        for page in PAGES:
            page.write_text(page_with_tables(page))
    else:
        print("\n\n".join("\n".join(make()) for make in BLOCKS.values()))


if __name__ == "__main__":
    main()
