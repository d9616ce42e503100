"""Inception features, with a small module in the place of torch and pytorch-fid."""

from __future__ import annotations

import hashlib
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.images.features import inception
from gmae_tf.images.features.inception import InceptionFeatures


class Tensor(np.ndarray):
    """As much of a torch tensor as is used."""

    def to(self, device: str) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return np.asarray(self)


class FakeInception:
    """2048 numbers from the mean of each channel, and what it was given."""

    BLOCK_INDEX_BY_DIM = {64: 0, 2048: 3}  # noqa: RUF012
    batches: list[tuple[int, ...]]

    def __init__(self, output_blocks: list[int]) -> None:
        assert output_blocks == [3]
        self.weights = sys.modules["pytorch_fid.inception"].load_state_dict_from_url("url", True)
        self.batches = []

    def to(self, device: str) -> FakeInception:
        return self

    def eval(self) -> FakeInception:
        return self

    def __call__(self, pixels: np.ndarray) -> list[Any]:
        assert pixels.dtype == np.float32
        self.batches.append(pixels.shape)
        means = pixels.mean(axis=(2, 3))
        filled = np.zeros((len(pixels), 2048, 1, 1), np.float32)
        filled[:, :3, 0, 0] = means
        return [filled.view(Tensor)]


def fetch_from_the_network(*arguments: object, **options: object) -> None:
    raise AssertionError("the weights must not be downloaded")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: False),
        no_grad=nullcontext,
        from_numpy=lambda a: a.view(Tensor),
        load=lambda path, map_location: {"from": path.read_bytes()},
    )
    package = SimpleNamespace(
        InceptionV3=FakeInception, load_state_dict_from_url=fetch_from_the_network
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "pytorch_fid", SimpleNamespace(inception=package))
    monkeypatch.setitem(sys.modules, "pytorch_fid.inception", package)
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights")
    prefix = hashlib.sha256(b"weights").hexdigest()[:8]
    monkeypatch.setattr(inception, "SHA256_PREFIX", prefix)
    return path


def test_the_network_gets_the_users_weights(weights: Path):
    features = InceptionFeatures(weights)
    assert features._network.weights == {"from": b"weights"}
    package = sys.modules["pytorch_fid.inception"]
    assert package.load_state_dict_from_url is fetch_from_the_network
    assert (features.name, features.dim) == ("FID", 2048)


def test_pixels_are_rgb_in_zero_to_one_channels_first(weights: Path, rng: np.random.Generator):
    images = rng.integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)
    extractor = InceptionFeatures(weights, batch_size=3)
    found = extractor(images)
    assert extractor._network.batches == [(3, 3, 5, 6), (3, 3, 5, 6), (1, 3, 5, 6)]
    assert found.shape == (7, 2048)
    np.testing.assert_allclose(found[:, :3], images.mean(axis=(1, 2)) / 255, rtol=1e-5)


def test_grey_is_repeated(weights: Path, rng: np.random.Generator):
    images = rng.integers(0, 256, (2, 5, 5, 1), dtype=np.uint8)
    found = InceptionFeatures(weights)(images)
    expected = np.repeat(images.mean(axis=(1, 2)) / 255, 3, axis=1)
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-5)


def test_other_arrays_are_refused(weights: Path):
    extractor = InceptionFeatures(weights)
    for images in (np.zeros((2, 4, 4, 2), np.uint8), np.zeros((2, 4, 4, 3), np.float32)):
        with pytest.raises(UserError, match="uint8"):
            extractor(images)


def test_a_missing_file_names_its_source(tmp_path: Path):
    with pytest.raises(UserError, match="6726825d"):
        InceptionFeatures(tmp_path / "none.pth")


def test_other_weights_are_not_fid(weights: Path):
    weights.write_bytes(b"others")
    with pytest.raises(UserError, match="may be called FID"):
        InceptionFeatures(weights)


@pytest.mark.parametrize("package", ["torch", "pytorch_fid.inception"])
def test_a_missing_package_is_one_sentence(
    package: str, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match="pip install pytorch-fid"):
        InceptionFeatures(weights)
