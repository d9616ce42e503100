"""Evaluation of trained image models: metrics and figures.

`measure` gives all numbers.  `material` holds the model, data, codes and densities that they are
made of, `sets` compares sets of images, `numbers` is about clusters, codes and reconstructions,
`pictures` draws, `tables` words the results.
"""

from gmae_tf.images.evaluation.material import Material
from gmae_tf.images.evaluation.numbers import measure

__all__ = ["Material", "measure"]
