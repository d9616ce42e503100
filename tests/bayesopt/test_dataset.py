"""Known strings and values: limits, and what was told besides."""

from __future__ import annotations

import numpy as np
import pytest

from bayesopt.dataset import Dataset, without_told
from gmae_tf.errors import UserError


def test_limits_stay_with_their_values() -> None:
    data = Dataset(["a", "b", "c"], [1.0, np.nan, 10.0], np.eye(3), censoring=[-1, 0, 1])
    assert data.strings == ("a", "c")
    assert data.censoring is not None
    assert data.censoring.tolist() == [-1, 1]
    part = data.take(np.array([1]))
    assert (part.strings, part.values.tolist()) == (("c",), [10.0])
    assert part.codes is not None
    assert part.codes.tolist() == [[0, 0, 1]]
    assert part.censoring is not None
    assert part.censoring.tolist() == [1]
    assert Dataset(["a"], [1.0]).take(np.array([0])).censoring is None


@pytest.mark.parametrize("censoring", [[0], [0, 2], [[0, 1]], ["a", "b"]])
def test_wrong_limits_are_refused(censoring: list[object]) -> None:
    with pytest.raises(UserError, match="censoring must be 2 numbers"):
        Dataset(["a", "b"], [1.0, 2.0], censoring=censoring)


def test_what_was_told_counts_once() -> None:
    data = Dataset(["a", "b", "c"], [1.0, 2.0, 3.0], np.eye(3), censoring=[0, 0, 1])
    joined = without_told(data, {"b": 2.0, "c": 4.0, "d": 5.0})
    assert joined.dataset.strings == ("a",)
    assert joined.told == 2
    assert joined.conflicts == ("c: 3 in the data, told as 4",)
    same = without_told(data, {})
    assert (same.dataset.strings, same.told, same.conflicts) == (data.strings, 0, ())
