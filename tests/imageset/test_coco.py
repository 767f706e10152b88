"""Masks from COCO files: polygons, run lengths, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hpapipe.errors import UserError
from hpapipe.imageset.coco import CocoImage, read_coco, unpacked
from hpapipe.imageset.polygons import OutlineError
from pairs_on_disk import coco, disc, write_json

SQUARE = [[3, 2, 7, 2, 7, 5, 3, 5]]


def runs(mask: np.ndarray) -> list[int]:
    """Uncompressed run lengths: down the columns, ground first."""
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(np.diff(flat)).tolist()
    return np.diff([0, *edges, mask.size]).tolist()


def packed(lengths: list[int]) -> str:
    """`rleToString` of cocoapi/common/maskApi.c."""
    text = ""
    for place, length in enumerate(lengths):
        value = length - (lengths[place - 2] if place > 2 else 0)
        more = True
        while more:
            code = value & 31
            value >>= 5
            more = value != (-1 if code & 16 else 0)
            text += chr(code + 32 * more + 48)
    return text


def mask_of(folder: Path, *outlines: Any, size: tuple[int, int] = (20, 30), **options: Any) -> np.ndarray:
    tree = coco(["a.png"], [(0, outline) for outline in outlines], size)
    (image,) = read_coco(write_json(folder / "coco.json", tree), **options)
    return image.mask()


def test_compressed_runs_of_the_coco_tools() -> None:
    """A ring of 11 pixels and a disc of 1,513, as pycocotools 2.0 encodes them."""
    ring = np.zeros((5, 7), bool)
    ring[1:4, 2:6] = True
    ring[2, 3] = False
    disc_text = r"Tg1=\16K4M2N2M4M2O0O2N2N2O0O2O000O2O000000000000000000000001N10001N101N2N2N101N3L3N2N3L5JSQ1"
    rows, columns = np.ogrid[:60, :90]
    for mask, text in ((ring, ";32NO012004"), (np.hypot(rows - 30, columns - 50) < 22, disc_text)):
        assert unpacked(text) == runs(mask)
        outline = {"size": [*mask.shape], "counts": text}
        np.testing.assert_array_equal(CocoImage("a", *mask.shape, (outline,), "c").mask(), mask)


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_runs_of_any_mask_come_back(mask: np.ndarray) -> None:
    """Compressed or not."""
    for counts in (runs(mask), packed(runs(mask))):
        found = CocoImage("a", *mask.shape, ({"size": [*mask.shape], "counts": counts},), "c").mask()
        np.testing.assert_array_equal(found, mask)


@given(st.lists(st.integers(0, 10**7)))
def test_long_runs_are_unpacked(lengths: list[int]) -> None:
    """Several characters a number, differences of both signs."""
    assert unpacked(packed(lengths)) == lengths


def test_polygons_by_hand(tmp_path: Path) -> None:
    """Two parts of one annotation and two annotations are joined."""
    expected = np.zeros((20, 30), bool)
    expected[2:5, 3:7] = expected[10:12, 20:22] = True
    two = [*SQUARE, [20, 10, 22, 10, 22, 12, 20, 12]]
    np.testing.assert_array_equal(mask_of(tmp_path, two), expected)
    np.testing.assert_array_equal(mask_of(tmp_path, SQUARE, two[1:]), expected)
    np.testing.assert_array_equal(mask_of(tmp_path, two[1:], {"size": [20, 30], "counts": runs(expected)}), expected)


def test_an_image_without_annotations_is_empty(tmp_path: Path) -> None:
    """Its size is that of the file."""
    assert mask_of(tmp_path).shape == (20, 30)
    assert not mask_of(tmp_path).any()


def test_one_category_or_all(tmp_path: Path) -> None:
    """The second annotation is a bubble."""
    other = [[20, 10, 22, 10, 22, 12, 20, 12]]
    assert mask_of(tmp_path, SQUARE, other).sum() == 16
    assert mask_of(tmp_path, SQUARE, other, label="cell").sum() == 12
    assert mask_of(tmp_path, SQUARE, other, label="bubble").sum() == 4
    with pytest.raises(UserError, match=r"category of the COCO file\. Received `cel`\. Did you mean `cell`\?"):
        mask_of(tmp_path, SQUARE, label="cel")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png", r"..\a.png", r"C:\a.png", "", None, 5])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: Any) -> None:
    """On any system."""
    path = write_json(tmp_path / "coco.json", coco([name], []))
    with pytest.raises(UserError, match=r"`file_name` must name a file inside the image folder.*in coco\.json"):
        read_coco(path)


@pytest.mark.parametrize("name", ["sub/a.png", r"sub\a.png"])
def test_folders_in_names_are_left_out(tmp_path: Path, name: str) -> None:
    """Tools write the path that they knew; images lie in one folder here."""
    (image,) = read_coco(write_json(tmp_path / "coco.json", coco([name], [])))
    assert image.file == "a.png"


ROW = {"size": [20, 30], "counts": [600]}


@pytest.mark.parametrize(
    ("outline", "words"),
    [
        ({**ROW, "counts": [599]}, r"add up to the image's 600 pixels\. Received 599 in an annotation of a\.png in"),
        ({**ROW, "counts": [700, -100]}, "whole numbers of 0 or more"),
        ({**ROW, "counts": [600.0]}, "whole numbers of 0 or more"),
        ({**ROW, "counts": None}, "whole numbers of 0 or more"),
        ({**ROW, "size": [30, 20]}, r"of the image's size, here \[20, 30\]\. Received \[30, 20\]"),
        ({**ROW, "counts": "P"}, "must be whole"),
        ({**ROW, "counts": "ä"}, "must be COCO's"),
        ({**ROW, "counts": "P" * 40}, "must be COCO's"),
        ([[1, 2, 3]], "pairs of numbers"),
        ([[1, 2, 3, 4]], "three or more points"),
        ([["a", "b"] * 3], "pairs of numbers"),
        (None, "pairs of numbers"),
        (5, "pairs of numbers"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(tmp_path: Path, outline: Any, words: str) -> None:
    """With the image and the file."""
    with pytest.raises(OutlineError, match=words) as caught:
        mask_of(tmp_path, outline)
    assert len(caught.value.lines) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": None}, "list of `images`"),
        ({"annotations": [5]}, "list of `annotations`"),
        ({"annotations": [{"image_id": 7, "segmentation": SQUARE}]}, r"belong to an image.*image_id 7 in coco\.json"),
        ({"annotations": [{"image_id": [0], "segmentation": SQUARE}]}, "belong to an image"),
        ({"images": [{"id": 0, "file_name": "a.png"}]}, "must state `height` and `width`"),
        ({"images": [{"id": 0, "file_name": "a.png", "height": 10**6, "width": 10**6}]}, "at most 64,000,000 pixels"),
        ({"images": [{"id": 0, "file_name": "a.png", "height": 9, "width": 9}] * 2}, "its own `id`"),
    ],
)
def test_files_that_are_no_coco_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    """Before any mask is drawn, in one line."""
    path = write_json(tmp_path / "coco.json", coco(["a.png"], []) | change)
    with pytest.raises(OutlineError, match=words) as caught:
        read_coco(path)
    assert len(caught.value.lines) == 1


def test_a_disc_in_polygons_has_its_area(tmp_path: Path) -> None:
    """As the COCO tools draw it, within a hundredth."""
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    corners = np.column_stack([50 + 22 * np.cos(turns), 30 + 22 * np.sin(turns)]).ravel().tolist()
    found = mask_of(tmp_path, [corners], size=(60, 90))
    assert (found != disc(22, (60, 90), (30, 50))).mean() < 0.01
