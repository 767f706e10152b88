"""Masks that were drawn as images: which of two values is the cell, and which images are no masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from hpapipe.errors import shown
from hpapipe.imageset.decode import MAX_PIXELS, ImageError, read_grey

_LOSSY = (".jpg", ".jpeg")
_RINGING = 1 / 16
"""Part of the range by which a JPEG's values stray around those that were drawn."""

_PLAIN = 0.75
"""Least share of pixels that have one of a mask's two values; the others are an antialiased outline."""

_AREA = 2e-4
"""Share of pixels, inside patches of one value, from which on a third value is no part of an outline."""


@dataclass(frozen=True)
class Polarity:
    """How the masks of a set are drawn.

    Args:
        dark: dark cells on light ground.
        cut: grey level between the two; tells cell from ground in a mask that has one value alone.
    """

    dark: bool = False
    cut: float = np.inf


@dataclass(frozen=True)
class Drawing:
    """A mask's image and what its values tell.

    Args:
        file: its name, for messages.
        grey: uint8 or uint16 `[height, width]`.
        values: distinct values; those of an antialiased outline between two others do not count.
        cut: grey level half-way between the two values; NaN where there are not two.
        light_rim: the rim of the image is light: dark cells; none: its rim does not tell.
    """

    file: str
    grey: np.ndarray
    values: int
    cut: float = np.nan
    light_rim: bool | None = None

    def mask(self, polarity: Polarity) -> np.ndarray:
        """True in the cell, bool `[height, width]`.

        Raises:
            ImageError: it has more than two values.
        """
        if self.values > 2:
            found = np.unique(self.grey)
            received = f"{self.values} ({shown([int(value) for value in found])}) in {self.file}"
            remedy = "Draw the cell in one value and all else in another."
            raise ImageError("A mask must have two values.", received, remedy)
        cut = polarity.cut if self.values == 1 else self.cut
        return (self.grey > cut) != polarity.dark

    def inverted(self, polarity: Polarity) -> bool:
        """Whether its rim would be cell under the set's polarity."""
        return self.light_rim is not None and self.light_rim != polarity.dark


def read_drawing(path: Path, max_pixels: int = MAX_PIXELS) -> Drawing:
    """The mask in an image file.

    Raises:
        ImageError: of `read_grey`.
    """
    return drawing(read_grey(path, max_pixels, opacity=True), path.name)


def drawing(grey: np.ndarray, file: str) -> Drawing:
    """What the values of a mask's image tell.

    Two values are a mask, whichever they are. More are a mask where two values (in a JPEG: and what strays around them)
    hold three quarters of all pixels and no third fills an area: outlines drawn by a paint program. It is cut half-way.

    Args:
        grey: uint8 or uint16 `[height, width]`.
        file: its name; JPEGs are known by it.
    """
    counts = np.bincount(grey.ravel())
    found = np.flatnonzero(counts)
    least, most = int(found[0]), int(found[-1])
    lossy = file.lower().endswith(_LOSSY)
    if least == most or (lossy and most - least <= _RINGING * np.iinfo(grey.dtype).max):
        return Drawing(file, grey, 1)
    half = (least + most) // 2 + 1
    low, high = int(counts[:half].argmax()), half + int(counts[half:].argmax())
    values = 2 if len(found) == 2 else _values(grey, counts, low, high, _RINGING * (most - least) * lossy)
    if values > 2:
        return Drawing(file, grey, values)
    cut = (low + high) / 2
    return Drawing(file, grey, 2, cut, _light_rim(grey, cut))


def polarity_of(drawings: Iterable[Drawing]) -> Polarity:
    """How most of some masks are drawn; light cells on dark ground where as many are drawn the other way.

    Where all have one value alone, all count as empty.
    """
    cuts, dark = [], []
    for each in drawings:
        if each.values == 2:
            cuts.append(each.cut)
        if each.light_rim is not None:
            dark.append(each.light_rim)
    return Polarity(2 * sum(dark) > len(dark), float(np.median(cuts))) if cuts else Polarity()


def _values(grey: np.ndarray, counts: np.ndarray, low: int, high: int, stray: float) -> int:
    """Two, and a third or more where they fill areas; all that there are where two do not hold most pixels."""
    levels = np.arange(len(counts))
    plain = (np.abs(levels - low) <= stray) | (np.abs(levels - high) <= stray)
    if counts[plain].sum() < _PLAIN * grey.size:
        return int(np.count_nonzero(counts))
    flat = (maximum_filter(grey, 3) == minimum_filter(grey, 3)) & ~plain[grey]
    areas = np.bincount(grey[flat], minlength=1)
    return 2 + int(np.count_nonzero(areas > max(4, _AREA * grey.size)))


def _light_rim(grey: np.ndarray, cut: float) -> bool | None:
    rim = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]) > cut
    light = int(np.count_nonzero(rim))
    return None if 2 * light == len(rim) else 2 * light > len(rim)
