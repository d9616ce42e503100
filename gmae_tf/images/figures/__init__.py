"""Pictures of an image model: arrays in, matplotlib figures out.

`style` holds the common look, `images` grids of images, `latent` codes beside the prior, `curves`
the training's log.
"""

from gmae_tf.images.figures.curves import training_curves
from gmae_tf.images.figures.images import (
    image_grid,
    interpolation_rows,
    neighbour_rows,
    reconstruction_pairs,
    side_by_side,
    square,
)
from gmae_tf.images.figures.latent import (
    confusion_matrix,
    informative_pairs,
    latent_pairs,
    marginal_histograms,
)
from gmae_tf.utils.plotting import Picture, png

__all__ = [
    "Picture",
    "confusion_matrix",
    "image_grid",
    "informative_pairs",
    "interpolation_rows",
    "latent_pairs",
    "marginal_histograms",
    "neighbour_rows",
    "png",
    "reconstruction_pairs",
    "side_by_side",
    "square",
    "training_curves",
]
