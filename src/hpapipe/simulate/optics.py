"""What a microscope makes of light: blur, haze, uneven illumination, background and noise, then 8 bits."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from hpapipe.simulate import ink
from hpapipe.simulate.ink import POINT

_SPREAD = 0.55 * POINT
"""Standard deviation of the point spread function, as a share of the field's side."""


def expose(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture that a camera takes of `light`.

    Args:
        light: of one channel, float32 `[size, size]`; 1 is as bright as a structure gets where nothing lies above it.
        rng: exposure, illumination and noise are drawn from it.

    Returns:
        uint8 `[size, size]`.
    """
    size = len(light)
    seen = gaussian_filter(light, _SPREAD * size * rng.uniform(0.9, 1.25), mode="nearest", truncate=3)
    seen = (seen + rng.uniform(0.06, 0.15) * _haze(light)) * _illumination(size, rng)
    seen = np.maximum(seen, 0) * rng.uniform(0.65, 0.95) + rng.uniform(0.01, 0.04)
    photons = rng.uniform(60, 160)
    caught = rng.poisson(seen * photons).astype(np.float32) / np.float32(photons)
    caught += rng.standard_normal(caught.shape, dtype=np.float32) * np.float32(rng.uniform(0.006, 0.015))
    return np.rint(np.clip(caught, 0, 1) * 255).astype(np.uint8)


def _haze(light: np.ndarray) -> np.ndarray:
    """Light from out of focus: the field seen very coarsely."""
    coarse = Image.fromarray(light).resize((20, 20), Image.Resampling.BOX)
    return ink.stretched(np.asarray(coarse), len(light))


def _illumination(size: int, rng: np.random.Generator) -> np.ndarray:
    """Brightest near the middle, up to a third weaker in the corners, float32 `[size, size]`."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = (((axis - np.float32(rng.uniform(0.35, 0.65))) ** 2) for _ in range(2))
    return 1 - np.float32(rng.uniform(0.1, 0.6)) * (x[None, :] + y[:, None])
