"""Patterns inside the nucleus: the light of one structure in one cell, float32 `[size, size]`, about 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import numpy as np

from hpapipe.simulate import ink
from hpapipe.simulate.geometry import Cell
from hpapipe.simulate.ink import POINT

Pattern = Callable[[Cell, np.random.Generator], np.ndarray]


def gone_in_mitosis(pattern: Pattern) -> Pattern:
    """The pattern, but spread evenly through a cell in metaphase, in which the structure has dissolved."""

    @wraps(pattern)
    def in_this_stage(cell: Cell, rng: np.random.Generator) -> np.ndarray:
        return 0.2 * cell.cytoplasm if cell.mitotic else pattern(cell, rng)

    return in_this_stage


@gone_in_mitosis
def nucleoplasm(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Fills the nucleus but for dark nucleoli."""
    grain = 1 + 0.15 * ink.texture(cell.size, rng, 2 * POINT)
    return 0.75 * cell.nucleus * (1 - 0.75 * cell.nucleolar) * grain


@gone_in_mitosis
def nuclear_membrane(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A thin rim, now and then a fold across, over a faint nucleoplasm."""
    uneven = 1 + 0.12 * ink.texture(cell.size, rng, 5 * POINT)
    rim = np.exp(-(((cell.nucleus_depth - 0.3 * POINT) / (1.0 * POINT)) ** 2))
    return (rim * uneven + rng.uniform(0.08, 0.25) * cell.nucleus) * cell.body


@gone_in_mitosis
def nucleoli(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A few irregular bright lumps, over a faint nucleoplasm."""
    return 0.95 * cell.nucleolar + rng.uniform(0.02, 0.12) * cell.nucleus


@gone_in_mitosis
def fibrillar_centers(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Clusters of small bright dots, one cluster inside each nucleolus, which itself stays dim."""
    dots = []
    for lump in cell.nucleoli:
        middle, radius = lump[:, :2].mean(0), lump[:, 2].mean()
        count = int(rng.integers(3, 6))
        angle = rng.uniform(0, 2 * np.pi) + (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * np.pi / count
        out = radius * rng.uniform(0.35, 1.15, count)
        dots.append(middle + np.stack([np.cos(angle), np.sin(angle)], -1) * out[:, None])
    points = np.concatenate(dots)
    light = ink.dots(cell.size, points, rng.uniform(0.6, 1.0, len(points)) * POINT, rng.uniform(0.75, 1.0, len(points)))
    return light + 0.12 * cell.nucleolar


@gone_in_mitosis
def speckles(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Many irregular spots of uneven size that spare the nucleoli, over some nucleoplasm."""
    points = cell.nuclear_spots(rng, int(rng.integers(16, 26)), 3.1 * POINT)
    points = np.concatenate([points, points + rng.normal(0, 0.8 * POINT, points.shape)])
    levels = rng.uniform(0.65, 1.0, len(points))
    light = ink.dots(cell.size, points, rng.uniform(0.8, 1.4, len(points)) * POINT, levels)
    return (light + 0.22 * cell.nucleus) * (1 - 0.85 * cell.nucleolar) * cell.nucleus


@gone_in_mitosis
def nuclear_bodies(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A few round dots far from one another."""
    points = cell.nuclear_spots(rng, int(rng.integers(2, 6)), 7 * POINT)
    light = ink.dots(cell.size, points, rng.uniform(1.4, 2.0, len(points)) * POINT, 1.0)
    return light * cell.nucleus + 0.05 * cell.nucleus
