"""Image files that a client sent: no bytes do harm, and each fault is told."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.sent import content, opened, pixels
from scoring import file_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)
FILES = [file_bytes(image, form) for image in (GREY, GREY.astype(np.uint16)) for form in ("PNG", "TIFF")]


def read(data: bytes) -> np.ndarray:
    return pixels(opened(data, "it", 100), "it")


def png(width: int, height: int) -> bytes:
    """The beginning of a grey PNG file of this size, and one row of it."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_image(data: bytes) -> None:
    with pytest.raises(ImageError, match="bytes that are no PNG or TIFF file as it"):
        read(data)


@given(
    st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=4), st.floats(0, 1)
)
def test_damage_is_told_or_does_no_harm(file: bytes, changes: list[tuple[int, int]], kept: float) -> None:
    """Whatever Pillow raises becomes one kind of error; what is read has its header's size."""
    damaged = bytearray(file)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    found, told = np.zeros(1, np.uint8), "nothing"
    try:
        found = read(bytes(damaged[: int(kept * len(damaged))]))
    except ImageError as error:
        told = str(error)
    assert len(told.splitlines()) == 1
    assert found.size <= 100
    assert found.dtype in (np.uint8, np.uint16)


@pytest.mark.parametrize("size", [(11, 10), (10_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_a_giant_is_refused_by_its_header(size: tuple[int, int]) -> None:
    """Those beyond Pillow's own limits too."""
    with pytest.raises(ImageError, match="An image must have at most 100 pixels"):
        opened(png(*size), "it", 100)


@pytest.mark.parametrize("form", ["BMP", "GIF", "JPEG", "PPM", "EPS", "WEBP"])
def test_only_png_and_tiff_are_opened(form: str) -> None:
    """EPS would start Ghostscript."""
    with pytest.raises(ImageError, match="no PNG or TIFF"):
        read(file_bytes(GREY, form))


def test_a_message_shows_the_beginning_of_a_text_on_one_line() -> None:
    with pytest.raises(ImageError) as told:
        content("/a/b\n" + "ü" * 100, "it")
    assert "Received “/a/b\\n" in str(told.value)
    assert len(str(told.value)) < 400
