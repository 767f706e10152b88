"""Masks of a folder of images, by a segmenter."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bright_discs import enter, train
from hpapipe.config import load
from hpapipe.workflows import answering
from pairs_on_disk import save


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, hpapipe: Callable[..., Any]) -> Path:
    """The folder of a store with a segmenter that was trained for a moment on bright discs."""
    place = tmp_path_factory.mktemp("masks")
    train(place, empty_store, hpapipe)
    return place


@pytest.fixture
def predict(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hpapipe: Any) -> Callable[..., Any]:
    """`hpapipe predict`, with its answers in a folder of the test's own."""
    enter(monkeypatch, trained_once)
    words = ("--config", "recipe.yaml", "--which", "1", "--out", tmp_path / "answers")
    return lambda folder, *more: hpapipe("predict", folder, *words, *more)


def test_every_image_has_its_mask_and_area(predict: Callable[..., Any], tmp_path: Path) -> None:
    """Images keep their sizes; the masks are those that the Version gives, their areas those of the table."""
    odd = np.full((40, 50), 90, np.uint8)
    for name in ("r1c1_f0001", "r2c2_f0002"):
        shutil.copy(f"pairs/images/{name}.png", save(tmp_path / "new" / f"{name}.png", odd))
    save(tmp_path / "new" / "odd.png", odd)
    ended = predict(tmp_path / "new")
    assert (ended.code, ended.err) == (0, "")
    assert f"Masks, white on black: {tmp_path / 'answers' / 'masks'}" in ended.out
    table = pd.read_csv(tmp_path / "answers" / "predictions.csv").set_index("id")
    assert list(table.index) == ["odd", "r1c1_f0001", "r2c2_f0002"]
    version = answering.load(load("recipe.yaml", {}), "1", "keras").version
    for name in table.index:
        mask = np.asarray(Image.open(tmp_path / "answers" / "masks" / f"{name}.png"))
        image = np.asarray(Image.open(tmp_path / "new" / f"{name}.png"))
        (wanted,) = version.masks(version.probabilities([image]))
        np.testing.assert_array_equal(mask, 255 * wanted)
        assert table.loc[name, "area_px"] == wanted.sum()
        assert (table.loc[name, "height"], table.loc[name, "width"]) == image.shape
    assert not (tmp_path / "answers" / "submission.csv").exists()


def test_images_of_another_kind(predict: Callable[..., Any], tmp_path: Path) -> None:
    """TIFF where that is asked for; a faulty file is listed, and has no mask."""
    save(tmp_path / "new" / "one.tif", np.full((24, 32), 90, np.uint8))
    (tmp_path / "new" / "two.tif").write_bytes(b"")
    assert "There must be images named {id}.{channel} for the channels png." in predict(tmp_path / "new").err
    assert predict(tmp_path / "new", "--data.channels", "tif").code == 3
    assert [file.name for file in (tmp_path / "answers" / "masks").iterdir()] == ["one.png"]
    assert list(pd.read_csv(tmp_path / "answers" / "unreadable.csv")["id"]) == ["two"]
