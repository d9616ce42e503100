"""Several measurements of one thing."""

from __future__ import annotations

import numpy as np

from gmae_tf.utils.numbers import Measurement
from gmae_tf.utils.replicates import Row, average, replicates


def test_replicates_and_limits_are_one_value() -> None:
    nan = float("nan")
    rows = {
        "exact": [(5, 0)],
        "mean of exact values": [(1, 0), (2, 0), (3, 0)],
        "a limit beside a value that agrees": [(5, 0), (3, 1)],
        "a limit beside a value that does not": [(5, 0), (8, 1)],
        "the narrower lower limit": [(3, 1), (8, 1)],
        "the narrower upper limit": [(3, -1), (8, -1)],
        "between limits": [(3, 1), (8, -1)],
        "limits that exclude each other": [(8, 1), (3, -1)],
        "no value": [],
    }
    expected = {
        "exact": (5, nan, 0, 0, False),
        "mean of exact values": (2, 1, 0, 2, False),
        "a limit beside a value that agrees": (5, nan, 0, 0, False),
        "a limit beside a value that does not": (5, nan, 0, 0, True),
        "the narrower lower limit": (8, nan, 1, 0, False),
        "the narrower upper limit": (3, nan, -1, 0, False),
        "between limits": (5.5, nan, 0, 0, False),
        "limits that exclude each other": (5.5, nan, 0, 0, True),
        "no value": (nan, nan, 0, 0, False),
    }
    for name, values in rows.items():
        found = replicates([Measurement(*value) for value in values])
        np.testing.assert_array_equal(np.array(found, float), np.array(expected[name], float), name)


def test_conflicts_are_further_apart_than_all_values_scatter() -> None:
    groups = [
        [Row(1, Measurement(0.0)), Row(2, Measurement(9.0))],
        [Row(3, Measurement(4.0)), Row(4, Measurement(5.0))],
        [Row(5, Measurement(2.0, 1)), Row(6, Measurement(1.0, -1))],
        [Row(7, None)],
    ]
    found = average(groups, "molecules")
    np.testing.assert_array_equal(found.values, [4.5, 4.5, 1.5, np.nan])
    assert found.conflicts == {0: "0 and 9", 2: ">2 and <1"}
    assert "conflict" in found.notes[1]
    assert "(1.41): 2 (lines 1, 2: 0 and 9; lines 5, 6: >2 and <1)" in found.notes[1]
    assert average([[Row(1, None)]], "molecules").notes == ()
