"""Warps of pairs: by hand where they are exact, against SciPy elsewhere, image and mask always together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, binary_dilation, binary_erosion, center_of_mass

from hpapipe.imageset.pairs_augment import Ranges, augment_pairs, draw_affine, warped, warped_mask

STILL = Ranges(0, 0, 0, 0, flip=False)
AMOUNTS = ("turn", "down", "right", "tilt", "tall", "wide")


class Given:
    """In place of a generator: the amounts that a test names, -1 to 1 of their ranges, and 0 for all others."""

    def __init__(self, mirrored: bool = False, **amounts: float) -> None:
        self.amounts, self.mirrored = [amounts.get(name, 0.0) for name in AMOUNTS], mirrored

    def uniform(self, low: float, high: float, count: int) -> np.ndarray:
        assert (low, high, count) == (-1, 1, len(AMOUNTS))
        return np.array(self.amounts)

    def random(self) -> float:
        return 0.0 if self.mirrored else 0.9


def laid(image: np.ndarray, chance: Any, ranges: Ranges | None = None) -> np.ndarray:
    return warped(image, draw_affine(image.shape[:2], ranges or Ranges(), chance))


def picture(height: int = 8, width: int = 8, dtype: type = np.uint8) -> np.ndarray:
    """No two pixels alike."""
    return np.arange(height * width, dtype=dtype).reshape(height, width)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_no_range_changes_nothing(dtype: type) -> None:
    """Not one value, in any type, at its ends too; and what is given back is a copy."""
    rng = np.random.default_rng(0)
    most = 1 if dtype is np.float32 else np.iinfo(dtype).max
    images = (rng.random((3, 7, 12, 2)) * most).astype(dtype)
    images[0, 0, 0], masks = most, rng.random((3, 7, 12)) < 0.5
    found, found_masks = augment_pairs(images, masks, STILL, rng)
    assert (found.dtype, found_masks.dtype) == (dtype, bool)
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(found_masks, masks)
    assert not np.shares_memory(found, images)


@pytest.mark.parametrize(("turn", "quarters"), [(0.5, -1), (1.0, 2), (-0.5, 1)])
def test_quarter_turns_by_hand(turn: float, quarters: int) -> None:
    """Half of 180° to one side is a quarter turn clockwise."""
    np.testing.assert_array_equal(laid(picture(), Given(turn=turn)), np.rot90(picture(), quarters))


def test_mirrored_by_hand() -> None:
    """Left to right; never where it is not allowed."""
    np.testing.assert_array_equal(laid(picture(5, 8), Given(mirrored=True)), picture(5, 8)[:, ::-1])
    np.testing.assert_array_equal(laid(picture(5, 8), Given(mirrored=True), Ranges(flip=False)), picture(5, 8))


def test_shifts_by_hand_are_filled_with_the_nearest() -> None:
    """A quarter of 8 rows and of 12 columns: what comes from outside repeats the rim."""
    image, ranges = picture(8, 12), Ranges(shift=0.25)
    down = laid(image, Given(down=1), ranges)
    np.testing.assert_array_equal(down, np.vstack([image[2:], image[-1:], image[-1:]]))
    right = laid(image, Given(right=-1), ranges)
    np.testing.assert_array_equal(right, np.hstack([image[:, :1]] * 3 + [image[:, :9]]))


def test_zoom_by_hand() -> None:
    """Height and width each by themselves: rows at half their distance from the middle, columns as they are."""
    image = np.repeat(np.arange(0.0, 80, 10)[:, None], 4, axis=1)
    found = laid(image, Given(tall=-1), Ranges(zoom=0.5))
    np.testing.assert_allclose(found, np.repeat(35 + (image[:, :1] - 35) / 2, 4, axis=1))


def test_shear_by_hand() -> None:
    """45°: a row is moved by 0.707 of its distance from the middle, and distances of rows shrink likewise."""
    affine = draw_affine((9, 9), Ranges(shear=45), Given(tilt=1))  # type: ignore[arg-type]
    root = np.sqrt(0.5)
    np.testing.assert_allclose(affine @ [4, 4, 1], [4, 4], atol=1e-12)
    np.testing.assert_allclose(affine @ [8, 4, 1], [4 + 4 * root, 4 - 4 * root])
    np.testing.assert_allclose(affine @ [4, 8, 1], [4, 8])


def test_the_default_shear_is_next_to_nothing() -> None:
    """0.2 is degrees: at the rim of 256 px it is less than half a pixel."""
    affine = draw_affine((256, 256), Ranges(), Given(tilt=1))  # type: ignore[arg-type]
    moved = affine @ [255, 0, 1] - [255, 0]
    assert 0.4 < np.hypot(*moved) < 0.5


def test_the_shift_is_turned_along() -> None:
    """Zoomed, sheared, shifted, then turned: down by 2 px becomes 2 px along the turned axis."""
    affine = draw_affine((8, 8), Ranges(shift=0.25), Given(down=1, turn=0.5))  # type: ignore[arg-type]
    still = draw_affine((8, 8), Ranges(), Given(turn=0.5))  # type: ignore[arg-type]
    np.testing.assert_allclose(affine[:, 2] - still[:, 2], [0, 2], atol=1e-12)


def test_amounts_fill_their_ranges_evenly() -> None:
    """2,000 draws of one amount at a time: between the ends, near both, zero on average, mirrored half the time."""
    rng = np.random.default_rng(0)
    turns = [draw_affine((9, 9), Ranges(30, 0, 0, 0, False), rng) for _ in range(2000)]
    zooms = [draw_affine((9, 9), Ranges(0, 0, 0, 0.1, False), rng) for _ in range(2000)]
    shifts = [draw_affine((10, 20), Ranges(0, 0.2, 0, 0, True), rng) for _ in range(2000)]
    angles = np.rad2deg([np.arctan2(affine[1, 0], affine[0, 0]) for affine in turns])
    rows = np.array([affine[0, 2] for affine in shifts])
    for drawn, end in ((angles, 30), (np.array([affine[1, 1] for affine in zooms]) - 1, 0.1), (rows, 2)):
        assert np.abs(drawn).max() <= end + 1e-9
        assert min(drawn.max(), -drawn.min()) > 0.98 * end
        assert abs(drawn.mean()) < 0.05 * end
    assert np.mean([affine[1, 1] < 0 for affine in shifts]) == pytest.approx(0.5, abs=0.05)


@given(st.integers(0, 2**32 - 1), st.integers(5, 40), st.integers(5, 40))
@settings(max_examples=40)
def test_agrees_with_scipy(seed: int, height: int, width: int) -> None:
    """The same pixels, whatever is drawn, far beyond the rim too; masks but for ties of the nearest pixel."""
    rng = np.random.default_rng(seed)
    image = rng.random((height, width)).astype(np.float32)
    affine = draw_affine((height, width), Ranges(shift=0.8, shear=30, zoom=0.5), rng)
    expected = affine_transform(image, affine[:, :2], affine[:, 2], order=1, mode="nearest")
    np.testing.assert_allclose(warped(image, affine), expected, atol=1e-5)
    mask = image > 0.5
    nearest = affine_transform(mask.view(np.uint8), affine[:, :2], affine[:, 2], order=0, mode="nearest")
    assert np.count_nonzero(warped_mask(mask, affine) != nearest) <= 0.01 * mask.size + 1


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_disc_stays_where_its_mask_is(seed: int) -> None:
    """Bright inside the mask but for its outline, dark outside it; its centre and area are those of the mask."""
    rows, columns = np.ogrid[:64, :64]
    mask = np.hypot(rows - 27, columns - 36) < 12
    (image,), (found,) = augment_pairs(
        np.where(mask, np.uint8(220), np.uint8(20))[None], mask[None], Ranges(), np.random.default_rng(seed)
    )
    bright = image >= 120
    assert not (binary_erosion(found) & ~bright).any()
    assert not (bright & ~binary_dilation(found)).any()
    assert set(np.unique(image[binary_erosion(found, iterations=2)])) == {220}
    np.testing.assert_allclose(center_of_mass(bright), center_of_mass(found), atol=0.4)
    if found[1:-1, 1:-1].sum() == found.sum():  # all of it is still in the image
        assert found.sum() == pytest.approx(mask.sum(), rel=0.06)


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16]))
@settings(max_examples=30)
def test_nothing_comes_from_outside_the_image(seed: int, dtype: type) -> None:
    """No black corner, and nothing brighter than the brightest, in the image's own type."""
    rng = np.random.default_rng(seed)
    most = np.iinfo(dtype).max
    images = rng.integers(most // 2, most, (2, 20, 30, 2), dtype, endpoint=True)
    found, _ = augment_pairs(images, np.ones((2, 20, 30), bool), Ranges(shift=0.9), rng)
    assert found.dtype == dtype
    assert found.min() >= images.min()
    assert found.max() <= images.max()


def test_channels_move_together() -> None:
    """Each as if it were alone."""
    images = np.random.default_rng(0).integers(0, 255, (1, 16, 16, 3), np.uint8, endpoint=True)
    affine = draw_affine((16, 16), Ranges(), np.random.default_rng(1))
    found = warped(images[0], affine)
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], warped(images[0, ..., channel], affine))


def test_the_mean_grey_stays() -> None:
    """Values are rounded, not cut off: 8-bit noise turned by 45° keeps its mean to a tenth of a step."""
    image = np.random.default_rng(0).integers(100, 104, (200, 200), np.uint8)
    found = laid(image, Given(turn=0.25))
    assert found.mean() == pytest.approx(image.mean(), abs=0.1)


def test_the_same_seed_is_the_same_warp_pair_by_pair() -> None:
    """Each pair has its own; the second does not depend on the first, nor its draws on the ranges."""
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16), np.uint8, endpoint=True)
    masks = images > 128
    one, one_masks = augment_pairs(images, masks, Ranges(), np.random.default_rng(7))
    other, other_masks = augment_pairs(images, masks, Ranges(), np.random.default_rng(7))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one_masks, other_masks)
    rng = np.random.default_rng(7)
    draw_affine((16, 16), STILL, rng)
    second = draw_affine((16, 16), Ranges(), rng)
    np.testing.assert_array_equal(one[1], warped(images[1], second))
    np.testing.assert_array_equal(one_masks[1], warped_mask(masks[1], second))
    assert (augment_pairs(images, masks, Ranges(), np.random.default_rng(8))[0] != one).any()
