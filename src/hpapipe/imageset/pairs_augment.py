"""Random warps of an image and its mask together: turned, shifted, sheared, zoomed and mirrored in one step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Ranges:
    """How far a pair may be warped; every amount is drawn evenly from its range. All 0 and no flip: never warped.

    The names and meanings are those of ImageDataGenerator of Keras, and the values those of the study of blastocysts in
    a 24-hour movie that hpapipe repeats.

    Args:
        rotation: most degrees to either side.
        shift: largest shift along the height and along the width, each by itself, as a share of them.
        shear: most degrees by which the axis of rows is tilted. 0.2 moves a row by 0.0035 of its distance from the
            middle: next to nothing, and perhaps meant otherwise there.
        zoom: height and width are scaled by 1 - zoom to 1 + zoom, each by itself.
        flip: mirrored left to right in half of the cases.

    Source: `ImageDataGenerator.get_random_transform` and `apply_affine_transform` of Keras (Chollet et al.).
    """

    rotation: float = 180.0
    shift: float = 0.2
    shear: float = 0.2
    zoom: float = 0.01
    flip: bool = True


def augment_pairs(
    images: np.ndarray, masks: np.ndarray, ranges: Ranges, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each image and its mask in their own random warp, in new arrays of the same types and shapes.

    Args:
        images: uint8, uint16 or float `[pairs, height, width]` or `[pairs, height, width, channels]`.
        masks: bool `[pairs, height, width]`.
        ranges: how far to warp.
        rng: source of chance; seven numbers are drawn a pair, whatever the ranges.
    """
    laid, laid_masks = np.empty_like(images), np.empty_like(masks)
    for place, (image, mask) in enumerate(zip(images, masks, strict=True)):
        affine = draw_affine(mask.shape, ranges, rng)
        laid[place], laid_masks[place] = warped(image, affine), warped_mask(mask, affine)
    return laid, laid_masks


def draw_affine(size: tuple[int, ...], ranges: Ranges, rng: np.random.Generator) -> np.ndarray:
    """A random warp: where each pixel comes from, float64 `[2, 3]`, (row, column) = affine @ (row, column, 1).

    About the middle of the image, as in Keras: zoomed, sheared, shifted, turned; what is shifted along its height
    moves along the axis that the turn makes of it.

    Args:
        size: height and width, px.
        ranges: how far to warp.
        rng: source of chance.
    """
    height, width = size
    turn, down, right, tilt, tall, wide = rng.uniform(-1, 1, 6)
    mirrored = rng.random() < 0.5 and ranges.flip
    angle, slope = np.deg2rad(ranges.rotation * turn), np.deg2rad(ranges.shear * tilt)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[np.cos(slope), 0], [-np.sin(slope), 1]])
    zoom = np.diag([1 + ranges.zoom * tall, 1 + ranges.zoom * wide])
    flip = np.diag([1, -1 if mirrored else 1])
    shift = ranges.shift * np.array([down * height, right * width])
    linear = rotation @ shear @ zoom @ flip
    middle = (np.array([height, width]) - 1) / 2
    return np.column_stack([linear, middle + rotation @ shift - linear @ middle])


def warped(image: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """`image` with each pixel taken from where `affine` says, interpolated between four; beyond the rim its nearest.

    Args:
        image: uint8, uint16 or float `[height, width]` or `[height, width, channels]`.
        affine: as `draw_affine` gives it.
    """
    if image.ndim == 3:
        return np.stack([warped(image[..., channel], affine) for channel in range(image.shape[-1])], axis=-1)
    # As floats whatever the type: Pillow cuts the decimals of 8-bit images off, which darkens them.
    laid = _transformed(image, affine, np.float32, Image.Resampling.BILINEAR)
    return (laid if image.dtype.kind == "f" else np.rint(laid)).astype(image.dtype, copy=False)


def warped_mask(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """`mask` with each pixel taken from the one nearest to where `affine` says, bool `[height, width]`.

    Args:
        mask: bool `[height, width]`.
        affine: as `draw_affine` gives it.
    """
    return _transformed(mask, affine, np.uint8, Image.Resampling.NEAREST).astype(bool)


def _transformed(plane: np.ndarray, affine: np.ndarray, dtype: type, resampling: Image.Resampling) -> np.ndarray:
    height, width = plane.shape
    rims = _rims(affine, height, width)
    source = Image.fromarray(np.pad(plane, rims, mode="edge").astype(dtype, copy=False))
    (from_row, from_column, row), (row_to_column, column_to_column, column) = affine.tolist()
    # Pillow takes columns before rows, and the middle of its first pixel is at 0.5.
    across = (column_to_column, row_to_column, column + rims[1][0] + (1 - column_to_column - row_to_column) / 2)
    down = (from_column, from_row, row + rims[0][0] + (1 - from_column - from_row) / 2)
    laid = source.transform((width, height), Image.Transform.AFFINE, (*across, *down), resample=resampling)
    return np.asarray(laid)


def _rims(affine: np.ndarray, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels to add before and after the rows and the columns, so that no corner comes from outside: Pillow would leave
    it black."""
    corners = affine @ np.array([[0, 0, height - 1, height - 1], [0, width - 1, 0, width - 1], [1, 1, 1, 1]])
    first, last = np.floor(corners.min(axis=1)) - 1, np.ceil(corners.max(axis=1)) + 1
    (top, bottom), (left, right) = (
        (max(0, -int(low)), max(0, int(high) - side + 1))
        for low, high, side in zip(first, last, (height, width), strict=True)
    )
    return (top, bottom), (left, right)
