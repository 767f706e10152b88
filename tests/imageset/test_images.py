"""A folder of images as a set of fields, with a label table and without one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset.images import ImageSet, labelled, unlabelled

Folder = Callable[..., ImageSet]


def touched(folder: Path, *names: str) -> Path:
    """Empty files: only their names are read here."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_paths_follow_the_recipes_channels(image_folder: Folder) -> None:
    """One file a channel, in the order that the model sees them."""
    images = image_folder(("0", "1"), channels=("yellow", "red"))
    assert images.paths(1) == [images.folder / "train" / "f01_yellow.png", images.folder / "train" / "f01_red.png"]
    assert all(path.is_file() for path in images.paths(1))


def test_labelled_reads_ids_truth_and_groups(tmp_path: Path) -> None:
    """By hand: targets in any order, groups only where the recipe names their column."""
    facts = pd.DataFrame({"id": ["x", "y"], "target": ["2 0", "1"], "group": ["plate 1", "plate 2"]})
    plain = labelled(tmp_path, Data(labels=("a", "b", "c")), facts)
    assert (len(plain), plain.ids, plain.groups) == (2, ("x", "y"), ())
    assert (plain.truth.dtype, plain.truth.tolist()) == (np.uint8, [[1, 0, 1], [0, 1, 0]])
    grouped = labelled(tmp_path, Data(labels=("a", "b", "c"), group_column="plate"), facts)
    assert grouped.groups == ("plate 1", "plate 2")


@pytest.mark.parametrize("groups", [(), ("p", "q", "r")])
def test_take_keeps_what_belongs_together(tmp_path: Path, groups: tuple[str, ...]) -> None:
    """Ids, truth and groups in the order asked for."""
    images = ImageSet(tmp_path, Data(), ("x", "y", "z"), np.eye(3, dtype=np.uint8), groups)
    taken = images.take([2, 0])
    assert taken.ids == ("z", "x")
    assert taken.truth.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert taken.groups == (("r", "p") if groups else ())
    assert (taken.folder, taken.data) == (images.folder, images.data)


def test_take_nothing_is_an_empty_set(tmp_path: Path) -> None:
    """With its columns still there."""
    images = ImageSet(tmp_path, Data(), ("x",), np.ones((1, 3), np.uint8))
    assert len(images.take([])) == 0
    assert images.take([]).truth.shape == (0, 3)


def test_unlabelled_finds_fields_by_their_names(tmp_path: Path) -> None:
    """Each field once, in the order of ids; other files and unknown channels are passed over."""
    names = ["b_red.png", "b_green.png", "a_red.png", "a_blue.png", "c_blue.png", "a_red.tif", "notes.txt", "_red.png"]
    found = unlabelled(touched(tmp_path / "new", *names), Data(channels=("red", "green")))
    assert found.ids == ("a", "b")
    assert found.truth.shape == (2, 0)
    assert found.paths(0) == [tmp_path / "new" / "a_red.png", tmp_path / "new" / "a_green.png"]


def test_unlabelled_takes_names_literally(tmp_path: Path) -> None:
    """Dots, brackets and plus signs of the pattern and of ids are no wildcards."""
    folder = touched(tmp_path / "new", "x.1(+)_red.v1.png", "x_redXv1Ypng", "y_a_red.v1.png")
    found = unlabelled(folder, Data(channels=("red",), files="train/{id}_{channel}.v1.png"))
    assert found.ids == ("x.1(+)", "y_a")


def test_channel_first_patterns_work(tmp_path: Path) -> None:
    """The pattern decides, not the challenge's habit."""
    folder = touched(tmp_path / "new", "red-1.png", "red-2.png", "green-2.png")
    assert unlabelled(folder, Data(channels=("red", "green"), files="{channel}-{id}.png")).ids == ("1", "2")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(UserError, match=r"must lie in a folder.*nowhere, which does not exist"):
        unlabelled(tmp_path / "nowhere", Data())


@pytest.mark.parametrize(
    ("names", "received"), [((), "no files in"), (("b.txt", "a.jpg", "c"), r"a\.jpg and 2 other files in")]
)
def test_a_folder_without_fields_says_what_it_holds(tmp_path: Path, names: tuple[str, ...], received: str) -> None:
    """The pattern and channels that were looked for, and what lies there instead."""
    rule = rf"images named {{id}}_{{channel}}\.png for the channels red, green\. Received {received}"
    with pytest.raises(UserError, match=rule):
        unlabelled(touched(tmp_path / "new", *names), Data(channels=("red", "green")))


def test_a_pattern_that_names_fields_by_folder_needs_a_table(tmp_path: Path) -> None:
    """In a folder of its own, the id is not in the file's name."""
    with pytest.raises(UserError, match=r"file name in `data\.files` must hold \{id\} and \{channel\}"):
        unlabelled(touched(tmp_path / "new"), Data(files="{id}/{channel}.png"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A backslash climbs where the version is used on Windows."""
    with pytest.raises(UserError, match=r"must name a file inside the image folder.*\.\.\\x"):
        unlabelled(touched(tmp_path / "new", "..\\x_red.png"), Data(channels=("red",)))
