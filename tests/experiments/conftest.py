"""A few images that every study can be run on in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def toy_file(tmp_path: Path) -> Path:
    """An .npz file of dark (0) and bright (1) images, 8 x 8: 200 to train on, 100 to test."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=300)
    x = (120 * y[:, None, None] + rng.integers(0, 100, size=(300, 8, 8))).astype(np.uint8)
    path = tmp_path / "toy.npz"
    np.savez(path, x_train=x[:200], y_train=y[:200], x_test=x[200:], y_test=y[200:])
    return path
