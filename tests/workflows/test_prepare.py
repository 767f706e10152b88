"""From a recipe to images that passed their checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.workflows.prepare import Prepared, _joined, inspect, prepare, source_folder

Recipes = Callable[..., Recipe]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe_file: Callable[..., Path]) -> Recipes:
    """Makes recipes for a folder, and works in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return lambda folder, **sections: config.load(recipe_file(folder, **sections))


def prepared(made: Recipe) -> Prepared:
    folder = source_folder(made)
    return prepare(made, folder, inspect(made, folder))


def test_good_images_are_all_there(recipe: Recipes, image_folder: Callable[..., Any]) -> None:
    """Ids, truth, depth, and each field for itself."""
    found = prepared(recipe(image_folder().folder))
    assert found.images.ids == ("f00", "f01", "f02", "f03")
    np.testing.assert_array_equal(found.images.truth, [[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0]])
    assert (found.bits, found.left_out, len(set(found.together))) == (8, (), 4)
    assert len(found.fingerprint) == 12


def test_the_fingerprint_follows_ids_labels_and_pixels(recipe: Recipes, image_folder: Callable[..., Any]) -> None:
    """The same data elsewhere has the same one; a label or a pixel changes it."""
    first = prepared(recipe(image_folder().folder)).fingerprint
    assert prepared(recipe(image_folder(name="copy").folder)).fingerprint == first
    relabelled = image_folder(("0", "1", "0 1", "1"), name="relabelled").folder
    assert prepared(recipe(relabelled)).fingerprint != first
    changed = image_folder(name="changed").folder
    file = changed / "train" / "f00_red.png"
    pixels = np.array(Image.open(file))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(file)
    assert prepared(recipe(changed)).fingerprint != first


def test_faults_stop_or_are_left_out(recipe: Recipes, image_folder: Callable[..., Any]) -> None:
    """As the recipe says; what is left is as if the faulty fields had never been there."""
    whole = prepared(recipe(image_folder(("0", "1"), name="two").folder))
    folder = image_folder(("0", "1", "2", "0")).folder
    (folder / "train.csv").write_text("Id,Target\nf00,0\nf01,1\nf02,9\nf03,0\n")
    (folder / "train" / "f03_red.png").write_bytes(b"")
    with pytest.raises(UserError, match="All critical checks must pass") as fault:
        prepared(recipe(folder))
    assert len(fault.value.lines) >= 3
    found = prepared(recipe(folder, checks={"on_failure": "continue"}))
    assert (found.images.ids, found.left_out) == (("f00", "f01"), ("f02", "f03"))
    assert found.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(found.images.truth, whole.images.truth)


def test_copies_stay_together(recipe: Recipes, image_folder: Callable[..., Any]) -> None:
    """f02 shows what f00 shows, a little brighter; the list of near-duplicates names both."""
    folder = image_folder().folder
    for channel in ("red", "green"):
        pixels = np.asarray(Image.open(folder / "train" / f"f00_{channel}.png"))
        Image.fromarray((pixels * 0.9 + 20).astype(np.uint8)).save(folder / "train" / f"f02_{channel}.png")
    made = recipe(folder)
    inspected = inspect(made, folder)
    assert list(inspected.near_duplicates["id"]) == ["f00", "f02"]
    together = prepare(made, folder, inspected).together
    assert together[0] == together[2]
    assert len(set(together)) == 3


def test_groups_of_the_table_stay_together(recipe: Recipes, image_folder: Callable[..., Any]) -> None:
    """A column of the table and near-duplicates are joined: f00 = f02 by pixels, f02 = f03 by plate."""
    folder = image_folder().folder
    for channel in ("red", "green"):
        (folder / "train" / f"f02_{channel}.png").write_bytes((folder / "train" / f"f00_{channel}.png").read_bytes())
    (folder / "train.csv").write_text("Id,Target,Plate\nf00,0,\nf01,1,\nf02,0 1,p1\nf03,0,p1\n")
    together = prepared(recipe(folder, data={"group_column": "Plate"})).together
    assert together[0] == together[2] == together[3] != together[1]


@pytest.mark.parametrize(
    ("first", "second", "parts"),
    [
        ([0, 1, 2, 3], ("", "", "", ""), 4),
        ([0, 0, 1, 2], ("p", "q", "q", "r"), 2),
        ([0, 1, 0, 1], ("p", "p", "q", "q"), 1),
        ([5, 6, 7], (), 3),
    ],
)
def test_two_groupings_are_joined(first: list[int], second: tuple[str, ...], parts: int) -> None:
    """Fields connected by either grouping, over any number of steps, are one group."""
    assert len(set(_joined(np.array(first), second))) == parts


def test_measurements_are_kept(
    recipe: Recipes, image_folder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second look decodes nothing."""
    made = recipe(image_folder().folder)
    first = prepared(made)

    def decode(*words: object) -> None:
        raise AssertionError("an image was read again")

    monkeypatch.setattr("hpapipe.imageset.measure.read_image", decode)
    assert prepared(made).fingerprint == first.fingerprint


def test_without_a_folder_cells_are_simulated(recipe: Recipes, tmp_path: Path) -> None:
    """Drawn into the workspace, once."""
    made = recipe(tmp_path, data={"folder": None}, simulate={"fields": 2, "size": 32})
    folder = source_folder(made)
    assert folder == Path("workspace/simulated/2-fields-32-px-seed-0")
    before = (folder / "train.csv").stat().st_mtime_ns
    assert source_folder(made) == folder
    assert (folder / "train.csv").stat().st_mtime_ns == before


def test_a_folder_below_home(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's own folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert source_folder(recipe("~/images")) == tmp_path / "images"


def test_own_suites(recipe: Recipes, image_folder: Callable[..., Any], tmp_path: Path) -> None:
    """A folder of edited suites is used; one that is not there is told."""
    folder = image_folder().folder
    with pytest.raises(UserError, match="A suite of checks must be a file"):
        inspect(recipe(folder, checks={"suites": str(tmp_path / "nowhere")}), folder)
