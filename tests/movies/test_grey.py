"""Colour, palettes and odd modes to grey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.grey import grey_image, image_bits, luma


@pytest.mark.parametrize(
    ("colour", "grey"),
    [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((255, 255, 255), 255), ((10, 10, 10), 10)],
)
def test_luma_by_hand(colour: tuple[int, int, int], grey: int) -> None:
    """0.299 R + 0.587 G + 0.114 B, rounded, in either depth; a fourth sample is ignored."""
    frame = np.array([[[*colour, 77]]], np.uint8)
    assert luma(frame).tolist() == [[grey]]
    assert luma(257 * frame.astype(np.uint16))[0, 0] == pytest.approx(
        257 * (np.dot(colour, [0.299, 0.587, 0.114])), abs=1
    )


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_both_depths_agree(colour: tuple[int, int, int]) -> None:
    """The sum in integers is Pillow's."""
    frame = np.array([[colour]], np.uint8)
    assert luma(frame.astype(np.uint16))[0, 0] == luma(frame)[0, 0]


def test_luma_keeps_the_shape() -> None:
    """A frame that lies strangely in memory, too."""
    frame = np.random.default_rng(0).integers(0, 255, (3, 8, 5), np.uint8)
    assert luma(np.moveaxis(frame, 0, -1)).shape == (8, 5)
    np.testing.assert_array_equal(luma(np.moveaxis(frame, 0, -1))[2], luma(np.moveaxis(frame, 0, -1).copy())[2])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr", "L", "LA", "1", "PA"])
def test_every_mode_of_a_white_picture(mode: str) -> None:
    """White is 255 whichever way it is stored."""
    frame = grey_image(Image.new("RGB", (5, 4), "white").convert("RGBA" if mode == "PA" else mode).convert(mode))
    assert (frame.dtype, frame.shape, frame.min()) == (np.uint8, (4, 5), 255)


def test_sixteen_bits_are_kept() -> None:
    """Of either byte order."""
    values = np.array([[0, 1], [256, 65535]], np.uint16)
    for image in (Image.fromarray(values), Image.frombytes("I;16B", (2, 2), values.astype(">u2").tobytes())):
        assert image_bits(image, "x") == 16
        frame = grey_image(image)
        assert frame.dtype == np.uint16
        np.testing.assert_array_equal(frame, values)


@pytest.mark.parametrize(("dtype", "what"), [(np.float32, "32-bit floats"), (np.int32, "32-bit integers")])
def test_what_would_lose_values_is_refused(dtype: type, what: str) -> None:
    """How floats become grey is a choice that a human must make."""
    with pytest.raises(UserError, match=rf"Received {what} in x\.tif\. In Fiji"):
        image_bits(Image.fromarray(np.zeros((2, 2), dtype)), "x.tif")
