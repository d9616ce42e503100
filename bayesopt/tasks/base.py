"""What the commands ask of a task: a problem, and what its report says and shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from bayesopt.acquisition.candidates import Effort
from bayesopt.report.summary import PublishedRow
from bayesopt.space import Problem

if TYPE_CHECKING:
    from bayesopt.report.canvas import Plot


class Task(Protocol):
    """A problem with its words; the problem minimises, the words are in the user's direction.

    Attributes
    ----------
    name, noun, score_name : what the task, a string and a score are called.
    maximise : the problem's scores are the negatives of the user's.
    effort : how hard to look for candidates, which depends on what a decode costs.
    points_per_lengthscale : see `SurrogateConfig`.
    objective, data_protocol, notes : sentences for the report.
    published : rows to stand beside ours, in the user's sign.
    """

    name: str
    noun: str
    score_name: str
    maximise: bool
    effort: Effort
    points_per_lengthscale: int
    problem: Problem

    @property
    def objective(self) -> str:
        """What is optimised."""
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
        """Pictures of the best strings, scores in the user's sign."""
        ...
