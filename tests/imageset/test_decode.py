"""Image files to arrays: what is read, what is refused, and in which words."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hpapipe.imageset.decode import Held, ImageError, describe, read_field, read_image, resize


def grey(shape: tuple[int, int] = (20, 30), dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def saved(image: np.ndarray, path: Path) -> Path:
    Image.fromarray(image).save(path)
    return path


def header_only(path: Path, width: int, height: int) -> Path:
    """A PNG that claims a size and holds no pixels."""
    parts = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), b"IDAT"
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_images_come_back_as_stored(tmp_path: Path, dtype: type, suffix: str) -> None:
    """8 and 16 bits, PNG and TIFF: same pixels, same type."""
    image = grey(dtype=dtype)
    read = read_image(saved(image, tmp_path / f"a.{suffix}"))
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, image)


def test_big_endian_16_bit_tiff_is_read_in_native_order(tmp_path: Path) -> None:
    """Pillow's mode I;16B holds the same values."""
    Image.frombytes("I;16B", (2, 1), bytes([1, 2, 3, 4])).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif").tolist() == [[0x0102, 0x0304]]


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A channel without a file says so."""
    with pytest.raises(ImageError, match=r"must have its file.*none at a_red\.png"):
        read_image(tmp_path / "a_red.png")


def test_zero_bytes_are_refused(tmp_path: Path) -> None:
    """An empty file is told apart from a broken one."""
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError, match=r"must not be empty.*0 bytes in a\.png"):
        read_image(tmp_path / "a.png")


def test_text_is_no_image(tmp_path: Path) -> None:
    """A file of another kind is refused."""
    (tmp_path / "a.png").write_text("Id,Target\n")
    with pytest.raises(ImageError, match="no known image format"):
        read_image(tmp_path / "a.png")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    """A folder with an image's name is refused like a file."""
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageError, match=r"a\.png"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bytes_are_read_as_their_file(tmp_path: Path, dtype: type, suffix: str) -> None:
    """Same pixels, same type, alone and as a field, beside a file too."""
    path = saved(grey(dtype=dtype), tmp_path / f"a.{suffix}")
    held = Held("b", path.read_bytes())
    np.testing.assert_array_equal(read_image(held), read_image(path))
    np.testing.assert_array_equal(read_field([held, path]), read_field([path, path]))


@pytest.mark.parametrize("content", [b"", b"Id,Target", b"whole", b"half"])
def test_faults_of_bytes_are_told_as_those_of_a_file(tmp_path: Path, content: bytes) -> None:
    """Word by word: nothing there, no image, too many pixels, cut off."""
    whole = saved(grey(), tmp_path / "whole.png").read_bytes()
    path = tmp_path / "a.png"
    path.write_bytes({b"whole": whole, b"half": whole[: len(whole) // 2]}.get(content, content))
    most = 599 if content == b"whole" else 600
    told = []
    for source in (path, Held("a.png", path.read_bytes())):
        with pytest.raises(ImageError) as fault:
            read_image(source, most)
        told.append(str(fault.value))
    assert told[0] == told[1]


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.001, 0.98))
def test_truncated_files_are_refused_at_any_length(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    """Wherever a copy broke off, the answer is an ImageError and no half image."""
    path = saved(grey(), tmp_path_factory.mktemp("cut") / "a.png")
    data = path.read_bytes()
    path.write_bytes(data[: max(1, int(share * len(data)) - 12)])  # the last 12 bytes hold no pixels
    with pytest.raises(ImageError):
        read_image(path)


@settings(max_examples=60, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """Flipped bytes give an image or an ImageError."""
    path = saved(grey(), tmp_path_factory.mktemp("flip") / "a.png")
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data)
    answer: np.ndarray | str
    try:
        answer = read_image(path)
    except ImageError as error:
        answer = str(error)
    assert "a.png" in answer if isinstance(answer, str) else answer.ndim == 2


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "I", "F"])
def test_other_modes_are_refused(tmp_path: Path, mode: str) -> None:
    """Colour, palette, 1-bit, 32-bit and float images are not taken for one grey channel."""
    path = tmp_path / "a.tif"
    Image.fromarray(grey()).convert(mode).save(path)
    with pytest.raises(ImageError, match=f"one grey channel of 8 or 16 bits.*mode {mode} in a.tif"):
        read_image(path)


def test_giant_header_is_refused_undecoded(tmp_path: Path) -> None:
    """9000x9000 pixels are refused by the header, before any pixel is looked for."""
    with pytest.raises(ImageError, match=r"at most 64,000,000 pixels.*9000.9000 pixels in a\.png"):
        read_image(header_only(tmp_path / "a.png", 9_000, 9_000))


def test_decompression_bomb_is_refused(tmp_path: Path) -> None:
    """What Pillow itself calls a bomb is told in the same words."""
    with pytest.raises(ImageError, match=r"at most 64,000,000 pixels.*decompression bomb in a\.png"):
        read_image(header_only(tmp_path / "a.png", 200_000, 200_000))


def test_max_pixels_is_inclusive(tmp_path: Path) -> None:
    """600 pixels pass at 600 and fail at 599."""
    path = saved(grey((20, 30)), tmp_path / "a.png")
    assert read_image(path, max_pixels=600).shape == (20, 30)
    with pytest.raises(ImageError, match=r"30.20 pixels"):
        read_image(path, max_pixels=599)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(16, 16), (64, 32), (100, 150)])
def test_resize_keeps_type_and_mean(dtype: type, size: tuple[int, int]) -> None:
    """Smaller, flatter and larger images keep their type, and their mean within 2 %."""
    image = grey((64, 64), dtype)
    scaled = resize(image, size)
    assert scaled.shape == size
    assert scaled.dtype == dtype
    assert scaled.mean() == pytest.approx(image.mean(), rel=0.02)


def test_resize_of_16_bits_matches_8_bits() -> None:
    """The float detour of 16 bits gives what 8 bits give, times 257, within rounding."""
    image = grey((64, 64))
    wide = resize(image.astype(np.uint16) * 257, (20, 20))
    assert np.abs(wide / 257 - resize(image, (20, 20))).max() <= 1.01


def test_resize_to_the_same_size_copies_nothing() -> None:
    """An image of the wanted size is returned as it is."""
    image = grey()
    assert resize(image, (20, 30)) is image


def test_read_field_stacks_channels_in_order(tmp_path: Path) -> None:
    """The last axis holds the channels as the paths came."""
    images = [grey(seed=seed) for seed in range(3)]
    paths = [saved(image, tmp_path / f"{number}.png") for number, image in enumerate(images)]
    np.testing.assert_array_equal(read_field(paths), np.stack(images, axis=-1))


@pytest.mark.parametrize(
    ("odd", "words"),
    [(grey((20, 31)), "31.20 of 8 bits in b.png"), (grey(dtype=np.uint16), "30.20 of 16 bits in b.png")],
)
def test_channels_of_different_size_or_depth_are_refused(tmp_path: Path, odd: np.ndarray, words: str) -> None:
    """Both files are named with what they hold."""
    paths = [saved(grey(), tmp_path / "a.png"), saved(odd, tmp_path / "b.png")]
    with pytest.raises(ImageError, match=f"{words} beside 30.20 of 8 bits in a.png"):
        read_field(paths)


def test_describe_names_width_first() -> None:
    """Size and depth in words."""
    assert describe(np.zeros((4, 6), np.uint16)) == "6\N{MULTIPLICATION SIGN}4 of 16 bits"
