"""python -m experiments.papers.neighbours: entropic autoencoders by k-th nearest neighbour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.runner import (
    Row,
    StudyOptions,
    Table,
    Trial,
    finish_study,
    grouped,
    open_study,
    run_trials,
    spread,
)
from gmae_tf.errors import UserError
from gmae_tf.train import TrainConfig, load, with_preset
from gmae_tf.utils.cli import parse_seeds, run_command
from gmae_tf.utils.locks import lock_run

DISTANCES = {
    "fd_prior": "FD prior",
    "fd_ex_post": "FD ex-post",
    "fd_reconstruction": "FD reconstructed",
}


@dataclass(frozen=True)
class NeighboursConfig(StudyOptions):
    """Options of `python -m experiments.papers.neighbours`."""

    dataset: str = "mnist"
    """Images with labels, as in gmae_tf.train; the labels only judge."""
    out: Path = Path("runs/neighbours")
    neighbours: tuple[int, ...] = (1, 2, 3, 5)
    """Which neighbour of a code in its batch estimates the entropy; 1 is what others are judged
    by."""
    n_data: int | None = 20_000
    """Use only so many training images, drawn at random."""
    epochs: int = 4
    """Passes over the training images."""
    samples: int = 5_000
    """Images of each kind for the distances."""


def neighbours(config: NeighboursConfig) -> None:
    """Train and measure what is not done yet, then draw and print."""
    lock_run(config.out)
    from experiments.images.measure import extractor_of, labelled
    from experiments.images.study import train_and_measure
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    runs = list(variants(config))
    data = labelled(load(runs[0][1]))
    folder = open_study(config, "experiments.papers.neighbours", ("neighbours", "seeds"))
    extractor = extractor_of(data)

    def trial(k: int, options: TrainConfig) -> Trial:
        return Trial(
            {"neighbours": k, "seed": options.seed},
            lambda path: train_and_measure(options, data, path, extractor, config.samples),
        )

    rows = run_trials(folder, [trial(*run) for run in runs], config.scheduler)
    figures = {} if extractor is None else {"neighbours": draw(rows)}
    finish_study(config, folder, rows, figures, table(rows))


def variants(config: NeighboursConfig) -> Iterator[tuple[int, TrainConfig]]:
    """Number of neighbours and options of each run."""
    for seed in parse_seeds(config.seeds):
        for k in dict.fromkeys(config.neighbours):
            options = with_preset(
                TrainConfig(
                    dataset=config.dataset,
                    model="eae",
                    model_options={"neighbours": k},
                    n_data=config.n_data,
                    epochs=config.epochs,
                    data_dir=config.data_dir,
                    seed=seed,
                )
            )
            if not 1 <= k < options.batch_size:
                raise UserError(
                    f"--neighbours {k}: choose from 1 to {options.batch_size - 1}, of the others "
                    "in a batch"
                )
            yield k, options


def table(rows: Sequence[Row]) -> Table:
    """Means over seeds, and which distances are less than those of the first neighbour.

    A star is Welch's t-test at the level of 5 %, one-sided, without a correction for the number of
    comparisons.
    """
    from experiments.summary import better

    groups = {k: mine for (k,), mine in grouped(rows, "neighbours").items()}
    shown = {key: title for key, title in DISTANCES.items() if key in rows[0]}
    lines = []
    for k, mine in sorted(groups.items()):
        cells = [spread([1000 * row["mse"] for row in mine], 2)]
        for key in shown:
            own = [row[key] for row in mine]
            first = [row[key] for row in groups.get(1, [])]
            star = " *" if k != 1 and better(own, first, lower=True) else ""
            cells.append(spread(own, 1) + star)
        lines.append([str(k), *cells])
    return ["neighbours", "MSE x 1000", *shown.values()], lines


def draw(rows: Sequence[Row]) -> bytes:
    """The distances of every training, and their means, against the neighbours: a PNG."""
    import numpy as np

    from gmae_tf.utils.plotting import BLUE, INK, panels, png, styled

    def paint() -> bytes:
        figure, cells = panels(len(DISTANCES), 3, height=2.2)
        means = {k: mine for (k,), mine in sorted(grouped(rows, "neighbours").items())}
        for axes, (key, title) in zip(cells, DISTANCES.items(), strict=True):
            axes.plot([r["neighbours"] for r in rows], [r[key] for r in rows], "o", ms=3,
                      color=BLUE, alpha=0.6, label="one training")  # fmt: skip
            axes.plot([*means], [np.mean([r[key] for r in mine]) for mine in means.values()],
                      color=INK, lw=1.2, label="mean")  # fmt: skip
            axes.set(title=title, xlabel="neighbours", xticks=[*means])
        figure.legend(*cells[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        return png(figure)

    return styled(paint)()


def main() -> None:
    """The command."""
    run_command(
        neighbours,
        NeighboursConfig,
        prog="python -m experiments.papers.neighbours",
        description="Train entropic autoencoders whose entropy is estimated from the first or a "
        "further neighbour, and compare what they generate.",
    )


if __name__ == "__main__":
    main()
