"""Patterns of drops, dots and small shapes in the cytoplasm: the light of one structure in one cell, about 0 to 1."""

from __future__ import annotations

import numpy as np

from hpapipe.simulate import ink
from hpapipe.simulate.geometry import DIRECTIONS, Cell
from hpapipe.simulate.ink import POINT
from hpapipe.simulate.nuclear import gone_in_mitosis


def peroxisomes(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Very many tiny dots of one size all over the cytoplasm, thicker near the nucleus."""
    count = int(rng.integers(90, 140) * _room(cell))
    points = cell.spots(rng, count, 1.25)
    return ink.dots(cell.size, points, 0.72 * POINT, rng.uniform(0.6, 1.0, count)) * cell.body


def endosomes(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Small rings and dots of uneven size and light, out to the cell's edge, in a faint haze."""
    count = int(rng.integers(12, 18) * _room(cell))
    points = cell.spots(rng, count, 0.9)
    hollow = ink.rings(
        cell.size, points, rng.uniform(1.5, 2.3, count) * POINT, 0.8 * POINT, rng.uniform(0.6, 0.95, count), 0.2
    )
    small = cell.spots(rng, count, 0.8)
    solid = ink.dots(cell.size, small, rng.uniform(0.7, 1.3, count) * POINT, rng.uniform(0.4, 0.9, count))
    return (np.maximum(hollow, solid) + 0.08 * cell.cytoplasm) * cell.body


def lysosomes(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Solid round vesicles of uneven size, crowded on the side of the nucleus where the microtubules start."""
    count = int(rng.integers(30, 42) * _room(cell))
    pole = cell.poles[0]
    tries = cell.spots(rng, 4 * count, 1.3)
    near = np.hypot(*(tries - pole).T) * rng.lognormal(0, 0.45, 4 * count)
    points = tries[np.argsort(near, kind="stable")[:count]]
    radii = rng.uniform(0.9, 2.0, count) * POINT
    return ink.dots(cell.size, points, radii, rng.uniform(0.55, 1.0, count)) * cell.cytoplasm


def lipid_droplets(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Round drops of very uneven size, bright at their surface, in a few bunches."""
    seeds = cell.spots(rng, int(rng.integers(2, 5)), 1.4)
    count = int(rng.integers(14, 24) * _room(cell))
    points = seeds[rng.integers(0, len(seeds), count)] + rng.normal(0, 5.5 * POINT, (count, 2))
    radii = np.sort(rng.uniform(1.2, 3.6, count))[::-1] * POINT
    shells = ink.rings(cell.size, points, radii, 1.0 * POINT, rng.uniform(0.75, 1.0, count), inside=0.25)
    return shells * cell.body * (1 - 0.8 * cell.nucleus)


def cytoplasmic_bodies(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """A few bright round dots, scattered, in a faint cytosol."""
    count = int(rng.integers(5, 10) * _room(cell))
    points = cell.spots(rng, count, 1.2)
    return ink.dots(cell.size, points, rng.uniform(1.5, 2.1, count) * POINT, 1.0) * cell.body + 0.07 * cell.cytoplasm


def rods_and_rings(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Some short stiff rods at any angle, and a few rings."""
    rods, circles = int(rng.integers(5, 9)), int(rng.integers(2, 5))
    middles = cell.spots(rng, rods, 1.1)
    angle = rng.uniform(0, np.pi, rods)
    half = rng.uniform(4.0, 6.5, rods)[:, None] * POINT * np.stack([np.cos(angle), np.sin(angle)], -1)
    light = ink.lines(cell.size, list(np.stack([middles - half, middles + half], 1)), 1.6 * POINT, np.ones(rods), True)
    points = cell.spots(rng, circles, 1.1)
    rings = ink.rings(cell.size, points, rng.uniform(3.2, 4.4, circles) * POINT, 1.4 * POINT, np.ones(circles))
    return np.maximum(light, rings) * cell.body + 0.06 * cell.cytoplasm


@gone_in_mitosis
def aggresome(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """One large blob in the dent of the nucleus, its outline lumpy, and a faint cytosol."""
    *middle, radius = cell.hollow
    around = DIRECTIONS[:: len(DIRECTIONS) // 6]
    lumps = middle + np.stack([np.cos(around), np.sin(around)], -1) * radius * 0.45
    points = np.concatenate([[middle], lumps])
    radii = np.concatenate([[0.85], rng.uniform(0.4, 0.55, len(lumps))]) * radius
    return (0.95 * ink.dots(cell.size, points, radii, 1.0) + 0.08) * cell.cytoplasm


def _room(cell: Cell) -> float:
    """The cytoplasm's area against that of a usual cell, so that dots are equally dense in small and large cells."""
    area = np.pi * float((cell.edge**2 - cell.rim**2).mean())
    return float(np.clip(area / 0.11, 0.4, 1.6))
