"""Colour, palettes and inverted scales to grey frames of 8 or 16 bits."""

from __future__ import annotations

import numpy as np
from PIL import Image

from hpapipe.errors import UserError

SIXTEEN = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes of one grey channel of 16 bits."""

UNFIT = ("F", "I")
"""Pillow's modes of floats and of 32 bits."""


def luma(colour: np.ndarray) -> np.ndarray:
    """Brightness of a colour frame, in its own type `[height, width]`.

    The weights are those of Pillow's "L", in 65536ths, so that a picture has one grey whichever library decoded it.

    Args:
        colour: uint8 or uint16 `[height, width, 3 or more]`, red, green and blue first.

    Source: ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
    """
    if colour.dtype == np.uint8:  # the same numbers, several times faster
        return np.asarray(Image.fromarray(np.ascontiguousarray(colour[..., :3])).convert("L"))
    red, green, blue = (colour[..., channel].astype(np.uint32) for channel in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(colour.dtype)


def image_bits(image: Image.Image, name: str) -> int:
    """8 or 16: how deep the grey frame of a picture is that Pillow has opened, but not decoded.

    Raises:
        UserError: it holds floats, or integers of 32 bits.
    """
    if image.mode in UNFIT:
        raise unfit(name, "32-bit floats" if image.mode == "F" else "32-bit integers")
    return 16 if image.mode in SIXTEEN else 8


def grey_image(image: Image.Image) -> np.ndarray:
    """The grey frame of a picture that Pillow has opened, uint8 or uint16 `[height, width]`; nothing shines through."""
    if image.mode in SIXTEEN:
        return np.asarray(image).astype(np.uint16, copy=False)
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV", "PA"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def unfit(name: str, what: str) -> UserError:
    """The fault of pixels that are no grey of 8 or 16 bits and must not be made so in silence."""
    remedy = "In Fiji, set brightness and contrast, choose Image > Type > 8-bit or 16-bit, and save it again."
    return UserError("Frames must hold whole numbers of 8 or 16 bits.", f"{what} in {name}", remedy)
