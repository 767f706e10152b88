"""A grey frame with what was found drawn on top: outlines, text, a scale bar, and a tint where not to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

COLOURS: Mapping[int, tuple[int, int, int]] = {1: (86, 180, 233), 2: (230, 159, 0), 3: (240, 100, 200)}
"""Label -> colour of its outline: two cells, and bubbles. Blue and orange of Okabe and Ito, "Color Universal Design",
2008, which stay apart for colour-blind readers; on grey, a pink for their purple."""

DOUBT = (213, 60, 0)
"""Colour that tints what is not to be trusted."""

TINT = 0.22
"""Share of that colour."""

GREYS = 40
"""Of a GIF: fewer than the eye tells apart on a screen, so that noise takes little room."""

PERCENTILES = (0.5, 99.5)

BAR = 0.3
"""The scale bar is at most this share of the picture's width."""


def contrast(frames: Iterable[np.ndarray]) -> tuple[float, float]:
    """Grey values to be drawn black and white, for all frames of a movie alike.

    The medians, over the frames, of a low and a high percentile: a frame with a flash or a dark one changes nothing.

    Args:
        frames: uint8 or uint16 `[height, width]`; a dozen spread over the movie are enough.
    """
    ends = [np.percentile(frame, PERCENTILES) for frame in frames]
    low, high = np.median(ends, axis=0).tolist()
    return low, max(high, low + 1)


def overlay(
    frame: np.ndarray,
    labels: np.ndarray,
    trusted: np.ndarray,
    *,
    ends: tuple[float, float],
    text: str = "",
    pixel_um: float | None = None,
    zoom: int = 1,
) -> np.ndarray:
    """The frame in colour, uint8 `[zoom * height, zoom * width, 3]`.

    Args:
        frame: uint8 or uint16 `[height, width]`.
        labels: uint8 `[height, width]`: 1 and 2 are cells, 3 is bubbles, 0 anything else.
        trusted: bool `[height, width]`.
        ends: of `contrast`.
        text: for the upper left corner, as of `caption`.
        pixel_um: µm a pixel of the frame, for a scale bar; none: no bar.
        zoom: how often each pixel is repeated either way: lines and text stay thin.
    """
    low, high = ends
    grey = np.clip((frame.astype(np.float32) - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
    colour = np.repeat(_enlarged(grey, zoom)[..., None], 3, axis=-1)
    doubtful = ~_enlarged(trusted, zoom)
    colour[doubtful] = _tinted(colour[doubtful])
    large = _enlarged(labels, zoom)
    for label, shade in COLOURS.items():
        own = large == label
        if own.any():
            colour[own & ~binary_erosion(own, border_value=1)] = shade
    return _written(colour, text, None if pixel_um is None else pixel_um / zoom)


def palette() -> np.ndarray:
    """The colours that an overlay has, in `GREYS` steps of brightness: uint8 `[colours, 3]`, less than 256."""
    grey = np.repeat(np.linspace(0, 255, GREYS).round().astype(np.uint8)[:, None], 3, axis=-1)
    return np.concatenate([grey, _tinted(grey), np.array(list(COLOURS.values()), np.uint8)])


def caption(number: int, hours: float | None) -> str:
    """A line of text for an overlay: the frame and its time.

    Args:
        number: of the frame, from 0; 1 is written for it.
        hours: since the first frame, or none.
    """
    return f"{number + 1}" if hours is None else f"{number + 1}   {hours:.1f} h"


def bar_length(width_um: float) -> float:
    """The longest of 1, 2 and 5 times a power of ten, in µm, that fits in `BAR` of a picture so wide."""
    most = BAR * width_um
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * step for step in (5, 2, 1) if power * step <= most * (1 + 1e-9))


def _tinted(colours: np.ndarray) -> np.ndarray:
    """Colours, uint8 `[..., 3]`, of what is not to be trusted."""
    return ((1 - TINT) * colours + TINT * np.array(DOUBT) + 0.5).astype(np.uint8)


def _enlarged(values: np.ndarray, zoom: int) -> np.ndarray:
    return values if zoom == 1 else np.repeat(np.repeat(values, zoom, axis=0), zoom, axis=1)


def _written(colour: np.ndarray, text: str, pixel_um: float | None) -> np.ndarray:
    """`colour` with text and scale bar."""
    height, width = colour.shape[:2]
    picture = Image.fromarray(colour)
    pen = ImageDraw.Draw(picture)
    size = max(9, min(18, round(width / 22)))
    _write(pen, (4, 2), text, size)
    if pixel_um is not None:
        length = bar_length(width * pixel_um)
        written, long = f"{length:g} µm", max(1, round(length / pixel_um))
        left, top = width - 6 - long, height - 6 - max(2, size // 5)
        pen.rectangle((left, top, width - 7, height - 7), fill="white", outline=None)
        _write(pen, (left + (long - _wide(written, size)) / 2, top - 1.3 * size), written, size)
    return np.asarray(picture)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _wide(text: str, size: int) -> float:
    return _font(size).getlength(text.replace("µ", "u"))


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int) -> None:
    """White text with a dark rim. Pillow's own font has no µ, so it is made of what it has."""
    across, down = place
    for sign in text:
        known = "u" if sign == "µ" else sign
        pen.text((across, down), known, font=_font(size), fill="white", stroke_width=1, stroke_fill=(30, 30, 30))
        if sign == "µ":  # the stem that a u lacks
            foot = down + _font(size).getbbox("p")[3]
            middle = across + 0.1 * size
            pen.line((middle, down + 0.55 * size, middle, foot), fill="white", width=max(1, size // 10))
        across += _font(size).getlength(known)
