"""Ids that stand twice are found, however far apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.imageset import twice
from hpapipe.imageset.twice import Twice


@given(names=st.lists(st.text("abc", max_size=3), max_size=60), batch=st.integers(1, 10))
def test_finds_what_stands_twice(names: list[str], batch: int) -> None:
    """In one batch or in two, and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twice, "_BATCH", batch)
        seen = Twice()
        for name in names:
            seen.add(name)
        assert seen.names() == sorted({name for name in names if names.count(name) > 1})


def test_holds_eight_bytes_an_id() -> None:
    """Of many; the last batch is held by name until it is full."""
    seen = Twice()
    count = 7 * twice._BATCH
    for number in range(count):
        seen.add(f"{number:036d}")
    assert [len(keys) // twice._BATCH for keys in seen._seen] == [4, 2, 1]
    assert sum(keys.nbytes for keys in seen._seen) == 8 * count
    assert seen._batch == {}
    assert seen.names() == []
