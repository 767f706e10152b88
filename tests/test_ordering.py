from __future__ import annotations

from hpapipe.ordering import natural


def test_names_in_natural_order() -> None:
    """Numbers count as numbers, wherever they stand; case does not count."""
    names = ["t10", "t2", "T1", "t2b1", "a", "t02", "t2_z9", "t2_z10", "7", "²"]
    assert sorted(names, key=natural) == ["7", "a", "T1", "t02", "t2", "t2_z9", "t2_z10", "t2b1", "t10", "²"]
