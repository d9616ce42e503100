"""The comparison of all models, from compare_*.json, for reproduction.py."""

from __future__ import annotations

from image_tables import DATASETS, NOTHING, grid, result

from gmae_tf.comparison.page import text
from gmae_tf.comparison.summary import COLUMNS, summarise
from gmae_tf.models import MODELS

LEFT_OUT = ("parameters",)


def compare_table() -> list[str]:
    """Every model on each data set, by the distance of its samples."""
    lines: list[str] = []
    for data, name in DATASETS.items():
        results = result(f"compare_{data}")
        if not results:
            lines += [f"{name}: {NOTHING}.", ""]
            continue
        columns = [column for column in COLUMNS if column.key not in LEFT_OUT]
        seeds = sorted({row["seed"] for row in results["results"]})
        features = results["results"][0].get("features", "pixels")
        options = results["options"]
        lines += [
            f"{name}: {options['size']} network, {results['training_images']:,} training images, "
            f"{options['epochs']} epochs, batches of {options['batch_size']}, seeds "
            f"{', '.join(map(str, seeds))}, CPU; distances of {results['settings']['samples']:,} "
            f"images to the test images in `{features}`. In brackets the rank; `*` where the "
            "spread of the seeds supports the difference to the next.",
            "",
        ]
        rows = [
            [
                f"{MODELS[model].title} `{model}`",
                MODELS[model].samples,
                *(text(cells[column.key], column) for column in columns),
            ]
            for model, cells in summarise(results["results"]).items()
        ]
        blank = [""] * (len(columns) - 1)
        rows += [[f"*{n}*", "", f"{v:.1f}", *blank] for n, v in results["anchors"].items()]
        lines += [*grid([name, "samples", *(c.title for c in columns)], rows), ""]
    return lines[:-1]
