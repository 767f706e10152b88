"""What a network sees of a field: its size, and where crops are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.config import Data
from hpapipe.imageset.decode import ImageError, resize
from hpapipe.imageset.view import View, cropped, fitted, view_of


def field(height: int, width: int, dtype: type = np.uint8) -> np.ndarray:
    """Two channels in which every pixel differs from its neighbours."""
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (height, width, 2), dtype)


@pytest.mark.parametrize(
    ("cut", "stored"), [("whole", (4, 6)), ("corner", (4, 6)), ("crops", (10, 12))], ids=["whole", "corner", "crops"]
)
def test_crops_alone_keep_more_than_the_network_sees(cut: str, stored: tuple[int, int]) -> None:
    """`field_size` counts for crops; else it is `size`."""
    assert View(cut, (4, 6), (10, 12)).stored == stored


@pytest.mark.parametrize(
    ("crops", "tops", "lefts"),
    [(1, [3], [1]), (2, [0, 6], [0, 3]), (3, [0, 3, 6], [0, 2, 3]), (4, [0, 2, 4, 6], [0, 1, 2, 3])],
)
def test_crops_are_spaced_from_border_to_border(crops: int, tops: list[int], lefts: list[int]) -> None:
    """Crops of 4×5 in 10×8 leave 6 rows and 3 columns of room: all pairs, row by row; one alone in the middle."""
    origins = View("crops", (4, 5), (10, 8), crops).origins
    assert origins == [(top, left) for top in tops for left in lefts]


def test_whole_and_corner_have_one_origin() -> None:
    """There is nothing to choose from."""
    for cut in ("whole", "corner"):
        assert View(cut, (4, 6), (10, 12)).origins == [(0, 0)]


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 8))
def test_crops_lie_inside_and_reach_both_borders(side: int, room: int, crops: int) -> None:
    """In rising order, whatever the sizes."""
    origins = View("crops", (side, side), (side + room, side + room), crops).origins
    tops = [top for top, left in origins if left == origins[0][1]][:crops]
    assert len(origins) == crops**2
    assert tops == sorted(tops)
    assert all(0 <= top <= room and 0 <= left <= room for top, left in origins)
    if crops > 1:
        assert (origins[0], origins[-1]) == ((0, 0), (room, room))


def test_a_recipe_says_the_view() -> None:
    """The number of crops has an effect only where crops are cut."""
    data = Data(size=(16, 24), field_size=(32, 48))
    assert view_of(data, 3) == View("whole", (16, 24), (32, 48), 1)
    crops = data.model_copy(update={"cut": "crops"})
    assert view_of(crops, 3) == View("crops", (16, 24), (32, 48), 3)
    assert view_of(crops).crops == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("cut", "height", "width"), [("whole", 8, 6), ("crops", 10, 12)])
def test_a_field_is_resized_channel_by_channel(cut: str, height: int, width: int, dtype: type) -> None:
    """To the size that is kept, in its own integer type."""
    image = field(20, 18, dtype)
    found = fitted(image, View(cut, (8, 6), (10, 12)))
    assert (found.shape, found.dtype) == ((height, width, 2), dtype)
    for channel in range(2):
        np.testing.assert_array_equal(found[..., channel], resize(image[..., channel], (height, width)))


@pytest.mark.parametrize("cut", ["whole", "corner", "crops"])
def test_a_field_of_the_kept_size_is_untouched(cut: str) -> None:
    """The very same array."""
    view = View(cut, (8, 6), (10, 12))
    image = field(*view.stored)
    assert fitted(image, view) is image


def test_the_corner_is_the_top_left() -> None:
    """Pixels as they are, and no memory of the rest, which would stay for as long as the corner is kept."""
    image = field(20, 18)
    found = fitted(image, View("corner", (8, 6), (10, 12)))
    np.testing.assert_array_equal(found, image[:8, :6])
    assert not np.shares_memory(found, image)


@pytest.mark.parametrize(("height", "width"), [(7, 20), (20, 5)])
def test_a_field_smaller_than_its_corner_is_refused(height: int, width: int) -> None:
    """In one direction is enough; enlarging it would be another way to see."""
    words = rf"must hold the corner of 8×6 pixels\. Received {height}×{width} pixels.*`data\.size`.*`data\.cut`"
    with pytest.raises(ImageError, match=words):
        fitted(field(height, width), View("corner", (8, 6), (10, 12)))


def test_crops_are_cut_where_they_are_asked_for() -> None:
    """A place of its own in each image."""
    images = np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5, 1)
    found = cropped(images, np.array([[0, 1], [2, 3]]), (2, 2))
    assert found[0, ..., 0].tolist() == [[1, 2], [6, 7]]
    assert found[1, ..., 0].tolist() == [[33, 34], [38, 39]]
