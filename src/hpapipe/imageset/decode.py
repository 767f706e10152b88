"""Image files to arrays: the one place where an image file is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from hpapipe.errors import UserError

INTEGER_TYPES = {"L": np.uint8, "I;16": np.uint16, "I;16L": np.uint16, "I;16B": np.uint16}
"""Pillow's mode -> the integer type of the one-channel images that are accepted."""

MAX_PIXELS = 64_000_000


class ImageError(UserError):
    """An image file that cannot be used."""


def read_image(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """One grey image as it is stored, uint8 or uint16 `[height, width]`.

    Raises:
        ImageError: the file is missing, empty, truncated, no image, not one grey channel of 8 or 16 bits, or larger
            than `max_pixels`; the size is read from the header, so a giant image is refused without being decoded.
    """
    rule = "An image must be one grey channel of 8 or 16 bits."
    remedy = "Replace the file, or take its field out of the table."
    try:
        if path.stat().st_size == 0:
            raise ImageError("An image file must not be empty.", f"0 bytes in {path.name}", remedy)
        with Image.open(path) as image:
            width, height = image.size
            if width * height > max_pixels:
                received = f"{width}×{height} pixels in {path.name}"
                raise ImageError(
                    f"An image must have at most {max_pixels:,} pixels.", received, "Raise `data.max_pixels`."
                )
            if image.mode not in INTEGER_TYPES:
                raise ImageError(
                    rule, f"mode {image.mode} in {path.name}", "Save each channel as a grey image of its own."
                )
            return np.asarray(image).astype(INTEGER_TYPES[image.mode], copy=False)
    except FileNotFoundError:
        raise ImageError("Each channel must have its file.", f"none at {path.name}", remedy) from None
    except Image.DecompressionBombError:
        received = f"a decompression bomb in {path.name}"
        raise ImageError(f"An image must have at most {max_pixels:,} pixels.", received, remedy) from None
    except UnidentifiedImageError:
        raise ImageError(rule, f"no known image format in {path.name}", remedy) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise ImageError("An image must be readable to its end.", f"“{reason}” for {path.name}", remedy) from None


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`image` at another size and in its own integer type, by area-aware bilinear interpolation.

    Args:
        image: uint8 or uint16 `[height, width]`.
        size: height and width in pixels.
    """
    if image.shape == tuple(size):
        return image
    height, width = size
    # Pillow interpolates 16-bit images only as floats.
    source = Image.fromarray(image if image.dtype == np.uint8 else image.astype(np.float32))
    scaled = np.asarray(source.resize((width, height), Image.Resampling.BILINEAR))
    return scaled if scaled.dtype == image.dtype else np.rint(scaled).astype(image.dtype)


def read_field(paths: Sequence[Path], max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The channels of one field as they are stored, uint8 or uint16 `[height, width, channels]`.

    Raises:
        ImageError: a file cannot be used, or the channels differ in size or bit depth.
    """
    channels = [read_image(path, max_pixels) for path in paths]
    first = channels[0]
    for path, channel in zip(paths, channels, strict=True):
        if channel.shape != first.shape or channel.dtype != first.dtype:
            received = f"{describe(channel)} in {path.name} beside {describe(first)} in {paths[0].name}"
            rule = "All channels of a field must have one size and bit depth."
            raise ImageError(rule, received, "Replace the file, or take its field out of the table.")
    return np.stack(channels, axis=-1)


def describe(image: np.ndarray) -> str:
    """Size and depth in words: `512×512 of 8 bits`."""
    return f"{image.shape[1]}×{image.shape[0]} of {8 * image.dtype.itemsize} bits"
