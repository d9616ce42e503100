"""The Inception features of the usual FID, from weights that the user has.

Only here may a distance be called FID: with the network of Heusel et al. 2017 as pytorch-fid
(Seitzer 2020) rebuilds it, and with its published weights, checked by their hash.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
SOURCE = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{WEIGHTS}"
SHA256_PREFIX = "6726825d"


class InceptionFeatures:
    """uint8 images [N, H, W, C] -> the 2048 pool3 activations; an `Extractor` named "FID".

    As pytorch-fid does it: grey becomes RGB, pixels go to [0, 1], the network resizes them to
    299 x 299 by bilinear interpolation.

    Parameters
    ----------
    path : pytorch-fid's weights file.
    batch_size : images at a time, 50 as there.

    Raises `UserError` when the package pytorch-fid is not installed, or the file is missing or
    is not that file.
    """

    name = "FID"
    dim = 2048

    def __init__(self, path: Path, batch_size: int = 50) -> None:
        _check_weights(path)
        try:
            self._torch: Any = importlib.import_module("torch")
            package: Any = importlib.import_module("pytorch_fid.inception")
        except ImportError as error:
            raise UserError(
                f"Inception features need a package that is not there ({error}): "
                "pip install pytorch-fid, or leave --inception out"
            ) from error
        self._batch_size = batch_size
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        self._network = _load(self._torch, package, path).to(self._device).eval()

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [N, 2048] of uint8 images with 1 or 3 channels."""
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise UserError(
                f"Inception reads uint8 images [N, H, W, 1 or 3], not {images.dtype} of shape "
                f"{images.shape}"
            )
        found = np.zeros((len(images), self.dim), dtype=np.float32)
        with self._torch.no_grad():
            for start in range(0, len(images), self._batch_size):
                part = images[start : start + self._batch_size]
                pixels = np.broadcast_to(part, (*part.shape[:3], 3)).transpose(0, 3, 1, 2)
                pixels = np.ascontiguousarray(pixels, dtype=np.float32) / np.float32(255)
                pool = self._network(self._torch.from_numpy(pixels).to(self._device))[0]
                found[start : start + len(part)] = pool.cpu().numpy().reshape(len(part), self.dim)
        return found


def _check_weights(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"there is no file {path}: download {SOURCE} and give its path")
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            whole.update(block)
    if not whole.hexdigest().startswith(SHA256_PREFIX):
        raise UserError(
            f"{path} is not {WEIGHTS} of pytorch-fid, without which no distance may be called "
            f"FID: download {SOURCE} again"
        )


def _load(torch: Any, package: Any, path: Path) -> Any:
    """The network with the weights of the file.

    The package's constructor always fetches the weights by itself; for its duration that fetch
    reads the user's file.
    """
    fetch = package.load_state_dict_from_url
    package.load_state_dict_from_url = lambda *_, **__: torch.load(path, map_location="cpu")
    try:
        return package.InceptionV3([package.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
    finally:
        package.load_state_dict_from_url = fetch
