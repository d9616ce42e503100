"""The comparison of all models, from compare_*.json, for reproduction.py."""

from __future__ import annotations

from experiments.images.rows import ROWS
from experiments.summary import COLUMNS, summarise, text
from experiments.tables.image_tables import DATASETS, result
from experiments.tables.markdown import NOTHING, benchmark, grid, number

LEFT_OUT = ("parameters", "seconds")
STEPS = "model_steps"
NOTES = {"gmae": ", guided preset"}
"""What a title leaves out."""


def compare_table() -> list[str]:
    """Every model on each data set, by the distance of its samples."""
    lines: list[str] = []
    ratios = step_ratios()
    for data, name in DATASETS.items():
        results = result(f"compare_{data}")
        if not results:
            lines += [f"{name}: {NOTHING}.", ""]
            continue
        columns = [column for column in COLUMNS if column.key not in LEFT_OUT]
        seeds = sorted({row["seed"] for row in results["results"]})
        features = results["results"][0].get("features", "pixels")
        options, samples = results["options"], results["settings"]["samples"]
        lines += [
            f"{name}: {options['size']} network, {results['training_images']:,} training images, "
            f"{options['epochs']} epochs, batches of {options['batch_size']}, seeds "
            f"{', '.join(map(str, seeds))}, CPU; distances of "
            f"{samples:,} images to the test images in `{features}`. In brackets the rank; `*` "
            "where the spread of the seeds supports the difference to the next.",
            "",
        ]
        rows = [
            [
                f"{ROWS[model].title}{NOTES.get(model, '')} `{model}`",
                ROWS[model].samples,
                str(max(cell.n for cell in cells.values())),
                *(text(cells[column.key], column) for column in columns),
                number(ratios.get(model)),
            ]
            for model, cells in summarise(results["results"]).items()
        ]
        blank = [""] * len(columns)
        rows += [[f"*{n}*", "", "", f"{v:.1f}", *blank] for n, v in results["anchors"].items()]
        lines += [
            *grid([name, "samples", "seeds", *(c.title for c in columns), "step of AE's"], rows),
            "",
        ]
    return lines[:-1]


def step_ratios() -> dict[str, float]:
    """Processor time of a training step, of that of the plain autoencoder, by model."""
    return {row["model"]: row["ratio"] for row in benchmark(STEPS).get("results", ())}
