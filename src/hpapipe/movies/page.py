"""Pages of TIFF files to grey frames."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFrame, TiffPage

from hpapipe.movies.grey import grey_image, luma, unfit

UNREADABLE = (ValueError, OSError, RuntimeError, IndexError, KeyError, TypeError, SyntaxError, struct.error, zlib.error)
"""What tifffile and Pillow raise at damaged data."""

PLAIN = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE)


def page_look(page: TiffPage, name: str) -> tuple[int, int, int]:
    """Height and width of a page in px, and how deep its grey frame is: 8 or 16 bits.

    Raises:
        UserError: its pixels are no whole numbers of 8 or 16 bits, or no grey or colour.
    """
    if page.dtype not in (np.uint8, np.uint16, bool):
        raise unfit(name, f"{page.dtype or 'odd'} pixels")
    if page.imagedepth != 1 or page.samplesperpixel > 4 or not (page.photometric in PLAIN or is_left_to_pillow(page)):
        raise unfit(name, f"{page.samplesperpixel} samples a pixel that are no grey or colour,")
    deep = page.dtype == np.uint16 and page.photometric != PHOTOMETRIC.PALETTE
    return page.imagelength, page.imagewidth, 16 if deep else 8


def is_left_to_pillow(page: TiffPage) -> bool:
    """Whether Pillow decodes the page: tifffile would need a further package for these compressions."""
    return page.compression in (COMPRESSION.LZW, COMPRESSION.OJPEG, COMPRESSION.JPEG)


def read_page(page: TiffPage | TiffFrame, picture: Image.Image | None) -> np.ndarray:
    """A page's grey frame, uint8 or uint16 `[height, width]`.

    Args:
        page: of a file that is open.
        picture: the same file opened by Pillow, which is moved to the page; none where tifffile decodes.

    Raises:
        ValueError: its data are missing; other exceptions of `UNREADABLE` where they are damaged.
    """
    if not isinstance(page, TiffPage):
        raise TypeError("a page needs all its tags to be read")
    size, parts = page.parent.filehandle.size, list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or any(count == 0 or place + count > size for place, count in parts):
        raise ValueError("its data are missing")  # tifffile would fill the gap with zeros
    if picture is None:
        return grey_plane(page, page.asarray())
    picture.seek(page.index)
    return grey_image(picture)


def grey_plane(page: TiffPage, plane: np.ndarray) -> np.ndarray:
    """The grey frame of a page's decoded samples, uint8 or uint16 `[height, width]`.

    Args:
        page: says what the samples mean.
        plane: bool, uint8 or uint16 `[height, width]`, `[height, width, samples]` or `[samples, height, width]`.
    """
    plane = plane.reshape(page.shaped[0], page.imagelength, page.imagewidth, page.shaped[4])
    samples = np.moveaxis(plane, 0, -1).reshape(page.imagelength, page.imagewidth, -1)
    samples = samples.astype(np.uint16 if samples.itemsize == 2 else np.uint8, copy=False)  # big-endian, too
    if page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
        colours = (page.colormap >> 8).astype(np.uint8)
        return luma(colours.T[None])[0][samples[..., 0]]
    grey = luma(samples) if samples.shape[-1] > 2 else np.ascontiguousarray(samples[..., 0])
    if page.dtype == bool:
        grey = 255 * grey
    return ~grey if page.photometric == PHOTOMETRIC.MINISWHITE else grey
