"""Filled outlines: by hand where they are exact, and their areas elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hpapipe.imageset.polygons import OutlineError, fill, points_of, read_json, size_of


def filled(points: list[tuple[float, float]], size: tuple[int, int] = (20, 30)) -> np.ndarray:
    mask = np.zeros(size, bool)
    fill(mask, np.array(points, float))
    return mask


def test_a_rectangle_by_hand() -> None:
    """From column 3 to 7 and row 2 to 5: four by three pixels, as the first pixel reaches from 0 to 1."""
    expected = np.zeros((20, 30), bool)
    expected[2:5, 3:7] = True
    np.testing.assert_array_equal(filled([(3, 2), (7, 2), (7, 5), (3, 5)]), expected)


@settings(max_examples=60)
@given(arrays.arrays(float, (5, 2), elements=st.floats(-10, 40)))
def test_agrees_with_a_ray_a_pixel(corners: np.ndarray) -> None:
    """Pixels whose middle lies inside, by parity of the sides to their left, for any pentagon, crossed or not."""
    mask = filled(corners.tolist())
    for row, column in np.ndindex(mask.shape):
        expected = inside(corners, column + 0.5, row + 0.5)
        assert expected is None or expected == mask[row, column]


def inside(corners: np.ndarray, x: float, y: float) -> bool | None:
    """By the book: a ray to the left crosses an odd number of sides; none where it begins on one of them."""
    crossed = False
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (y0 <= y) != (y1 <= y):
            place = x0 + (x1 - x0) * (y - y0) / (y1 - y0)
            if abs(place - x) < 1e-9:
                return None
            crossed ^= bool(place < x)
    return crossed


def test_what_lies_outside_is_cut_off() -> None:
    """A polygon around all fills all, one beside the image nothing."""
    assert filled([(-5, -5), (90, -5), (90, 90), (-5, 90)]).all()
    assert not filled([(40, 2), (50, 2), (50, 9)]).any()
    assert not filled([(-9, -9), (-2, -9), (-2, -3)]).any()


def test_filling_adds() -> None:
    """What was True stays True."""
    mask = np.zeros((20, 30), bool)
    fill(mask, np.array([[0, 0], [5, 0], [5, 5], [0, 5]], float))
    fill(mask, np.array([[10, 10], [12, 10], [12, 12], [10, 12]], float))
    assert mask.sum() == 29


@settings(max_examples=60)
@given(st.floats(20, 40), st.floats(45, 55), st.floats(45, 55))
def test_areas_and_places_are_right(radius: float, column: float, row: float) -> None:
    """A circle's area within 3 %, and its centre within a quarter of a pixel."""
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    mask = filled([(column + radius * np.cos(t), row + radius * np.sin(t)) for t in turns], (100, 100))
    assert mask.sum() == pytest.approx(100 * np.sin(np.pi / 100) * radius**2, rel=0.03)
    rows, columns = np.nonzero(mask)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((column, row), abs=0.25)


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"shapes": [', "[" * 100_000, '"\udcff"'])
def test_broken_json_is_one_line(tmp_path: Path, text: str) -> None:
    """Cut off, empty, nested without end, or no text at all."""
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OutlineError, match=r"must be readable JSON\. Received “.*” for a\.json\. Export") as caught:
        read_json(path)
    assert len(caught.value.lines) == 1
    assert "\n" not in str(caught.value)


def test_other_json_is_refused(tmp_path: Path) -> None:
    """A list is no file of outlines, a missing file neither."""
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(OutlineError, match=r"must hold a JSON object\. Received \[1, 2\] in a\.json"):
        read_json(tmp_path / "a.json")
    with pytest.raises(OutlineError, match=r"No such file.*none\.json"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize(
    "values", [None, "1,2", [1, 2], [[1, 2, 3]], [["1", "2"]], [[1, float("nan")]], [[True, 1]], [[1e9, 0]]]
)
def test_corners_are_pairs_of_numbers(values: object) -> None:
    """Neither text nor infinities nor places beyond all images are drawn."""
    with pytest.raises(OutlineError, match=r"pairs of numbers, in px\. Received .* in shape 1"):
        points_of(values, "shape 1")


@pytest.mark.parametrize(("tall", "wide"), [(0, 5), (5, None), ("5", 5), (5.5, 5), (True, 5)])
def test_sizes_are_whole_numbers(tall: object, wide: object) -> None:
    """One alone is none."""
    with pytest.raises(OutlineError, match="whole numbers above 0"):
        size_of({"h": tall, "w": wide}, "h", "w", 100, "a.json")


def test_a_giant_size_is_refused_before_it_is_drawn() -> None:
    """A number in a file costs no memory."""
    with pytest.raises(OutlineError, match=r"at most 100 pixels\. Received 1000000×1000000 in a\.json"):
        size_of({"h": 10**6, "w": 10**6}, "h", "w", 100, "a.json")
    assert size_of({"h": 10, "w": 10}, "h", "w", 100, "a.json") == (10, 10)
    assert size_of({}, "h", "w", 100, "a.json") is None
