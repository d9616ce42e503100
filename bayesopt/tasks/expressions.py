"""The task of finding an expression that fits data: Grammar VAE's benchmark, or own points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bayesopt.dataset import Dataset
from bayesopt.space import CandidateConfig, LatentCodec, SearchSpace
from bayesopt.tasks.base import PublishedRow, Task, published_rows
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError
from gmae_tf.utils.plotting import BLUE, LIGHT, Picture, panels, png, styled
from gmae_tf.utils.rows import RowReport
from grammar.autoencoder.model import SEARCH_CANDIDATES, GrammarAutoencoder
from grammar.cfg.characters import writes_characters
from grammar.expressions.data import load_expressions
from grammar.expressions.evaluate import (
    WORST_SCORE,
    behaviour,
    evaluate,
    fit_errors,
    function_keys,
    is_expression,
    values_of,
)
from grammar.expressions.syntax import syntax_counts
from grammar.expressions.targets import load_target
from grammar.library import load_grammar
from grammar.sampling.recombine import StringRecombiner
from grammar.sampling.uniform import sample_strings

HIDDEN_BY_DEFAULT = 0.0363
"""The six best of the 100,000 benchmark strings score this or less; the best scores 0."""

PROBES = 16
"""Points of the target's x at which the surrogate reads the values of an expression."""
EXPRESSION_CANDIDATES = CandidateConfig(**SEARCH_CANDIDATES)
FEW_POINTS = 80
"""Fewer points of a target are drawn as points, more as a line."""
FAR = 0.97 * WORST_SCORE
"""Where even the best known score is worse, nearly all squared errors are at their limit."""
TOO_FAR = (
    "no known string comes near the target, and the squared error of a point counts as at most "
    "1,000: divide y by a number that brings it within 30 of 0"
)


class Readable:
    """A model that writes characters, without the decodes that cannot be read as expressions."""

    def __init__(self, model: LatentCodec) -> None:
        self.model = model

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.model.latent_dim

    def encode(self, strings: Sequence[str]) -> Array:
        """Codes [N, D]."""
        return self.model.encode(list(strings))

    def decode(self, codes: Array) -> list[str | None]:
        """Strings of codes [N, D]; None where one is no expression."""
        decoded = self.model.decode(codes)
        return [s if s is not None and is_expression(s) else None for s in decoded]


