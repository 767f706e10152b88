"""Patterns of the cytoskeleton: the light of one structure in one cell, float32 `[size, size]`, about 0 to 1."""

from __future__ import annotations

import numpy as np

from hpapipe.simulate import ink
from hpapipe.simulate.geometry import ANGLES, DIRECTIONS, Cell
from hpapipe.simulate.ink import POINT


def intermediate_filaments(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Wavy bundles that cross and curl about the nucleus, a basket that thins out towards the edge."""
    count, corners = 44, 14
    way = rng.choice(ANGLES, count)
    out = cell.rim[way] + (cell.edge[way] - cell.rim[way]) * rng.uniform(0.0, 0.75, count)
    start = cell.place(way, out)
    turn = np.cumsum(rng.normal(0, 0.35, (count, corners)), 1) + np.cumsum(
        rng.normal(0, 0.12, (count, 1)) + np.zeros(corners), 1
    )
    heading = DIRECTIONS[way][:, None] + np.pi / 2 * rng.choice([-1, 1], (count, 1)) + turn
    steps = np.stack([np.cos(heading), np.sin(heading)], -1) * 2.1 * POINT
    paths = start[:, None] + np.cumsum(steps, 1)
    light = ink.lines(cell.size, list(paths), 1.0 * POINT, rng.uniform(0.45, 1.0, count))
    thinning = 1 - 0.55 * cell.outwards
    return (light * thinning + 0.12 * cell.cytoplasm * thinning) * cell.body * (1 - 0.6 * cell.nucleus)


def actin_filaments(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Straight stress fibres of uneven thickness side by side across the whole cell, and a faint cortex."""
    count = int(rng.integers(14, 21))
    angle = rng.uniform(0, np.pi) + rng.normal(0, 0.08, count)
    along = np.stack([np.cos(angle), np.sin(angle)], -1)
    across = np.array([-np.sin(angle[0]), np.cos(angle[0])])
    reach = 0.95 * float(cell.edge.mean())
    aside = (np.linspace(-1, 1, count) + rng.normal(0, 0.07, count)) * reach
    middle = cell.centre + across * aside[:, None] + along * rng.normal(0, 0.35 * reach, count)[:, None]
    half = along * (rng.uniform(0.35, 1.1, count) * reach)[:, None]
    fibres = list(np.stack([middle - half, middle + half], 1))
    thin = ink.lines(cell.size, fibres[::2], 0.8 * POINT, rng.uniform(0.45, 0.85, len(fibres[::2])))
    thick = ink.lines(cell.size, fibres[1::2], 1.5 * POINT, rng.uniform(0.6, 1.0, len(fibres[1::2])), True)
    cortex = np.exp(-((cell.depth / (1.2 * POINT)) ** 2))
    return (np.maximum(thin, thick) + 0.25 * cortex + 0.08) * cell.body


def focal_adhesions(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Short streaks at the free edge that point inwards and taper."""
    free = np.flatnonzero(cell.touch < 0.5)
    if free.size == 0:
        return 0.06 * cell.cytoplasm
    count = int(rng.integers(18, 28))
    way = rng.choice(free, count)
    angle = DIRECTIONS[way] + rng.normal(0, 0.35, count)
    outer = cell.place(way, cell.edge[way] * rng.uniform(0.88, 0.97, count))
    inwards = np.stack([np.cos(angle), np.sin(angle)], -1) * rng.uniform(2.0, 5.5, count)[:, None] * POINT
    levels = rng.uniform(0.7, 1, count)
    tails = ink.lines(cell.size, list(np.stack([outer, outer - inwards], 1)), 1.0 * POINT, levels, True)
    heads = ink.lines(cell.size, list(np.stack([outer, outer - 0.6 * inwards], 1)), 1.9 * POINT, levels, True)
    return np.maximum(heads, tails) * cell.body + 0.06 * cell.cytoplasm


def microtubules(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """The thin lines that the red channel shows, too: from the centre to the edge."""
    light = ink.lines(cell.size, cell.tracks, 0.8 * POINT, rng.uniform(0.45, 1.0, len(cell.tracks)))
    return (light + 0.08) * cell.body * (1 - 0.35 * cell.nucleus)


def microtubule_ends(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Short dashes along the outer ends of microtubules, and weak dots farther in."""
    dashes = [_last(path, rng.uniform(2.5, 4.0) * POINT) for path in cell.tracks]
    inner = [path[cut : cut + 2] for path, cut in zip(cell.tracks, rng.integers(4, 9, len(cell.tracks)), strict=True)]
    bright = ink.lines(cell.size, dashes, 1.2 * POINT, rng.uniform(0.75, 1.0, len(dashes)))
    weak = ink.lines(cell.size, inner[::2], 0.9 * POINT, rng.uniform(0.3, 0.5, len(inner[::2])))
    return np.maximum(bright, weak) * cell.body + 0.05 * cell.cytoplasm


def cytokinetic_bridge(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A short bright bar in the gap between two daughter cells, with a dark middle; faint elsewhere."""
    haze = 0.07 * cell.body
    if cell.bridge is None:
        return haze
    start, end = cell.bridge
    span = end - start
    halves = [np.stack([start + a * span, start + b * span]) for a, b in ((-0.1, 0.44), (0.56, 1.1))]
    return np.maximum(ink.lines(cell.size, halves, rng.uniform(2.0, 2.8) * POINT, np.ones(2), True), haze)


def mitotic_spindle(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """The fibres between the poles of a cell in metaphase; faint in all other cells."""
    if not cell.mitotic:
        return 0.06 * cell.body
    fibres = ink.lines(cell.size, cell.tracks[:13], 1.1 * POINT, rng.uniform(0.75, 1.0, 13))
    caps = ink.dots(cell.size, cell.poles, 1.6 * POINT, 1.0)
    return np.maximum(fibres, caps) + 0.12 * cell.body


def microtubule_organizing_center(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A soft spot beside the nucleus with a crowd of fine grains about it."""
    light = 0.06 * cell.cytoplasm
    for pole in cell.poles:
        grains = pole + rng.normal(0, 3.0 * POINT, (26, 2))
        light = light + 0.5 * ink.dots(cell.size, grains, 0.7 * POINT, rng.uniform(0.4, 1.0, 26))
        light = light + 0.55 * _glow(cell, pole, 2.8 * POINT)
    return light * cell.body


def centrosome(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """One or two sharp dots beside the nucleus, or one at each pole of a spindle."""
    points = cell.poles
    if not cell.mitotic and rng.random() < 0.6:
        angle = rng.uniform(0, 2 * np.pi)
        points = points + np.array([[0, 0], [np.cos(angle), np.sin(angle)]]) * rng.uniform(2.6, 3.6) * POINT
    return ink.dots(cell.size, points, rng.uniform(1.0, 1.3, len(points)) * POINT, 1.0) * cell.body + 0.05 * cell.body


def _glow(cell: Cell, middle: np.ndarray, spread: float) -> np.ndarray:
    axis = (np.arange(cell.size, dtype=np.float32) + 0.5) / cell.size
    x, y = (np.exp(-0.5 * ((axis - np.float32(at)) / np.float32(spread)) ** 2) for at in middle)
    return y[:, None] * x[None, :]


def _last(path: np.ndarray, length: float) -> np.ndarray:
    """The last piece of a path, `length` long and straight, `[2, 2]`."""
    back = path[-3] - path[-1]
    return np.stack([path[-1] + back * (length / max(float(np.hypot(*back)), 1e-9)), path[-1]])
