"""Four places that images come from: the same fields, read when and as often as each says."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.sources import SOURCES, open_source

Folder = Callable[..., ImageSet]

TARGETS = ("0", "1", "0 1", "0", "2")


@pytest.mark.parametrize("name", sorted(SOURCES))
@pytest.mark.parametrize(
    "data",
    [
        {"size": 32},
        {"size": (16, 8)},
        {"size": (24, 8), "cut": "corner"},
        {"cut": "crops", "size": 8, "field_size": 16},
    ],
    ids=["as they are", "resized", "corner", "crops"],
)
def test_every_source_gives_the_fields_of_the_set(
    name: str, data: dict[str, Any], image_folder: Folder, tmp_path: Path
) -> None:
    """By number, by a list with one field twice, by a slice; shape and type are known before."""
    images = image_folder(TARGETS, **data)
    all_fields = np.stack([images.read(field) for field in range(5)])
    source = open_source(images, name, tmp_path)
    assert (len(source), source.shape, source.dtype) == (5, all_fields.shape, all_fields.dtype)
    for asked in (3, -1, np.array([4, 0, 4]), np.array([2]), slice(1, 3)):
        np.testing.assert_array_equal(source[asked], all_fields[asked])


@pytest.mark.parametrize(
    ("name", "opening", "first", "second"),
    [("files", 1, 2, 2), ("cached", 1, 2, 0), ("loaded", 6, 0, 0), ("packed", 6, 0, 0)],
)
def test_when_files_are_read(
    name: str, opening: int, first: int, second: int, image_folder: Folder, tmp_path: Path, reads: list[str]
) -> None:
    """At every access, at the first, or all before; one field more tells the size of all."""
    source = open_source(image_folder(TARGETS), name, tmp_path)
    counts = [len(reads)]
    for _ in range(2):
        source[np.array([1, 3])]
        counts.append(len(reads))
    assert np.diff(counts, prepend=0).tolist() == [opening, first, second]


def test_sixteen_bits_stay_sixteen_bits(image_folder: Folder, tmp_path: Path) -> None:
    """Nothing is scaled on the way."""
    images = image_folder(TARGETS, dtype=np.uint16)
    for name in SOURCES:
        source = open_source(images, name, tmp_path / name)
        assert source.dtype == np.uint16
        np.testing.assert_array_equal(source[2], images.read(2))


def test_a_cache_serves_many_threads(image_folder: Folder, tmp_path: Path) -> None:
    """Eight that ask for the same fields at once all get the right ones, and the right ones are kept."""
    images = image_folder(TARGETS * 4)
    expected = np.stack([images.read(field) for field in range(20)])
    source = open_source(images, "cached", tmp_path)
    orders = [np.random.default_rng(seed).permutation(20) for seed in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for order, found in zip(orders, threads.map(source.__getitem__, orders), strict=True):
            np.testing.assert_array_equal(found, expected[order])
    np.testing.assert_array_equal(source[:], expected)


def test_what_was_cached_needs_its_file_no_more(image_folder: Folder, tmp_path: Path) -> None:
    """What was not is told by its file's name, by the cache and by the files themselves."""
    images = image_folder(TARGETS)
    sources = {name: open_source(images, name, tmp_path) for name in ("files", "cached")}
    before = sources["cached"][np.array([0, 1])]
    for field in (1, 2):
        images.paths(field)[0].unlink()
    np.testing.assert_array_equal(sources["cached"][np.array([0, 1])], before)
    for source in sources.values():
        with pytest.raises(UserError, match=r"Each channel must have its file\. Received none at f02_red\.png"):
            source[np.array([0, 2, 3])]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_fields_of_two_depths_are_refused(name: str, image_folder: Folder, tmp_path: Path) -> None:
    """The networks' scaling is made for one."""
    images = image_folder(TARGETS)
    for path in images.paths(3):
        Image.fromarray(np.full((32, 32), 300, np.uint16)).save(path)
    with pytest.raises(UserError, match=r"one bit depth\. Received uint16 for f03 beside uint8 for f00"):
        open_source(images, name, tmp_path)[np.array([3])]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_field_smaller_than_the_corner_is_told_by_its_name(name: str, image_folder: Folder, tmp_path: Path) -> None:
    """Among hundreds of others."""
    images = image_folder(TARGETS, cut="corner", size=24)
    for path in images.paths(3):
        Image.fromarray(np.full((16, 32), 7, np.uint8)).save(path)
    with pytest.raises(UserError, match=r"corner of 24×24 pixels\. Received 16×32 pixels for f03"):
        open_source(images, name, tmp_path)[np.array([3])]


def test_every_choice_of_the_recipe_is_a_source() -> None:
    """No name passes the recipe and fails later, and none is hidden from it."""
    assert set(SOURCES) == set(get_args(config.Feed.model_fields["source"].annotation))
