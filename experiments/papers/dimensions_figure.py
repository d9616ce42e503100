"""The figure of `experiments.papers.dimensions`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.papers.dimensions import MODELS
from experiments.runner import Row
from gmae_tf.utils.plotting import BLUE, GREY, ORANGE, panels, png, styled


def draw(rows: Sequence[Row]) -> bytes:
    """Above the distances of samples, below active dimensions, against the capacity: a PNG."""
    sets = list(dict.fromkeys((row["data"], row["true_dim"]) for row in rows))

    def paint() -> bytes:
        figure, cells = panels(2 * len(sets), len(sets), height=2.0)
        for column, (data, n) in enumerate(sets):
            for key, axes in zip(("distance", "active"), cells[column :: len(sets)], strict=True):
                for (model, title), colour in zip(MODELS.items(), (ORANGE, BLUE), strict=True):
                    mine = [r for r in rows if r["data"] == data and r["model"] == model]
                    places = sorted({r["latent_dim"] for r in mine})
                    means = [np.mean([r[key] for r in mine if r["latent_dim"] == m])
                             for m in places]  # fmt: skip
                    axes.plot(places, means, "-", lw=1.2, color=colour, label=title)
                    axes.plot([r["latent_dim"] for r in mine], [r[key] for r in mine], "o", ms=3,
                              color=colour, alpha=0.6)  # fmt: skip
                if n is not None:
                    axes.axvline(n, color=GREY, lw=0.8, ls=":")
                axes.set_xscale("log", base=2)
                places = sorted({r["latent_dim"] for r in rows if r["data"] == data})
                if key == "distance":
                    axes.set_yscale("log")
                else:  # a mask may leave none
                    axes.set_yscale("symlog", base=2, linthresh=places[0])
                axes.set_xticks(places, [str(m) for m in places])
                axes.set_title(data if key == "distance" else "")
                if key == "active":
                    axes.set_xlabel("capacity m")
                    axes.set_yticks([0, *places], [str(m) for m in (0, *places)])
        cells[0].set_ylabel("Fréchet distance")
        cells[len(sets)].set_ylabel("active dimensions")
        figure.legend(*cells[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        return png(figure)

    return styled(paint)()
