"""Image data sets: published ones by name, and folders and arrays of one's own."""

from gmae_tf.images.datasets.arrays import from_arrays
from gmae_tf.images.datasets.convert import pad, resize, to_channels
from gmae_tf.images.datasets.image_data import ImageData, pixels
from gmae_tf.images.datasets.load import DATASETS, load_images

__all__ = [
    "DATASETS",
    "ImageData",
    "from_arrays",
    "load_images",
    "pad",
    "pixels",
    "resize",
    "to_channels",
]
