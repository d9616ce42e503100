"""Image data sets: published ones by name, and folders and arrays of the user's own."""

from gmae_tf.images.datasets.image_data import ImageData, pixels
from gmae_tf.images.datasets.load import DATASETS, load_images

__all__ = ["DATASETS", "ImageData", "load_images", "pixels"]
