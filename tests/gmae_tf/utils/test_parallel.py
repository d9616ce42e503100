"""Work in chunks: in order, whatever process does it."""

from __future__ import annotations

import os

from gmae_tf.utils.parallel import CHUNK, map_chunks


def test_few_items_stay_here_and_many_go_to_other_processes_in_order():
    assert map_chunks(abs, [-2, 1], "few") == [2, 1]
    many = list(range(-2 * CHUNK - 7, 0))
    assert map_chunks(abs, many, "many", jobs=2) == [-i for i in many]
    assert os.getpid() not in map_chunks(_process, many, "processes", jobs=2)
    assert map_chunks(abs, many, "one job", jobs=1) == [-i for i in many]


def _process(_: int) -> int:
    return os.getpid()
