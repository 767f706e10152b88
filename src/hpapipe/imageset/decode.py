"""Image files to arrays: the one place where an image file is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from hpapipe.errors import UserError

INTEGER_TYPES = {"L": np.uint8, "I;16": np.uint16, "I;16L": np.uint16, "I;16B": np.uint16}
"""Pillow's mode -> the integer type of the one-channel images that are accepted."""

MAX_PIXELS = 64_000_000


_GREY = "An image must be one grey channel of 8 or 16 bits."


class ImageError(UserError):
    """An image file that cannot be used."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file that was read already.

    Args:
        name: of the file, for messages.
        content: its bytes.
    """

    name: str
    content: bytes


def read_image(path: Path | Held, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """One grey image as it is stored, uint8 or uint16 `[height, width]`.

    Args:
        path: the file, or its bytes.
        max_pixels: images with more pixels are refused undecoded.

    Raises:
        ImageError: the file is missing, empty, truncated, no image, not one grey channel of 8 or 16 bits, or larger
            than `max_pixels`; the size is read from the header, so a giant image is refused without being decoded.
    """
    remedy = "Replace the file, or take its field out of the table."
    with _opened(path, max_pixels, "Each channel must have its file.", remedy) as image:
        if image.mode not in INTEGER_TYPES:
            remedy = "Save each channel as a grey image of its own."
            raise ImageError(_GREY, f"mode {image.mode} in {path.name}", remedy)
        return np.asarray(image).astype(INTEGER_TYPES[image.mode], copy=False)


def read_grey(path: Path, max_pixels: int = MAX_PIXELS, opacity: bool = False) -> np.ndarray:
    """One image as grey, uint8 or uint16 `[height, width]`; colour becomes its luma, in the 8 bits that Pillow gives.

    Args:
        path: the file.
        max_pixels: images with more pixels are refused undecoded.
        opacity: for drawings on an empty layer: where all that is not see-through has one grey, what is given back is
            how opaque each pixel is.

    Raises:
        ImageError: the file is missing, empty, truncated, no image, of 32 bits, of several pages, or larger than
            `max_pixels`.

    Source: luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, as Pillow rounds it.
    """
    remedy = "Replace the file, or take it out of the set."
    with _opened(path, max_pixels, "Each image and mask must have its file.", remedy) as image:
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if pages > 1:
            received = f"{pages} pages in {path.name}"
            raise ImageError("An image must have one page.", received, "Save each page as a file of its own.")
        if image.mode in INTEGER_TYPES:
            return np.asarray(image).astype(INTEGER_TYPES[image.mode], copy=False)
        if image.mode in ("I", "F"):
            received = f"32 bits (mode {image.mode}) in {path.name}"
            raise ImageError("An image must have 8 or 16 bits.", received, "Save it again with that depth.")
        colour = image.convert("RGBA" if image.has_transparency_data else "RGB")
        grey = np.asarray(colour.convert("L"))
        if opacity and colour.mode == "RGBA":
            opaque = np.asarray(colour.getchannel("A"))
            inked = grey[opaque > 127]
            if opaque.min() < opaque.max() and inked.size and inked.min() == inked.max():
                return opaque
        return grey


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


def read_field(paths: Sequence[Path | Held], max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The channels of one field as they are stored, uint8 or uint16 `[height, width, channels]`.

    Args:
        paths: a file, or its bytes, for each channel.
        max_pixels: images with more pixels are refused undecoded.

    Raises:
        ImageError: a file cannot be used, or the channels differ in size or bit depth.
    """
    return stacked([read_image(path, max_pixels) for path in paths], [path.name for path in paths])


def stacked(channels: Sequence[np.ndarray], names: Sequence[str]) -> np.ndarray:
    """The channels of one field as one array, `[height, width, channels]`.

    Args:
        channels: uint8 or uint16, each `[height, width]`.
        names: of the channels, for messages.

    Raises:
        ImageError: they differ in size or bit depth.
    """
    first = channels[0]
    for name, channel in zip(names, channels, strict=True):
        if channel.shape != first.shape or channel.dtype != first.dtype:
            received = f"{describe(channel)} in {name} beside {describe(first)} in {names[0]}"
            rule = "All channels of a field must have one size and bit depth."
            raise ImageError(rule, received, "Replace the file, or take its field out of the table.")
    # Each channel stays in one piece of memory: whoever resizes them one by one need not gather its pixels.
    return np.stack(channels).transpose(1, 2, 0)


def describe(image: np.ndarray) -> str:
    """Size and depth in words: `512×512 of 8 bits`."""
    return f"{image.shape[1]}×{image.shape[0]} of {8 * image.dtype.itemsize} bits"


@contextmanager
def _opened(path: Path | Held, max_pixels: int, must: str, remedy: str) -> Iterator[Image.Image]:
    """The image at `path`, opened and not yet decoded; what goes wrong in the block is told as an ImageError.

    Args:
        path: the file, or its bytes.
        max_pixels: images with more pixels are refused.
        must: the rule that a missing file breaks.
        remedy: what to do about a file that cannot be read.
    """
    try:
        if (len(path.content) if isinstance(path, Held) else path.stat().st_size) == 0:
            raise ImageError("An image file must not be empty.", f"0 bytes in {path.name}", remedy)
        with Image.open(BytesIO(path.content) if isinstance(path, Held) else path) as image:
            width, height = image.size
            if width * height > max_pixels:
                received, lift = f"{width}×{height} pixels in {path.name}", "Raise `data.max_pixels`."
                raise ImageError(f"An image must have at most {max_pixels:,} pixels.", received, lift)
            yield image
    except FileNotFoundError:
        raise ImageError(must, f"none at {path.name}", remedy) from None
    except Image.DecompressionBombError:
        received = f"a decompression bomb in {path.name}"
        raise ImageError(f"An image must have at most {max_pixels:,} pixels.", received, remedy) from None
    except UnidentifiedImageError:
        raise ImageError(_GREY, f"no known image format in {path.name}", remedy) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise ImageError("An image must be readable to its end.", f"“{reason}” for {path.name}", remedy) from None
