"""Images that lie across the size of a network: turned by a quarter instead of squeezed, and laid back."""

from __future__ import annotations

import numpy as np


def upright(image: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """`image` `[height, width]`, turned by a quarter where it is wide and `size` is high, or the other way round."""
    return np.rot90(image) if _lies_across(image.shape, size) else image


def laid_back(answer: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What was said of an image of this shape that `upright` may have turned, as the image lies.

    Args:
        answer: `[height, width]` at the size of a network.
        shape: height and width of the image.
    """
    return np.rot90(answer, -1) if _lies_across(answer.shape, shape) else answer


def _lies_across(shape: tuple[int, ...], size: tuple[int, ...]) -> bool:
    return (shape[0] - shape[1]) * (size[0] - size[1]) < 0
