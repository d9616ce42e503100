"""What every built-in search problem has: a space, known values, and the words of its report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml
from numpy.typing import NDArray

from bayesopt.dataset import Dataset
from bayesopt.space import SearchSpace
from bayesopt.trusted_region import Array

if TYPE_CHECKING:
    import pandas as pd

    from gmae_tf.utils.plotting import Picture
    from gmae_tf.utils.rows import RowReport

PUBLISHED = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table, to stand beside ours.

    `values` uses the names of `results.json` where they exist (`top` as a sequence of scores,
    `rmse`, `log_likelihood`, `median_best`, `validity`, `average_score`, `evaluations`); other
    names become further columns, and a string ("0.40") is shown as it is.  `source` says where the
    numbers come from and under which protocol.
    """

    method: str
    values: Mapping[str, float | str | Sequence[float | str]]
    source: str


def published_rows(benchmark: str) -> tuple[PublishedRow, ...]:
    """What others published for a benchmark of `published.yaml`; nothing for any other."""
    rows = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8")).get(benchmark, ())
    return tuple(PublishedRow(**row) for row in rows)


class Task(ABC):
    """A search problem; values and scores have the user's sign.

    Attributes
    ----------
    name, noun, score_name : of the task, of a string, of a score, as a reader calls them.
    column : of strings, in files.
    failed_value : value of what cannot be evaluated; None: it has none.
    optimum : the best value that there can be, at which a search stops; None: not known.
    reports : what was read of each file of the user's, and why rows were left out.
    centres : rows of the data set around which to search; None: any.
    points_per_lengthscale : see `SurrogateConfig`.
    training_points : known strings that the surrogate learns from; few are the best ones, of which
        a process that explains no others knows more.
    """

    name: str
    noun: str
    score_name: str
    column: str = "string"
    maximize: bool
    failed_value: float | None
    optimum: float | None = None
    reports: Sequence[RowReport] = ()
    points_per_lengthscale: int
    training_points: int = 2_000
    space: SearchSpace
    dataset: Dataset
    centres: NDArray[np.int64] | None = None

    @abstractmethod
    def evaluate(self, strings: Sequence[str]) -> Array:
        """Values [N] of strings, NaN for a failure."""

    @property
    @abstractmethod
    def objective(self) -> str:
        """The objective in words."""

    @property
    @abstractmethod
    def data_protocol(self) -> str:
        """What the search may see, in words."""

    @property
    def published(self) -> tuple[PublishedRow, ...]:
        """What others found, for the table of the report."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know besides."""
        return ()

    @abstractmethod
    def pictures(self, top: Sequence[str], scores: Sequence[float]) -> list[Picture]:
        """Pictures of the best strings, none if there are none."""

    def terms(self, strings: Sequence[str]) -> pd.DataFrame | None:
        """What the objective adds or multiplies, of N strings: [N, terms]; None if one thing."""
        return None

    def files(self, results: pd.DataFrame, folder: Path) -> list[Path]:
        """Write a table of results in further formats; the paths of the files."""
        return []

    def close(self) -> None:  # noqa: B027
        """End the processes that score, if there are any."""
