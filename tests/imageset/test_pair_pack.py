"""Pairs in memory maps: the right pixels, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.errors import UserError
from hpapipe.imageset.decode import resize
from hpapipe.imageset.pair_pack import pack_pairs, resized_mask
from hpapipe.imageset.pairs import find_pairs
from pairs_on_disk import disc, save, white_on_black, write_pairs


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(20, 30), (16, 16), (33, 47)])
def test_holds_every_pair_at_the_asked_size(tmp_path: Path, dtype: type, size: tuple[int, int]) -> None:
    """Images in their own type, masks of truth, in the set's order."""
    pairs = find_pairs(write_pairs(tmp_path, dtype=dtype))
    packed = pack_pairs(pairs, size, tmp_path)
    assert (packed.images.shape, packed.images.dtype) == ((4, *size, 1), dtype)
    assert (packed.masks.shape, packed.masks.dtype) == ((4, *size), bool)
    assert (packed.ids, packed.decoded) == (pairs.ids, 4)
    for index in range(4):
        np.testing.assert_array_equal(packed.images[index, ..., 0], resize(pairs.image(index), size))
        np.testing.assert_array_equal(packed.masks[index], resized_mask(pairs.mask(index), size))


def test_the_second_call_decodes_nothing(tmp_path: Path) -> None:
    """Until a mask changes, or the size, or which pairs there are; nothing in a pack can be changed."""
    pairs = find_pairs(write_pairs(tmp_path))
    first = pack_pairs(pairs, (16, 16), tmp_path)
    second = pack_pairs(pairs, (16, 16), tmp_path)
    assert (second.key, second.decoded) == (first.key, 0)
    np.testing.assert_array_equal(second.masks, first.masks)
    with pytest.raises(ValueError, match="read-only"):
        second.masks[0] = True
    save(tmp_path / "masks" / "a.png", white_on_black(disc(9)))
    changed = pack_pairs(find_pairs(tmp_path), (16, 16), tmp_path)
    assert changed.decoded == 4
    assert changed.masks[0].sum() > first.masks[0].sum()
    others = (pack_pairs(pairs, (16, 18), tmp_path), pack_pairs(pairs.take([1, 0]), (16, 16), tmp_path))
    assert len({first.key, changed.key, *(other.key for other in others)}) == 4


def test_one_bit_depth_for_all(tmp_path: Path) -> None:
    """A pack has one type."""
    write_pairs(tmp_path)
    save(tmp_path / "images" / "c.png", np.zeros((20, 30), np.uint16))
    with pytest.raises(UserError, match=r"one bit depth\. Received uint16 for c beside uint8 for a"):
        pack_pairs(find_pairs(tmp_path), (16, 16), tmp_path)


def test_a_pair_without_a_mask_is_named(tmp_path: Path) -> None:
    """Checks leave it out before; where they were not asked, it stops here."""
    write_pairs(tmp_path)
    (tmp_path / "masks" / "b.png").unlink()
    with pytest.raises(UserError, match=r"must have a mask\. Received none for b"):
        pack_pairs(find_pairs(tmp_path), (16, 16), tmp_path)


def test_masks_are_halved_by_hand() -> None:
    """A pixel that covers mostly cell is cell."""
    mask = np.zeros((4, 8), bool)
    mask[:, :4] = True
    np.testing.assert_array_equal(resized_mask(mask, (2, 4)), [[True, True, False, False]] * 2)
    np.testing.assert_array_equal(resized_mask(mask, (4, 8)), mask)


@given(st.floats(8, 30), st.integers(24, 96))
def test_areas_stay_as_they_are(radius: float, side: int) -> None:
    """A disc's share of the image, enlarged or reduced, within half a pixel of its outline."""
    mask = disc(radius, (64, 64), (32, 32))
    share, slack = mask.mean(), 2 * np.pi * radius / 64 / side * 0.5
    assert resized_mask(mask, (side, side)).mean() == pytest.approx(share, abs=slack)