class ExprTask(Task):
    """The task of `--task expr`: a search space of expressions, known scores, and a report.

    Parameters
    ----------
    target, target_csv : an expression to find or data to fit; the benchmark's by default.
    x_columns, y_column : of the data, see `grammar.expressions.targets.read_points`; one input.
    exclude_better_than : hide known strings that score this or less, negative: none; by default
        those of the benchmark's protocol.
    """

    name = "expr"
    noun = "string"
    score_name = "score"
    maximize = False
    points_per_lengthscale = 0
    training_points = 300
    failed_value = WORST_SCORE
    optimum = 0.0

    def __init__(
        self,
        *,
        target: str | None = None,
        target_csv: Path | None = None,
        model: Path | None = None,
        data: str | None = None,
        n_data: int | None = None,
        data_dir: Path | None = None,
        exclude_better_than: float | None = None,
        x_columns: str | None = None,
        y_column: str | None = None,
    ) -> None:
        columns = (x_columns or "").split(",")
        self.target = load_target(target, target_csv, x_columns=columns, y_column=y_column)
        self.model = GrammarAutoencoder.load(model or "expressions")
        reports = [] if self.target.report is None else [self.target.report]
        strings = load_known_strings(self.model, data, n_data, data_dir, reports.append)
        self.reports = reports
        values = self.evaluate(strings)
        if (values == WORST_SCORE).all():
            raise UserError(
                TOO_FAR
                if any(map(is_expression, strings))
                else "none of the known strings can be evaluated as an expression in x: the task "
                "expr needs a grammar of expressions such as 2*x+sin(x)"
            )
        self.hidden_score = self._hidden_score(exclude_better_than)
        keep = np.ones(len(strings), dtype=bool)
        if self.hidden_score is not None:
            keep = values > self.hidden_score
        if keep.sum() < 100:
            raise UserError(
                f"--exclude-better-than {self.hidden_score} leaves {keep.sum()} strings: the "
                "surrogate needs at least 100"
            )
        self.n_hidden = int((~keep).sum())
        known = [string for string, kept in zip(strings, keep, strict=True) if kept]
        self.dataset = Dataset(known, values[keep], self.model.encode(known))
        self._recombiner = StringRecombiner(self.model.codec)
        self.space = SearchSpace(
            Readable(self.model) if writes_characters(self.model.grammar) else self.model,
            candidates=EXPRESSION_CANDIDATES,
            recombine=self._recombine,
            counts=syntax_counts(),
            features=self._features,
            equivalent=function_keys,
            region_codes=self.dataset.codes,
            # Hidden strings too: the random baseline is given every chance.
            pool=strings,
        )

    def evaluate(self, strings: Sequence[str]) -> Array:
        """log(1 + clipped mean squared error) [N] on the target's points; see `fit_errors`."""
        return fit_errors(list(strings), self.target.x, self.target.y)

    @property
    def objective(self) -> str:
        """What is minimised, in words."""
        return f"log(1 + mean squared error) against {self.target.name}, minimised"

    @property
    def data_protocol(self) -> str:
        """What the search may see, in words."""
        known = len(self.dataset)
        if self.hidden_score is None:
            return f"{known:,} strings are known to the search, the best of them included."
        return (
            f"{known:,} strings are known to the search; {self.n_hidden:,} strings with a score of "
            f"{self.hidden_score:g} or less are hidden from the surrogate."
        )

    @property
    def published(self) -> tuple[PublishedRow, ...]:
        """Published rows; for a user's own target the best known ones, never proposed."""
        if self.target.benchmark:
            return published_rows(self.name)
        rows = np.argsort(self.dataset.values, kind="stable")[:3]
        best = self.dataset.strings[rows[0]]
        values = {"top": self.dataset.values[rows].tolist()}
        return (PublishedRow("best known before", values, f"computed: {best} and others"),)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know besides."""
        if self.dataset.values.min() > FAR:
            return (f"{TOO_FAR[0].upper()}{TOO_FAR[1:]}.",)
        trained = self.model.details.get("config", {}).get("exclude_better_than")
        if not self.target.benchmark or self.hidden_score is None:
            return ()
        if trained is None or trained < self.hidden_score:
            return ("The autoencoder was trained on strings that the surrogate must not see.",)
        return (f"The autoencoder never saw a string with a score of {trained:g} or less.",)

    @styled
    def pictures(self, top: Sequence[str], scores: Sequence[float]) -> list[Picture]:
        """The best fits drawn over the target, a panel for each string."""
        if not top:
            return []
        x, y = self.target.x, self.target.y
        order, few = np.argsort(x), len(x) < FEW_POINTS
        figure, cells = panels(len(top), 1, height=1.55, sharex=True, sharey=True)
        for axes, string, score in zip(cells, top, scores, strict=True):
            values = np.broadcast_to(evaluate(string, x), x.shape)
            found = np.where(np.isfinite(values), values, np.nan)
            mark = "o" if few else "-"
            axes.plot(x[order], y[order], mark, color=LIGHT, lw=3.2, ms=5, label="target")
            axes.plot(x[order], found[order], color=BLUE, lw=1.0, label="found")
            shown = string if len(string) <= 60 else string[:59] + "…"
            axes.set_title(f"{shown}   score {score:.4f}", parse_math=False)
        margin = 0.15 * float(np.ptp(y)) or 1.0
        cells[0].set_ylim(y.min() - margin, y.max() + 2 * margin)
        cells[0].legend(loc="upper left", ncols=2)
        cells[-1].set_xlabel("x")
        caption = (
            "Each panel draws one found string (blue) over the target (grey); where the grey shows "
            "beside the blue, the fit is off."
        )
        return [Picture("figures", "fits", "The best fits over the target", caption, png(figure))]

    def _hidden_score(self, option: float | None) -> float | None:
        if option is None:
            return HIDDEN_BY_DEFAULT if self.target.benchmark else None
        return option if option >= 0 else None

    def _features(self, strings: Sequence[str]) -> Array:
        """Summaries of values at `PROBES` of the target's x, each as near to a quantile as any."""
        n, x = min(PROBES, len(self.target.x)), self.target.x
        return behaviour(values_of(strings, np.quantile(x, np.linspace(0, 1, n), method="nearest")))

    def _recombine(self, parents: Sequence[str], rng: np.random.Generator) -> list[str | None]:
        children = self._recombiner(parents, rng)
        return [s if s is not None and is_expression(s) else None for s in children]


def load_known_strings(
    model: GrammarAutoencoder,
    data: str | None,
    n: int | None,
    data_dir: Path | None,
    tell: Callable[[RowReport], None] | None = None,
) -> list[str]:
    """Strings of the model's grammar; by default what `grammar.train` trains on by default.

    `tell` is called with the report of a file, see `grammar.files.read_strings`.
    """
    arithmetic = load_grammar("arithmetic").grammar.rules == model.grammar.rules
    arithmetic = arithmetic or writes_characters(model.grammar)
    source = data or ("official" if arithmetic else "generated")
    if arithmetic or source != "generated":
        return load_expressions(source, n=n, data_dir=data_dir, grammar=model.grammar, tell=tell)
    return sample_strings(model.grammar, n, model.max_length)
