"""Measures of images against numbers by hand; kept measurements; the fingerprint of a set."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hpapipe.config import Data
from hpapipe.imageset import measure as subject
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.measure import data_fingerprint, fields, image_hash, measure, measured

DATA = Data(files="{id}_{channel}.png", channels=("red", "green"))


def cells(seed: int, size: int = 64, dtype: type = np.uint8) -> np.ndarray:
    """A field of soft spots."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image = np.zeros((size, size))
    for top, left, width, light in rng.uniform((0, 0, 2, 40), (size, size, 9, 200), (12, 4)):
        image += light * np.exp(-((y - top) ** 2 + (x - left) ** 2) / (2 * width**2))
    return np.clip(image, 0, 250).astype(dtype)


def a_set(folder: Path, images: dict[str, np.ndarray | bytes], data: Data = DATA) -> ImageSet:
    """An ImageSet of files written as `name -> image`, or as raw bytes."""
    folder.mkdir(exist_ok=True)
    for name, image in images.items():
        if isinstance(image, bytes):
            (folder / f"{name}.png").write_bytes(image)
        else:
            Image.fromarray(image).save(folder / f"{name}.png")
    ids = tuple(dict.fromkeys(name.rsplit("_", 1)[0] for name in images))
    return ImageSet(folder, data, ids, np.zeros((len(ids), 0), np.uint8))


@pytest.fixture
def three(tmp_path: Path) -> ImageSet:
    """Fields b, a, c of two channels; the red of c is no image."""
    images = {f"{name}_{channel}": cells(seed) for seed, (name, channel) in enumerate([("b", "red"), ("b", "green")])}
    images |= {"a_red": cells(2), "a_green": np.full((64, 64), 7, np.uint8)}
    return a_set(tmp_path / "set", {**images, "c_red": b"no image", "c_green": cells(5)})


def test_one_row_a_file_in_the_order_of_the_set(three: ImageSet) -> None:
    """Fields keep their order, channels the recipe's, and names are relative."""
    table = measure(three)
    assert list(table["id"]) == ["b", "b", "a", "a", "c", "c"]
    assert list(table["channel"]) == ["red", "green"] * 3
    assert table["file"][2] == "a_red.png"


def test_measures_of_an_image_by_hand(tmp_path: Path) -> None:
    """Size, depth, mean, spread and saturated share of a small image."""
    image = np.array([[0, 0, 0, 255], [10, 10, 10, 255]], np.uint8)
    row = measure(a_set(tmp_path, {"a_red": image}, DATA.model_copy(update={"channels": ("red",)}))).iloc[0]
    assert (row["width"], row["height"], row["bits"]) == (4, 2, 8)
    assert row["mean"] == pytest.approx(67.5)
    assert row["spread"] == pytest.approx(np.sqrt((3 * 67.5**2 + 3 * 57.5**2 + 2 * 187.5**2) / 8))
    assert row["saturated"] == 0.25
    assert (row["readable"], row["empty"]) == (True, False)


def test_unreadable_image_is_a_row_without_measures(three: ImageSet) -> None:
    """The fault is told, numbers are NaN, nothing is raised."""
    row = measure(three).iloc[4]
    assert not row["readable"]
    assert "c_red.png" in row["fault"]
    assert np.isnan(
        [row[name] for name in ("width", "height", "bits", "mean", "spread", "saturated", "sharpness")]
    ).all()
    assert (row["pixels"], row["hash"], row["empty"], row["copies"]) == ("", "", False, 1)


def test_constant_image_is_empty(three: ImageSet) -> None:
    """All pixels equal: empty, sharpness unknown, hash of zeros."""
    row = measure(three).iloc[3]
    assert row["empty"]
    assert np.isnan(row["sharpness"])
    assert row["hash"] == "0" * 64


def test_same_size_compares_the_channels_of_a_field(tmp_path: Path) -> None:
    """Another size or depth marks both channels, and no other field."""
    images = {"a_red": cells(0), "a_green": cells(1, 32), "b_red": cells(2), "b_green": cells(3, dtype=np.uint16)}
    table = measure(a_set(tmp_path, {**images, "c_red": cells(4), "c_green": cells(5)}))
    assert list(table["same_size"]) == [False, False, False, False, True, True]


def test_copies_count_equal_pixels_but_not_empty_ones(tmp_path: Path) -> None:
    """One image under two names is two copies; empty channels are alike and no copies."""
    empty = np.zeros((64, 64), np.uint8)
    table = measure(a_set(tmp_path, {"a_red": cells(0), "a_green": empty, "b_red": cells(0), "b_green": empty}))
    assert list(table["copies"]) == [2, 1, 2, 1]


