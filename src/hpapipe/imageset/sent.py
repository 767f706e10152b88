"""Image files that a client sent, as bytes or in base64: judged by their headers before a pixel is decoded.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

import base64
import binascii
import io
import re

import numpy as np
from PIL import Image, UnidentifiedImageError

from hpapipe.imageset.decode import INTEGER_TYPES, ImageError

FORMATS = ("PNG", "TIFF")
"""Others that Pillow knows are read by programs that it starts, or hold drawings instead of pixels."""

AHEAD = re.compile(r"data:image/(png|tiff);base64,", re.IGNORECASE)
"""What a data URL of an image begins with."""

_SHOWN = 40
"""Signs of a text that are told in a message."""


def content(sent: object, name: str) -> bytes:
    """The bytes of an image file.

    Args:
        sent: those bytes, or a text: base64, also with line breaks, also as a data URL.
        name: of the image, for messages.

    Raises:
        ImageError: anything else.
    """
    if isinstance(sent, bytes):
        return sent
    rule = "An image must be sent as a PNG or TIFF file in base64."
    if not isinstance(sent, str):
        missing = sent is None or (isinstance(sent, float) and sent != sent)
        received = "nothing" if missing else f"a value of type {type(sent).__name__}"
        raise ImageError(rule, f"{received} as {name}", "Send the file's bytes, encoded.")
    try:
        return base64.b64decode("".join(AHEAD.sub("", sent, count=1).split()), validate=True)
    except (binascii.Error, ValueError):  # ValueError: signs beyond ASCII
        remedy = "Encode the file's bytes; in Python a file on disk is named by a pathlib.Path."
        raise ImageError(rule, f"“{_told(sent)}” as {name}", remedy) from None


def opened(data: bytes, name: str, max_pixels: int) -> Image.Image:
    """An image of one grey channel, not yet decoded.

    Args:
        data: the file's bytes.
        name: of the image, for messages.
        max_pixels: an image with more is refused.

    Raises:
        ImageError: no PNG or TIFF file, not one grey channel of 8 or 16 bits, or too large.
    """
    rule, again = "An image must be one grey channel of 8 or 16 bits.", "Save each channel as a grey PNG or TIFF file."
    giant = f"An image must have at most {max_pixels:,} pixels."
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(giant, f"a decompression bomb as {name}", "Send a smaller image.") from None
    except UnidentifiedImageError:
        received = f"{len(data):,} bytes that are no PNG or TIFF file as {name}"
        raise ImageError(rule, received, again) from None
    except Exception as error:  # whatever Pillow makes of bytes from outside
        raise _unreadable(error, name) from None
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(giant, f"{width}×{height} pixels as {name}", "Send a smaller image.")
    if image.mode not in INTEGER_TYPES:
        raise ImageError(rule, f"mode {image.mode} as {name}", again)
    return image


def pixels(image: Image.Image, name: str) -> np.ndarray:
    """The decoded image, uint8 or uint16 `[height, width]`.

    Args:
        image: as `opened` gives it.
        name: of the image, for messages.

    Raises:
        ImageError: the file is damaged.
    """
    try:
        return np.asarray(image).astype(INTEGER_TYPES[image.mode], copy=False)
    except Exception as error:  # whatever Pillow makes of bytes from outside
        raise _unreadable(error, name) from None


def _unreadable(error: Exception, name: str) -> ImageError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ImageError("An image must be readable to its end.", f"“{reason}” for {name}", "Send it again.")


def _told(text: str) -> str:
    """The beginning of a text from outside, on one line."""
    shown = text[:_SHOWN].encode("unicode_escape").decode()
    return shown if len(text) <= _SHOWN else f"{shown}…"
