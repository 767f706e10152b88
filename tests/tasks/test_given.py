"""Images as they are given: what is taken, and that no text is ever taken for a path."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.tasks import given
from scoring import encoded, file_bytes

TWO = ("red", "green")
RED = np.arange(12, dtype=np.uint8).reshape(3, 4)
GREEN = RED[::-1].copy()


def table(*rows: Any, columns: tuple[str, ...] = TWO) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns), dtype=object)


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was tried to open as a file while the test ran."""
    tried: list[Any] = []
    for owner, name in ((Path, "stat"), (Path, "open"), (Path, "read_bytes")):
        monkeypatch.setattr(owner, name, lambda *given, **how: tried.append(given))
    return tried


def test_a_table_mixes_every_kind_of_file(tmp_path: Path) -> None:
    """A Path, bytes, base64, base64 in lines, and a data URL; the order of channels is that asked for."""
    Image.fromarray(RED).save(tmp_path / "red.png")
    lines = base64.encodebytes(file_bytes(GREEN)).decode()
    mixed = table([tmp_path / "red.png", lines], [file_bytes(RED), f"data:image/png;base64,{encoded(GREEN)}"])
    for field in given.fields(mixed[["green", "red"]], TWO, 8, 100):
        np.testing.assert_array_equal(field, np.stack([RED, GREEN], -1))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_stay_what_they_are(form: str, dtype: type) -> None:
    """In 8 and 16 bits."""
    image = (RED.astype(dtype) * (np.iinfo(dtype).max // 12)).astype(dtype)
    (field,) = given.fields(table([encoded(image, form)], columns=("image",)), ["image"], 8, 100)
    assert field.dtype == dtype
    np.testing.assert_array_equal(field[..., 0], image)


@examples(arrays(np.int64, (2, 2, 3, 2), elements=st.integers(0, 255)))
def test_whole_numbers_of_json_become_pixels(images: np.ndarray) -> None:
    """As long as every one of them fits."""
    found = given.fields(images, TWO, 8, 100)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, images)


@examples(st.integers(-(2**40), 2**40), st.sampled_from([8, 16]))
def test_pixels_out_of_range_never_wrap_around(value: int, bits: int) -> None:
    """They are refused, with the range."""
    images = np.full((1, 1, 1, 1), value, np.int64)
    if 0 <= value < 2**bits:
        assert given.fields(images, ["image"], bits, 100)[0].item() == value
    else:
        with pytest.raises(UserError, match=rf"whole numbers from 0 to {2**bits - 1}. Received {value} to {value}"):
            given.fields(images, ["image"], bits, 100)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32])
def test_other_types_say_what_their_values_mean_and_are_refused(dtype: type) -> None:
    """A dark image of 16 bits is none of 8 bits."""
    with pytest.raises(UserError, match=rf"Images must be uint8 .* Received {dtype.__name__} \[1, 2, 2, 2\]"):
        given.fields(np.zeros((1, 2, 2, 2), dtype), TWO, 8, 100)


@examples(st.text(max_size=60))
def test_no_text_is_a_path(text: str) -> None:
    """Whatever it says: it is refused, unless it is an image, and no file is looked for."""
    with pytest.raises(UserError):
        given.fields(table([text, text]), TWO, 8, 100)


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}.png", "./{}"])
def test_the_name_of_an_image_that_exists_is_not_opened(tmp_path: Path, form: str, no_files: list[Any]) -> None:
    """Not even to see whether it is there."""
    name = "a" * 12  # it could be base64
    Image.fromarray(RED).save(str(tmp_path / name) + ".png")
    for text in (form.format(tmp_path / name), name):
        with pytest.raises(UserError, match="PNG or TIFF"):
            given.fields(table([text, text]), TWO, 8, 100)
    assert no_files == []


def test_images_are_counted_before_any_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their headers say how many pixels there are: at most those of one largest field together."""
    large = [encoded(np.zeros((10, 10), np.uint8))] * 2
    assert len(given.fields(table(large), TWO, 8, 100)) == 1
    monkeypatch.setattr(given, "pixels", lambda *image: pytest.fail("decoded"))
    with pytest.raises(UserError, match=r"together have at most 200 pixels. Received 400\. Send fewer"):
        given.fields(table(large, large), TWO, 8, 100)
    with pytest.raises(UserError, match=r"at most 99 pixels. Received 10×10 pixels as channel red of image 1"):
        given.fields(table(large), TWO, 8, 99)


def test_files_on_disk_are_as_many_as_you_like(tmp_path: Path) -> None:
    """Whoever names them runs here."""
    Image.fromarray(RED).save(tmp_path / "a.png")
    many = given.MOST + 1
    assert len(given.fields(table(*[[tmp_path / "a.png"]] * many, columns=("image",)), ["image"], 8, 12)) == many


@pytest.mark.parametrize(
    "wrong", [None, 7, "images", [], [1, 2], {}, {"red": []}, pd.DataFrame(), pd.DataFrame({"red": [], "green": []})]
)
def test_what_holds_no_images_is_refused(wrong: Any) -> None:
    with pytest.raises(UserError):
        given.fields(wrong, TWO, 8, 100)