def test_pixel_digest_differs_with_shape_and_type(tmp_path: Path) -> None:
    """Equal bytes in another shape or depth are another image."""
    zeros = [np.zeros(shape, dtype) for shape, dtype in [((2, 8), np.uint8), ((4, 4), np.uint8), ((4, 2), np.uint16)]]
    table = measure(a_set(tmp_path, {f"{number}_red": image for number, image in enumerate(zeros)}))
    assert table["pixels"][::2].nunique() == 3


def test_hash_is_the_same_on_every_system() -> None:
    """A known image has a known hash; another hash would need another `VERSION`."""
    image = (np.indices((64, 64))[0] ** 2 // 17 + 3 * np.indices((64, 64))[1] % 41).astype(np.uint8)
    assert image_hash(image) == "9e498f6370431e1270a7f3157c739743d441d40331d8f219f3d48be5e481b9d7"
    assert image_hash(image.astype(np.uint16)) == image_hash(image)


def bits_apart(first: np.ndarray, second: np.ndarray) -> int:
    return (int(image_hash(first), 16) ^ int(image_hash(second), 16)).bit_count()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_distance_of_hashes_tells_the_correlation(seed: int) -> None:
    """A negative differs in all bits; gain and offset in none; a mixture of two fields by the angle between them."""
    image, other = cells(seed).astype(np.uint16), cells(seed + 1000).astype(np.uint16)
    assert bits_apart(image, 300 - image) >= 255
    assert bits_apart(image, 3 * image + 20) <= 1
    assert 60 < bits_apart(image, other) < 196


def test_kept_measurements_are_read_without_decoding(
    three: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call opens no image and answers the same, types included."""
    first = measured(three, tmp_path / "cache")
    monkeypatch.setattr(subject, "read_image", None)
    second = measured(three, tmp_path / "cache")
    pd.testing.assert_frame_equal(first, second)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_changed_file_is_measured_again(three: ImageSet, tmp_path: Path) -> None:
    """Another size or time of writing makes a new table, and a file that is gone is a fault."""
    measured(three, tmp_path / "cache")
    Image.fromarray(cells(9)).save(three.folder / "c_red.png")
    assert measured(three, tmp_path / "cache")["readable"].all()
    os.utime(three.folder / "c_red.png", ns=(1, 1))
    measured(three, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3
    (three.folder / "c_red.png").unlink()
    assert not measured(three, tmp_path / "cache")["readable"][4]


@pytest.mark.parametrize("damage", [b"", b"PAR1 but no more", None], ids=["empty", "damaged", "another table"])
def test_a_damaged_kept_table_is_made_anew(three: ImageSet, tmp_path: Path, damage: bytes | None) -> None:
    """What cannot be read, or has too few rows, is measured again and replaced."""
    first = measured(three, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    if damage is None:
        first.head(2).to_parquet(kept)
    else:
        kept.write_bytes(damage)
    pd.testing.assert_frame_equal(measured(three, tmp_path / "cache"), first)
    pd.testing.assert_frame_equal(pd.read_parquet(kept), first)


def test_a_failed_write_leaves_nothing(three: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the table cannot be written, no part of it stays."""

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match="no space"):
        measured(three, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_several_at_once_are_harmless(three: ImageSet, tmp_path: Path) -> None:
    """Four that start together all get the table, and one file is kept."""
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: measured(three, tmp_path / "cache"), range(4)))
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_fields_keep_order_and_combine_channels(three: ImageSet) -> None:
    """One row a field; an unreadable channel leaves hash and pixels empty."""
    table = fields(measure(three))
    assert list(table["id"]) == ["b", "a", "c"]
    assert list(table["readable"]) == [True, True, False]
    assert list(table["empty_channels"]) == [0, 1, 0]
    assert list(table["hash"].str.len()) == [128, 128, 0]
    assert list(table["pixels"].str.len()) == [32, 32, 0]
    assert list(table["same_size"]) == [True, True, True]


def test_fingerprint_knows_the_data_and_not_where_it_lies(three: ImageSet, tmp_path: Path) -> None:
    """A copy elsewhere, written later, is the same data; a target, a pixel or the order makes it another."""
    there = tmp_path / "elsewhere"
    shutil.copytree(three.folder, there, copy_function=shutil.copyfile)
    about = fields(measure(three))
    name = data_fingerprint(about, ["0", "1", "2"])
    assert len(name) == 12
    assert data_fingerprint(fields(measure(ImageSet(there, DATA, three.ids, three.truth))), ["0", "1", "2"]) == name
    Image.fromarray(cells(99)).save(there / "b_red.png")
    changed = fields(measure(ImageSet(there, DATA, three.ids, three.truth)))
    others = [(about, ["0", "1", "3"]), (changed, ["0", "1", "2"]), (about[::-1], ["0", "1", "2"])]
    assert len({name, *(data_fingerprint(table, targets) for table, targets in others)}) == 4
