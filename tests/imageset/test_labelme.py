"""Masks from LabelMe's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpapipe.imageset.labelme import labelme_mask
from hpapipe.imageset.polygons import OutlineError
from pairs_on_disk import labelme, shape, write_json

SQUARE = shape("polygon", (3, 2), (7, 2), (7, 5), (3, 5))


def mask_of(folder: Path, tree: Any, **options: Any) -> np.ndarray:
    return labelme_mask(write_json(folder / "a.json", tree), **options)


def test_polygons_and_rectangles_by_hand(tmp_path: Path) -> None:
    """A rectangle may be drawn from any corner; shapes are joined; a shape without a kind is a polygon."""
    rectangle = shape("rectangle", (12, 9), (10, 6))
    untold = {"label": "cell", "points": [[20, 10], [22, 10], [22, 12], [20, 12]]}
    expected = np.zeros((20, 30), bool)
    expected[2:5, 3:7] = expected[6:9, 10:12] = expected[10:12, 20:22] = True
    np.testing.assert_array_equal(mask_of(tmp_path, labelme(SQUARE, rectangle, untold)), expected)


def test_a_circle_by_hand(tmp_path: Path) -> None:
    """Its centre and a point of it: radius 6 around column 15, row 10."""
    mask = mask_of(tmp_path, labelme(shape("circle", (15, 10), (15, 16))))
    assert mask.sum() == pytest.approx(np.pi * 36, rel=0.04)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 15, 9, 20)


def test_one_label_or_all(tmp_path: Path) -> None:
    """A bubble beside the cell is left out where the cell is asked for."""
    tree = labelme(SQUARE, shape("rectangle", (10, 10), (15, 15), label="bubble"))
    assert mask_of(tmp_path, tree).sum() == 12 + 25
    assert mask_of(tmp_path, tree, label="cell").sum() == 12
    assert mask_of(tmp_path, tree, label="nothing").sum() == 0


def test_other_shapes_do_not_hurt_where_their_label_is_not_asked_for(tmp_path: Path) -> None:
    """A scale bar drawn as a line."""
    tree = labelme(SQUARE, shape("line", (0, 0), (9, 0), label="scale"))
    assert mask_of(tmp_path, tree, label="cell").sum() == 12


def test_the_size_comes_from_the_file_or_from_outside(tmp_path: Path) -> None:
    """No shapes are an empty mask."""
    assert mask_of(tmp_path, labelme(size=(7, 9)), size=(1, 1)).shape == (7, 9)
    assert mask_of(tmp_path, labelme(size=(None, None)), size=(5, 6)).shape == (5, 6)
    with pytest.raises(OutlineError, match="must state `imageHeight`"):
        mask_of(tmp_path, labelme(size=(None, None)))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"version": "5"}, r"list of `shapes`\. Received a\.json without it\. Save"),
        ({"annotations": []}, "looks like a COCO file"),
        (labelme(shape("polygon", (1, 1), (2, 2))), r"three or more points\. Received 2 in shape 1 of a\.json"),
        (labelme(shape("circle", (1, 1))), r"A circle must have two points\. Received 1"),
        (labelme(SQUARE, shape("line", (1, 1), (2, 2))), r"polygons, circles or rectangles\. Received `line`, shape 2"),
        ({**labelme(), "shapes": [5]}, "A shape must be a JSON object"),
        (labelme({"shape_type": "polygon", "points": "none"}), r'pairs of numbers, in px\. Received "none" in shape 1'),
        (labelme({"shape_type": ["polygon"], "points": []}), r"polygons, circles or rectangles"),
        (labelme(size=(10**7, 10**7)), "at most 64,000,000 pixels"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(tmp_path: Path, tree: Any, words: str) -> None:
    """With the shape and the file."""
    with pytest.raises(OutlineError, match=words) as caught:
        mask_of(tmp_path, tree)
    assert len(caught.value.lines) == 1
