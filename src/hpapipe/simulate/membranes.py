"""Patterns of membranes and of what they enclose: the light of one structure in one cell, about 0 to 1."""

from __future__ import annotations

import numpy as np

from hpapipe.simulate import ink
from hpapipe.simulate.geometry import ANGLES, DIRECTIONS, Cell, nearest_way
from hpapipe.simulate.ink import POINT
from hpapipe.simulate.nuclear import gone_in_mitosis


def endoplasmic_reticulum(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """The mesh that the yellow channel shows, too: dense about the nucleus, thinner towards the edge."""
    sheet = np.exp(-((cell.mesh / 0.5) ** 2))
    fading = np.exp(-2.2 * cell.outwards)
    return (0.7 * sheet * (0.2 + fading) + 0.35 * fading) * cell.cytoplasm


@gone_in_mitosis
def golgi_apparatus(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A broken ribbon of thick curved pieces along one side of the nucleus."""
    middle = nearest_way(float(np.arctan2(*(cell.poles[0] - cell.centre)[::-1])))
    half = int(rng.integers(14, 26))
    pieces = []
    for _ in range(int(rng.integers(9, 14))):
        first = middle + int(rng.integers(-half, half))
        way = np.arange(first, first + int(rng.integers(5, 11))) % ANGLES
        out = rng.uniform(1.5, 7.0) * POINT + rng.normal(0, 0.25, len(way)).cumsum() * POINT
        pieces.append(cell.place(way, cell.rim[way] + np.maximum(out, 1.5 * POINT)))
    light = ink.lines(cell.size, pieces, 1.8 * POINT, rng.uniform(0.65, 1.0, len(pieces)), True)
    return light * cell.body + 0.05 * cell.cytoplasm


def mitochondria(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Thread-like worms that bend, many near the nucleus, most of them pointing outwards."""
    count, corners = int(rng.integers(32, 44)), 6
    start = cell.spots(rng, count, 1.3)
    away = start - cell.centre
    heading = np.arctan2(away[:, 1], away[:, 0])[:, None] + rng.normal(0, 0.7, (count, 1))
    heading = heading + np.cumsum(rng.normal(0, 0.45, (count, corners)), 1)
    length = rng.uniform(1.0, 2.0, (count, 1, 1)) * POINT
    paths = start[:, None] + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], -1) * length, 1)
    light = ink.lines(cell.size, list(paths), 1.5 * POINT, rng.uniform(0.55, 1.0, count), True)
    return light * cell.cytoplasm


def cytosol(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Fills the cytoplasm evenly, thinner at the edge, weak in the nucleus, with a few dark vacuoles."""
    grain = 1 + 0.07 * ink.texture(cell.size, rng, 3 * POINT)
    holes = ink.dots(cell.size, cell.spots(rng, 5), rng.uniform(0.8, 1.8, 5) * POINT, 0.7)
    thick = 0.55 + 0.45 * np.clip(cell.depth / (6 * POINT), 0, 1)
    leak = rng.uniform(0.1, 0.35)
    return 0.7 * grain * thick * (cell.cytoplasm * (1 - holes) + leak * cell.nucleus * cell.body)


def plasma_membrane(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A thin bright outline all round the cell, ruffled, over a faint fill."""
    ruffle = 1 + 0.2 * cell.around(_waves(rng, 14))
    line = np.exp(-(((cell.depth - 0.9 * POINT) / (1.0 * POINT)) ** 2))
    return (line * ruffle + rng.uniform(0.05, 0.16)) * cell.body


def cell_junctions(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A broken bright line only where two cells touch."""
    broken = np.clip(0.75 + 0.7 * _waves(rng, 22), 0.1, 1)
    meets = np.convolve(np.concatenate([cell.touch[-2:], cell.touch, cell.touch[:2]]), np.full(5, 0.2), "valid")
    line = np.exp(-(((cell.depth - 0.6 * POINT) / (1.5 * POINT)) ** 2))
    return (line * cell.around(meets * broken) + 0.05) * cell.body


def _waves(rng: np.random.Generator, fastest: int) -> np.ndarray:
    """Random relief along an outline, mean 0, spread about 1, `[ANGLES]`."""
    periods = np.arange(3, fastest)
    turn = rng.uniform(0, 2 * np.pi, len(periods))
    relief = np.cos(periods[:, None] * DIRECTIONS + turn[:, None]).sum(0)
    return relief * np.sqrt(2 / len(periods))
