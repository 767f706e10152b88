"""Light drawn on a field: antialiased lines, dots, rings and smooth random texture.

Lengths and positions are shares of the field's side, so that a drawing looks the same at every size. `POINT`, the side
of a pixel in a field of 128 pixels, is the unit in which the patterns state theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

POINT = 1 / 128
_CANVAS = 512


def lines(
    size: int, paths: Sequence[np.ndarray], width: float, levels: np.ndarray, round_ends: bool = False
) -> np.ndarray:
    """Light of polylines, float32 `[size, size]`, 0 to 1; where lines cross, the later one shows.

    Args:
        size: side of the field in pixels.
        paths: one array of corners each, float `[corners, 2]`, x and y as shares of the side.
        width: of every line, as a share of the side.
        levels: light of each line, float `[paths]`, 0 to 1.
        round_ends: True for thick lines, whose ends and bends would otherwise look cut.
    """
    canvas, pen, scale = _canvas(size)
    thick = max(1, round(width * scale))
    for path, shade in zip(paths, _shades(levels, len(paths)), strict=True):
        corners = path * scale
        pen.line(corners.ravel().tolist(), fill=shade, width=thick, joint="curve" if round_ends else None)
        if round_ends:
            for x, y in (corners[0], corners[-1]):
                pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=shade)
    return _light(canvas, size)


def dots(size: int, points: np.ndarray, radii: np.ndarray | float, levels: np.ndarray | float) -> np.ndarray:
    """Light of filled circles, float32 `[size, size]`, 0 to 1.

    Args:
        size: side of the field in pixels.
        points: centres, float `[dots, 2]`, x and y as shares of the side.
        radii: one or `[dots]`, as shares of the side.
        levels: light of each dot, one or `[dots]`, 0 to 1.
    """
    canvas, pen, scale = _canvas(size)
    reach = np.broadcast_to(radii, len(points)) * scale
    for (x, y), r, shade in zip(points * scale, reach, _shades(levels, len(points)), strict=True):
        pen.ellipse((x - r, y - r, x + r, y + r), fill=shade)
    return _light(canvas, size)


def rings(
    size: int, points: np.ndarray, radii: np.ndarray, width: float, levels: np.ndarray, inside: float = 0.0
) -> np.ndarray:
    """Light of circles drawn as outlines `width` wide, filled with `inside` of their level; else as `dots`."""
    canvas, pen, scale = _canvas(size)
    thick = max(1, round(width * scale))
    for (x, y), r, shade in zip(points * scale, radii * scale, _shades(levels, len(points)), strict=True):
        pen.ellipse((x - r, y - r, x + r, y + r), fill=round(shade * inside), outline=shade, width=thick)
    return _light(canvas, size)


def texture(size: int, rng: np.random.Generator, grain: float) -> np.ndarray:
    """Smooth random relief of mean about 0 and spread about 1, float32 `[size, size]`, with bumps `grain` apart."""
    side = max(4, round(1 / grain))
    bumps = rng.standard_normal((side, side), dtype=np.float32) * 1.3
    return stretched(bumps, size)


def stretched(picture: np.ndarray, size: int) -> np.ndarray:
    """A float32 picture brought to `[size, size]` by bicubic interpolation."""
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))


def _canvas(size: int) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """A canvas of at least 512 pixels, its pen, and its side: small fields are drawn large and then averaged."""
    scale = size * -(-_CANVAS // size)
    canvas = Image.new("L", (scale, scale))
    return canvas, ImageDraw.Draw(canvas), scale


def _light(canvas: Image.Image, size: int) -> np.ndarray:
    small = canvas.reduce(canvas.width // size)
    return np.asarray(small, np.float32) / 255


def _shades(levels: np.ndarray | float, count: int) -> list[int]:
    return np.rint(np.clip(np.broadcast_to(levels, count), 0, 1) * 255).astype(int).tolist()
