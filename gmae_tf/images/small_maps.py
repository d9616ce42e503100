"""Convolutions of images of a few pixels, as one matrix product.

Where a kernel has more numbers than the images of a batch, as in the last stage of the paper's
network (4 x 4 pixels, 512 and 1024 channels), libraries for processors spend most of a convolution
on rearranging the kernel; one matrix product of all windows takes a third of the time.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="gmae")
class HalvingConv2D(layers.Conv2D):
    """Conv2D 4 x 4, stride 2, "same", for images of even sides: [N, 2H, 2W, C] -> [N, H, W, F]."""

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, **{**kwargs, **_GEOMETRY})

    def call(self, inputs: Any) -> Any:
        """Windows [N, H, W, 4 * 4 * C] times the kernel."""
        _, height, width, channels = inputs.shape
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = [
            padded[:, i : i + height : 2, j : j + width : 2] for i in range(4) for j in range(4)
        ]
        kernel = ops.reshape(self.kernel, (16 * channels, self.filters))
        return ops.matmul(ops.concatenate(windows, axis=-1), kernel) + self.bias


@keras.saving.register_keras_serializable(package="gmae")
class DoublingConv2D(layers.Conv2DTranspose):
    """Conv2DTranspose 4 x 4, stride 2, "same": [N, H, W, F] -> [N, 2H, 2W, C]."""

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, **{**kwargs, **_GEOMETRY})

    def call(self, inputs: Any) -> Any:
        """Every pixel times the kernel gives a patch of 4 x 4; patches overlap and are added."""
        _, height, width, depth = inputs.shape
        kernel = ops.transpose(ops.reshape(self.kernel, (16 * self.filters, depth)))
        patches = ops.reshape(
            ops.matmul(inputs, kernel), (-1, height, width, 2, 2, 2, 2, self.filters)
        )
        quarters = ops.transpose(patches, (0, 3, 5, 1, 4, 2, 6, 7))  # [N, 2, 2, H, 2, W, 2, C]
        total = sum(
            ops.pad(
                quarters[:, i, j],
                ((0, 0), (i, 1 - i), (0, 0), (j, 1 - j), (0, 0), (0, 0)),
            )
            for i in range(2)
            for j in range(2)
        )
        image = ops.reshape(total, (-1, 2 * height + 2, 2 * width + 2, self.filters))
        return image[:, 1:-1, 1:-1] + self.bias


_GEOMETRY: dict[str, Any] = {"kernel_size": 4, "strides": 2, "padding": "same"}
