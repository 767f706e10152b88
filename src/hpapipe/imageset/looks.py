"""How an image looks, in a few numbers: bright, contrasted, saturated, sharp."""

from __future__ import annotations

import numpy as np

LOOKS = ("mean", "spread", "saturated", "sharpness")
"""Names of those numbers."""

_CEILINGS = {
    8: [255],
    16: sorted({top for bits in range(10, 17) for top in (2**bits - 1, (2**bits - 1) << (16 - bits))}),
}
"""Bits of the file -> values of a full sensor: one of 8 bits, or of 10 to 16 bits, aligned right or left, in 16."""


def looks(image: np.ndarray) -> dict[str, float]:
    """`LOOKS` of an image, as `hpapipe.imageset.measure` has them.

    Args:
        image: uint8 or uint16 `[height, width]`.
    """
    return {
        "mean": float(image.mean()),
        "spread": float(image.std()),
        "saturated": saturated_share(image),
        "sharpness": sharpness(image),
    }


def saturated_share(image: np.ndarray) -> float:
    """Share of pixels at the value of a full sensor, 0 to 1.

    8-bit files are full at 255. A 16-bit file may come from a sensor of 10 to 16 bits, its values aligned right (12
    bits: 4095) or left (65520); the file does not tell. So the brightest value of the image counts as full if it is
    exactly one of these. A dim image that ends at such a value by chance has few pixels there.

    Args:
        image: uint8 or uint16 `[height, width]`.
    """
    top = image.max()
    return float(np.mean(image == top)) if int(top) in _CEILINGS[8 * image.dtype.itemsize] else 0.0


def sharpness(image: np.ndarray) -> float:
    """Variance of the 4-neighbour Laplacian over the variance of the image; NaN where all pixels have one value.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000 (the Laplacian's variance).

    Args:
        image: `[height, width]`.
    """
    pixels = image.astype(np.float32)
    variance = float(pixels.var())
    if variance == 0:
        return float("nan")
    if min(pixels.shape) < 3:
        return 0.0
    around = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    return float((around - 4 * pixels[1:-1, 1:-1]).var()) / variance
