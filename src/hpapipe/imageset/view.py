"""What a network sees of a field: all of it at another size, its corner, or several crops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpapipe.imageset.decode import ImageError, resize

if TYPE_CHECKING:
    from hpapipe.config import Data  # a Version, which travels without recipes, imports this module

WHOLE, CORNER, CROPS = "whole", "corner", "crops"


@dataclass(frozen=True)
class View:
    """How a field is brought to the size of a network.

    Args:
        cut: `whole`: resized to `size`; `corner`: the top-left `size` pixels; `crops`: resized to `field_size`, from
            which crops of `size` are cut.
        size: height and width in pixels that the network sees.
        field_size: height and width in pixels that crops are cut from.
        crops: crops a side of the grid that is answered; 1 where nothing is cropped.
    """

    cut: str
    size: tuple[int, int]
    field_size: tuple[int, int]
    crops: int = 1

    @property
    def stored(self) -> tuple[int, int]:
        """Height and width that are kept of a field."""
        return self.field_size if self.cut == CROPS else self.size

    @property
    def origins(self) -> list[tuple[int, int]]:
        """Top and left of each crop that is answered, evenly spaced from border to border; one alone in the middle."""
        tops, lefts = (_evenly(whole - side, self.crops) for whole, side in zip(self.stored, self.size, strict=True))
        return [(top, left) for top in tops for left in lefts]


def view_of(data: Data, crops: int = 1) -> View:
    """The view that a recipe's section `data` describes.

    Args:
        data: the section.
        crops: a side, of effect where the section says `cut: crops`.
    """
    return View(data.cut, data.size, data.field_size, crops if data.cut == CROPS else 1)


def fitted(field: np.ndarray, view: View, name: str = "") -> np.ndarray:
    """`field` at the size that `view` keeps of it; untouched where it has that size.

    Args:
        field: uint8 or uint16 `[height, width, channels]`.
        view: the view.
        name: of the field, for messages.

    Raises:
        ImageError: a corner is to be cut out of a field that is smaller.
    """
    height, width = view.stored
    if field.shape[:2] == (height, width):
        return field
    if view.cut == CORNER:
        if field.shape[0] < height or field.shape[1] < width:
            received = f"{field.shape[0]}×{field.shape[1]} pixels" + (f" for {name}" if name else "")
            remedy = "Lower `data.size`, or set `data.cut` to whole."
            raise ImageError(f"A field must hold the corner of {height}×{width} pixels.", received, remedy)
        return field[:height, :width].copy()  # a cache would else hold the whole field
    return np.stack([resize(field[..., channel], (height, width)) for channel in range(field.shape[-1])], axis=-1)


def cropped(images: np.ndarray, origins: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A crop out of each of `images`, `[images, *size, channels]`.

    Args:
        images: `[images, height, width, channels]`.
        origins: int `[images, 2]`, top and left of each crop.
        size: height and width in pixels.
    """
    height, width = size
    cut = [image[top : top + height, left : left + width] for image, (top, left) in zip(images, origins, strict=True)]
    return np.stack(cut)


def _evenly(room: int, count: int) -> list[int]:
    """`count` places from 0 to `room`."""
    if count == 1:
        return [room // 2]
    return [round(room * place / (count - 1)) for place in range(count)]
