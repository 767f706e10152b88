"""The eight ways to lay an image: all different, closed under turning, and no pixel lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.imageset.augment import augment, draw_ways, turned

CORNER = np.array([[1, 2], [3, 4]], np.uint8)[..., None]
"""Asymmetric, so that each way looks different."""


def field(height: int = 3, width: int = 3, channels: int = 2) -> np.ndarray:
    return np.arange(height * width * channels, dtype=np.uint16).reshape(height, width, channels)


@pytest.mark.parametrize(
    ("way", "laid"),
    [(0, [[1, 2], [3, 4]]), (1, [[2, 4], [1, 3]]), (2, [[4, 3], [2, 1]]), (3, [[3, 1], [4, 2]]), (4, [[2, 1], [4, 3]])],
)
def test_ways_by_hand(way: int, laid: list[list[int]]) -> None:
    """As it is, three quarter turns, and mirrored left to right."""
    assert turned(CORNER, way)[..., 0].tolist() == laid


def test_eight_ways_are_eight_images() -> None:
    """No way is counted twice."""
    assert len({turned(CORNER, way).tobytes() for way in range(8)}) == 8


def test_ways_form_the_dihedral_group() -> None:
    """One way after another is again one of the eight, and each has an inverse among them."""
    image = field()
    looks = {turned(image, way).tobytes(): way for way in range(8)}
    product = [[looks[turned(turned(image, first), second).tobytes()] for second in range(8)] for first in range(8)]
    assert all(sorted(row) == list(range(8)) for row in product)
    inverses = [row.index(0) for row in product]
    for way in range(8):
        np.testing.assert_array_equal(turned(turned(image, way), inverses[way]), image)
    # Quarter turns undo each other, a mirrored way undoes itself.
    assert inverses == [0, 3, 2, 1, 4, 5, 6, 7]


@given(st.integers(0, 7))
def test_channels_stay_together(way: int) -> None:
    """A pixel takes all its channels along: what stands together stays together."""
    pixels = {tuple(pixel) for pixel in field(3, 3, 4).reshape(-1, 4)}
    laid = turned(field(3, 3, 4), way)
    assert laid.shape == (3, 3, 4)
    assert {tuple(pixel) for pixel in laid.reshape(-1, 4)} == pixels


@given(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_only_allowed_ways_are_drawn_and_all_of_them(flips: bool, turns: bool, square: bool, seed: int) -> None:
    """Mirrored from 4; quarter turns only of squares; 400 draws find each allowed way."""
    quarters = (range(4) if square else (0, 2)) if turns else (0,)
    allowed = {quarter + 4 * mirrored for quarter in quarters for mirrored in ((0, 1) if flips else (0,))}
    drawn = draw_ways(400, flips, turns, square, np.random.default_rng(seed))
    assert drawn.shape == (400,)
    assert set(drawn.tolist()) == allowed


def test_each_image_is_laid_in_its_own_way() -> None:
    """A batch is the images one by one, in their order and type."""
    images = np.stack([field() + 100 * number for number in range(8)])
    ways = np.array([3, 0, 7, 5, 5, 1, 2, 4])
    laid = augment(images, ways)
    assert laid.dtype == images.dtype
    for number, way in enumerate(ways):
        np.testing.assert_array_equal(laid[number], turned(images[number], int(way)))


def test_oblong_images_keep_their_shape() -> None:
    """Half a turn and mirroring fit a batch of oblong images."""
    images = np.stack([field(2, 5)] * 4)
    laid = augment(images, np.array([0, 2, 4, 6]))
    assert laid.shape == images.shape
    assert len({image.tobytes() for image in laid}) == 4
