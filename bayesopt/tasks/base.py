"""The task protocol: a search space with known values, an objective, and the words of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bayesopt.report.summary import PublishedRow
from bayesopt.space import Array, Dataset, SearchSpace

if TYPE_CHECKING:
    from bayesopt.report.figures import Plot


class Task(Protocol):
    """A search space and its data, in the user's sign, with the words and pictures of its report.

    Attributes
    ----------
    name, noun, score_name : what the task, a string and a value are called.
    maximize : higher values are better.
    failed_value : value recorded for a string whose evaluation fails.
    centres : see `Optimizer`.
    points_per_lengthscale : see `SurrogateConfig`.
    objective, data_protocol, notes : sentences for the report.
    published : rows to stand beside ours.
    """

    name: str
    noun: str
    score_name: str
    maximize: bool
    failed_value: float
    centres: Any
    points_per_lengthscale: int
    space: SearchSpace
    dataset: Dataset

    def evaluate(self, strings: Sequence[str]) -> Array:
        """Values [N] of N strings, NaN where an evaluation failed."""
        ...

    @property
    def objective(self) -> str:
        """The objective in words."""
        ...

    @property
    def data_protocol(self) -> str:
        """What the search may see."""
        ...

    @property
    def published(self) -> tuple[PublishedRow, ...]:
        """Rows of others."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know besides."""
        ...

    def plots(self, top: Sequence[str], scores: Sequence[float]) -> list[Plot]:
        """Pictures of the best strings."""
        ...
