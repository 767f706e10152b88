"""The light that comes through one pool, as a microscope with differential interference contrast shows it.

It shows the slope of a relief along one direction, as if lit from that side; the relief's curvature, the more so out of
focus; a halo round what slows light; and a little of the thickness as shade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, laplace

from hpapipe.simulate import blastocyst_relief
from hpapipe.simulate.blastocyst_relief import Window
from hpapipe.simulate.pool_life import Pool

_STEEPEST = 1.4  # slope beyond which light hardly changes any more
_SHARPEST = 40.0  # curvature beyond which light hardly changes any more


@dataclass(frozen=True)
class Optics:
    """How a film's microscope shows a relief; light is in shares of the floor's.

    Args:
        shear: direction in which slopes are shown, in radians.
        slope: light for a slope of 1.
        curve: light for the sharpest curvature, in focus; above 0, edges have dark lines round them.
        defocus: the same for each depth of focus away from it.
        shade: light that a way of one reach through tissue takes.
        halo: light that spreads from a way of one reach through tissue.
    """

    shear: float
    slope: float
    curve: float
    defocus: float
    shade: float
    halo: float


class Drawn(NamedTuple):
    """One pool in one frame.

    `light`: change of the floor's light, in shares of it, float32 `[h, w]`. `labels`: 0 none, 1 or 2 the blastocysts,
    uint8 `[h, w]`. `bubbles`: where no blastocyst is, bool `[h, w]`.
    """

    light: np.ndarray
    labels: np.ndarray
    bubbles: np.ndarray


def draw(pool: Pool, frame: int, window: Window, optics: Optics, focus: float, tiles: np.ndarray) -> Drawn:
    """What a pool adds to the light of its floor, and the truth about it.

    Args:
        pool: what it holds.
        frame: index of the frame.
        window: the part of the frame to draw.
        optics: of the film.
        focus: of the frame, in depths of focus.
        tiles: from `blastocyst_relief.grain`.
    """
    bodies = [blastocyst_relief.blastocyst(cell, frame, window, tiles) for cell in pool.cells]
    blank = np.zeros((len(window.rows), window.columns.shape[1]), np.float32)
    # A pixel is that blastocyst's in which it lies deepest, and none's where it lies outside all.
    labels = np.argmax([blank, *(body.depth for body in bodies)], 0).astype(np.uint8)
    relief = sum((body.relief for body in bodies), blank)
    granules = sum((body.granules for body in bodies), blank)
    bubbles = np.zeros(labels.shape, bool)
    for vesicle in pool.bubbles:
        if vesicle.radius[frame] > 0:
            depth, thickness = blastocyst_relief.bubble(vesicle, frame, window)
            relief = relief + thickness * (labels == 0)
            bubbles |= (depth > 0) & (labels == 0)
    taken = blastocyst_relief.dirt(pool.specks, window)
    return Drawn(_seen(relief, granules, taken, window.reach, optics, focus + pool.focus), labels, bubbles)


def _seen(
    relief: np.ndarray, granules: np.ndarray, taken: np.ndarray, reach: float, optics: Optics, focus: float
) -> np.ndarray:
    """Light through a relief, its granules and dirt, float32 `[h, w]`."""
    blur = float(np.hypot(max(0.55, 0.016 * reach), 0.02 * reach * focus))
    sharp, grains = (gaussian_filter(each, blur, truncate=3) for each in (relief, granules))
    haze = gaussian_filter(relief, 0.16 * reach, truncate=2.5)
    curve = laplace(sharp) * (reach**2 / _SHARPEST)
    light = _slope(sharp, optics.shear, reach / _STEEPEST)
    light = optics.slope * (_STEEPEST * np.tanh(light) + _slope(grains, optics.shear, reach))
    light -= (optics.curve + optics.defocus * focus) * np.tanh(curve)
    light += optics.halo * (haze - sharp) - optics.shade * sharp
    return light - 0.35 * gaussian_filter(taken, blur, truncate=3)


def _slope(relief: np.ndarray, direction: float, scale: float) -> np.ndarray:
    down, across = np.gradient(relief)
    return down * (scale * float(np.sin(direction))) + across * (scale * float(np.cos(direction)))
