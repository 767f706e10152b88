"""Which image belongs to which mask, in every layout, and how they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.pairs import GROUP, find_pairs
from pairs_on_disk import coco, disc, labelme, save, shape, white_on_black, write_json, write_pairs

SQUARE = np.zeros((20, 30), bool)
SQUARE[2:5, 3:7] = True
OUTLINE = [[3, 2, 7, 2, 7, 5, 3, 5]]
SHAPE = shape("rectangle", (3, 2), (7, 5))


def images_of(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        save(folder / "images" / name, np.full((20, 30), number, np.uint8))
    return folder


def test_masks_of_the_same_name(tmp_path: Path) -> None:
    """Natural order, files relative to the folder, images and masks as they were written."""
    names = ("f10", "f9", "f1", "F2")
    pairs = find_pairs(write_pairs(tmp_path, names))
    assert pairs.ids == ("f1", "F2", "f9", "f10")
    assert pairs.image_files == tuple(f"images/{name}.png" for name in pairs.ids)
    assert pairs.mask_files == tuple(f"masks/{name}.png" for name in pairs.ids)
    for index, name in enumerate(pairs.ids):
        np.testing.assert_array_equal(pairs.mask(index), disc(4 + names.index(name)))
        image = np.asarray(Image.open(tmp_path / "images" / f"{name}.png"))
        np.testing.assert_array_equal(pairs.image(index), image)


def test_other_suffixes_and_names(tmp_path: Path) -> None:
    """NAME.tif for NAME.JPG, NAME_mask.png; an image called x_mask keeps its mask; other files are ignored."""
    images_of(tmp_path, "a.JPG", "b.png", "x_mask.png")
    for name in ("a.tif", "b_mask.png", "x_mask.jpeg"):
        save(tmp_path / "masks" / name, white_on_black(SQUARE))
    (tmp_path / "masks" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "images" / "notes.txt").write_text("x")
    (tmp_path / "images" / "._b.png").write_bytes(b"x")
    (tmp_path / "masks" / "._b.json").write_bytes(b"x")
    pairs = find_pairs(tmp_path)
    assert dict(zip(pairs.ids, pairs.mask_files, strict=True)) == {
        "a": "masks/a.tif",
        "b": "masks/b_mask.png",
        "x_mask": "masks/x_mask.jpeg",
    }


def test_masks_beside_their_images(tmp_path: Path) -> None:
    """One folder for both: NAME_mask is the mask of NAME."""
    save(tmp_path / "a.png", np.zeros((20, 30), np.uint8))
    save(tmp_path / "a_mask.png", white_on_black(SQUARE))
    pairs = find_pairs(tmp_path, ".", ".")
    assert (pairs.ids, pairs.image_files, pairs.mask_files) == (("a",), ("a.png",), ("a_mask.png",))


@pytest.mark.parametrize("place", ["masks", "images"])
def test_labelme_files(tmp_path: Path, place: str) -> None:
    """Among the masks or beside the images, without a folder of masks; the label is chosen."""
    images_of(tmp_path, "a.png", "b.png")
    bubble = shape("rectangle", (10, 10), (12, 12), label="bubble")
    write_json(tmp_path / place / "a.json", labelme(SHAPE, bubble))
    write_json(tmp_path / place / "b.json", labelme(size=(None, None)))
    pairs = find_pairs(tmp_path, label="cell")
    assert pairs.mask_files == (f"{place}/a.json", f"{place}/b.json")
    np.testing.assert_array_equal(pairs.mask(0), SQUARE)
    assert pairs.mask(1).shape == (20, 30)
    assert find_pairs(tmp_path).mask(0).sum() == 16


def test_other_json_beside_the_images_is_no_mask(tmp_path: Path) -> None:
    """Metadata without an image of its name."""
    write_json(write_pairs(tmp_path) / "images" / "metadata.json", {})
    assert find_pairs(tmp_path).ids == ("a", "b", "c", "d")


def test_a_coco_file(tmp_path: Path) -> None:
    """Images found by their names, whatever folder the file says; one that it does not name lacks its mask."""
    images_of(tmp_path, "a.png", "b.png", "c.png")
    tree = coco(["train/b.png", "a.png", "d.png"], [(0, OUTLINE), (0, [[10, 10, 12, 10, 12, 12, 10, 12]])])
    write_json(tmp_path / "annotations" / "all.json", tree)
    pairs = find_pairs(tmp_path, masks="annotations/all.json")
    assert pairs.ids == ("a", "b", "c", "d")
    assert pairs.image_files == ("images/a.png", "images/b.png", "images/c.png", "")
    assert pairs.mask_files == ("annotations/all.json", "annotations/all.json", "", "annotations/all.json")
    assert [pairs.mask(index).sum() for index in (0, 1)] == [0, 16]
    assert find_pairs(tmp_path, masks="annotations/all.json", label="cell").mask(1).sum() == 12


def test_the_polarity_is_the_sets(tmp_path: Path) -> None:
    """Black cells on white in most files: all are read so."""
    write_pairs(tmp_path)
    for name in "abc":
        save(tmp_path / "masks" / f"{name}.png", white_on_black(~SQUARE))
    pairs = find_pairs(tmp_path)
    assert pairs.polarity.dark
    np.testing.assert_array_equal(pairs.mask(0), SQUARE)
    np.testing.assert_array_equal(pairs.mask(3), ~disc(7))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_images_keep_their_depth(tmp_path: Path, dtype: type) -> None:
    """8 and 16 bits, as PNG and as TIFF."""
    write_pairs(tmp_path, ("a", "b"), dtype)
    other = np.asarray(Image.open(tmp_path / "images" / "b.png")).astype(dtype)
    (tmp_path / "images" / "b.png").unlink()
    save(tmp_path / "images" / "b.tif", other)
    pairs = find_pairs(tmp_path)
    assert [pairs.image(index).dtype for index in (0, 1)] == [dtype, dtype]
    np.testing.assert_array_equal(pairs.image(1), other)


def test_colour_becomes_grey_by_luma(tmp_path: Path) -> None:
    """0.299 R + 0.587 G + 0.114 B, rounded; what is see-through stays what it is."""
    colour = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    save(write_pairs(tmp_path) / "images" / "a.png", colour)
    luma = colour[..., :3] @ [0.299, 0.587, 0.114]
    assert np.abs(find_pairs(tmp_path).image(0) - luma).max() < 0.51


def test_taken_pairs_stay_together(tmp_path: Path) -> None:
    """In the order that was asked for."""
    pairs = find_pairs(write_pairs(tmp_path, ("p_f1", "p_f2", "q_f1")))
    part = pairs.take(np.array([2, 0]))
    assert (len(part), part.ids, part.groups) == (2, ("q_f1", "p_f1"), ("q", "p"))
    np.testing.assert_array_equal(part.mask(0), pairs.mask(2))
    np.testing.assert_array_equal(part.image(1), pairs.image(0))


@pytest.mark.parametrize(
    ("name", "group", "expected"),
    [
        ("r1c1_f0001", GROUP, "r1c1"),
        ("r1c1_f0001_mirrored", GROUP, "r1c1_f0001_mirrored"),
        ("plate_f2_f10", GROUP, "plate_f2"),
        ("7_19_M1E4", r"(M\d)", "M1"),
        ("7_19_M1E4", r"^(x)?", "7_19_M1E4"),
    ],
)
def test_groups_by_a_part_of_the_name(tmp_path: Path, name: str, group: str, expected: str) -> None:
    """The pool of a frame, or the id itself."""
    assert find_pairs(write_pairs(tmp_path, (name,)), group=group).groups == (expected,)


@pytest.mark.parametrize(("group", "words"), [("(", "regular expression"), ("r1", r"in brackets\. Received r1\.")])
def test_groups_that_are_no_expression_are_refused(tmp_path: Path, group: str, words: str) -> None:
    """In one line, with how to write one."""
    with pytest.raises(UserError, match=words) as caught:
        find_pairs(write_pairs(tmp_path), group=group)
    assert len(caught.value.lines) == 1


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1, max_size=8))
def test_numbers_in_names_are_ordered_as_numbers(tmp_path_factory: pytest.TempPathFactory, numbers: list[int]) -> None:
    """With or without leading zeros."""
    folder = write_pairs(tmp_path_factory.mktemp("pairs"), tuple(f"r1_f{number}" for number in numbers))
    assert [int(re.findall(r"\d+", name)[-1]) for name in find_pairs(folder).ids] == sorted(numbers)


def no_images(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "a.bmp").write_bytes(b"x")


def no_masks(folder: Path) -> None:
    images_of(folder, "a.png")


def empty_masks(folder: Path) -> None:
    (images_of(folder, "a.png") / "masks").mkdir()


def two_images(folder: Path) -> None:
    images_of(write_pairs(folder), "a.tif")


def two_masks(folder: Path) -> None:
    save(write_pairs(folder) / "masks" / "a_mask.png", white_on_black(SQUARE))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda folder: None, r"Images must lie in a folder\. Received .*images, which does not exist"),
        (no_images, r"must hold images\. Received a\.bmp in .*Add PNG, TIFF or JPEG"),
        (no_masks, r"must have masks\. Received .*masks, which does not exist"),
        (empty_masks, r"must have masks\. Received none in .*masks"),
        (two_images, r"one image file\. Received images/a\.png and images/a\.tif\. Delete or rename"),
        (two_masks, r"one mask file\. Received masks/a\.png and masks/a_mask\.png\."),
    ],
)
def test_folders_without_pairs_are_told_in_one_line(tmp_path: Path, broken: Any, words: str) -> None:
    """What was found, and what to add."""
    broken(tmp_path)
    with pytest.raises(UserError, match=words) as caught:
        find_pairs(tmp_path)
    assert len(caught.value.lines) == 1


@pytest.mark.parametrize("name", ["../masks", "/masks", ""])
def test_folders_outside_the_set_are_refused(tmp_path: Path, name: str) -> None:
    """For images and for masks."""
    write_pairs(tmp_path)
    for options in ({"images": name}, {"masks": name}):
        with pytest.raises(UserError, match="must lie inside the set's folder"):
            find_pairs(tmp_path, **options)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ("{", r"readable JSON\. Received “.*” for coco\.json"),
        (coco(["../a.png"], []), r"inside the image folder.*'\.\./a\.png' in coco\.json"),
        (coco(["a.png", "b/a.tif"], []), r"name each image once\. Received several for a in coco\.json"),
        (labelme(SHAPE), "list of `images`"),
    ],
)
def test_coco_files_that_cannot_be_used_are_told_in_one_line(tmp_path: Path, tree: Any, words: str) -> None:
    """Nothing of the set could be used without it."""
    path = tmp_path / "coco.json"
    images_of(tmp_path, "a.png")
    path.write_text(tree) if isinstance(tree, str) else write_json(path, tree)
    with pytest.raises(UserError, match=words) as caught:
        find_pairs(tmp_path, masks="coco.json")
    assert len(caught.value.lines) == 1


def test_what_a_pair_lacks_is_told(tmp_path: Path) -> None:
    """An image without a mask, a mask without an image."""
    write_pairs(tmp_path)
    (tmp_path / "images" / "a.png").unlink()
    (tmp_path / "masks" / "b.png").unlink()
    pairs = find_pairs(tmp_path)
    assert (pairs.ids, pairs.image_files[0], pairs.mask_files[1]) == (("a", "b", "c", "d"), "", "")
    with pytest.raises(ImageError, match=r"Every mask must have an image\. Received none for a\."):
        pairs.image(0)
    with pytest.raises(ImageError, match=r"Every image must have a mask\. Received none for b\."):
        pairs.mask(1)


def test_larger_images_are_refused_undecoded(tmp_path: Path) -> None:
    """Images and masks alike."""
    pairs = find_pairs(write_pairs(tmp_path), max_pixels=599)
    for read in (pairs.image, pairs.mask):
        with pytest.raises(ImageError, match=r"at most 599 pixels\. Received 30×20 pixels in a\.png"):
            read(0)
    assert find_pairs(tmp_path, max_pixels=600).image(0).size == 600


def test_32_bits_are_refused(tmp_path: Path) -> None:
    """Floats have no grey levels that could be kept."""
    write_pairs(tmp_path, ("a",))
    (tmp_path / "images" / "a.png").unlink()
    save(tmp_path / "images" / "a.tif", np.zeros((20, 30), np.float32))
    with pytest.raises(ImageError, match=r"8 or 16 bits\. Received 32 bits \(mode F\) in a\.tif"):
        find_pairs(tmp_path).image(0)


def test_stacks_are_refused(tmp_path: Path) -> None:
    """Its first page alone would be taken for the image in silence."""
    write_pairs(tmp_path, ("a",))
    (tmp_path / "masks" / "a.png").unlink()
    pages = [Image.fromarray(white_on_black(SQUARE)) for _ in range(3)]
    pages[0].save(tmp_path / "masks" / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ImageError, match=r"must have one page\. Received 3 pages in a\.tif\."):
        find_pairs(tmp_path).mask(0)
