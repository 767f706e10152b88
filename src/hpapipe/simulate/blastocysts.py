"""A blastocyst over time: how it swells, falls together, and turns.

A blastocyst is a ball of tissue round a cavity of fluid. The tissue keeps its volume; as the cavity fills, the ball
swells and its wall thins, and when the cavity bursts the ball falls together and fills anew. Lengths are shares of the
pool's reach (radius or half side); places are (row, column) from the pool's middle along the grid's axes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from hpapipe.simulate.geometry import DIRECTIONS

_INNER = 0.3
"""Share of the tissue's volume that the inner cell mass has; the trophectoderm has the rest."""

_ZONA_SLACK = 0.985
"""What is left of a zona's stretch after an hour without anything that holds it."""


@dataclass(frozen=True, eq=False)
class Blastocyst:
    """One blastocyst in every frame.

    Args:
        centre: float `[frames, 2]`.
        radius: of the circle with the same area, float `[frames]`.
        wall: thickness of the trophectoderm as a share of the radius, float `[frames]`.
        mass: radius of the inner cell mass as a share of the radius, float `[frames]`.
        turn: direction of its own axis, at whose end the inner cell mass lies, in radians, float `[frames]`.
        oval: height of the outline's waves of two and of three periods, float `[2]`.
        zona: inner and outer radius of the shell round it, float `[frames, 2]`; 0 where it has hatched.
        borders: where trophectoderm cells meet on the outline, in radians from the axis, rising, float `[cells]`.
        lumps: cells of the inner cell mass, float `[cells, 3]`: place in it and radius, shares of its radius.
        faces: trophectoderm cells seen from above, float `[cells, 3]`: place and radius, shares of the radius.
        patch: where its grain starts in the film's tile, int `[2]`.
        collapses: frames in which it is first seen fallen together, rising.
    """

    centre: np.ndarray
    radius: np.ndarray
    wall: np.ndarray
    mass: np.ndarray
    turn: np.ndarray
    oval: np.ndarray
    zona: np.ndarray
    borders: np.ndarray
    lumps: np.ndarray
    faces: np.ndarray
    patch: np.ndarray
    collapses: tuple[int, ...]

    def bulge(self, frame: int | slice) -> np.ndarray:
        """1 in the middle of each trophectoderm cell on the outline, 0 where two meet, float `[..., ANGLES]`."""
        own = self._own(frame) % (2 * np.pi)
        right = np.searchsorted(self.borders, own) % len(self.borders)
        width = (self.borders[right] - self.borders[right - 1]) % (2 * np.pi)
        share = (own - self.borders[right - 1]) % (2 * np.pi) / width
        return 4 * share * (1 - share)

    def edge(self, frame: int | slice) -> np.ndarray:
        """Distance of the outline from the centre in each direction, float `[..., ANGLES]`; it encloses pi radius².

        A thin wall is taut and smooth; the cells of a thick one bulge.

        Args:
            frame: one, or a slice of them, which becomes the first axis.
        """
        own, slack = self._own(frame), np.asarray(self.wall[frame])[..., None]
        waves = self.oval[0] * np.cos(2 * own) + self.oval[1] * (0.5 + 4 * slack) * np.cos(3 * own + 1)
        form = 1 + waves + 0.6 * slack**1.5 * (self.bulge(frame) - 0.6)
        return np.asarray(self.radius[frame])[..., None] * form / np.sqrt((form**2).mean(-1, keepdims=True))

    def _own(self, frame: int | slice) -> np.ndarray:
        """Each direction as an angle from the blastocyst's axis, float `[..., ANGLES]`."""
        return DIRECTIONS - np.asarray(self.turn[frame])[..., None]


def develop(rng: np.random.Generator, hours: np.ndarray, centre: np.ndarray, cap: float, hatched: bool) -> Blastocyst:
    """A blastocyst that swells, now and then falls together, and reaches `cap` from its centre when it is largest.

    Args:
        rng: every choice is drawn from it.
        hours: of each frame since the first, float `[frames]`.
        centre: where it lies in each frame, float `[frames, 2]`.
        cap: how far the outline, or the zona, reaches at most.
        hatched: it has left its zona.
    """
    cavity, collapses = _cavity(rng, hours)
    volume = 1 + cavity
    radius = np.cbrt(volume)
    shape = Blastocyst(
        centre=centre,
        radius=radius,
        wall=1 - np.cbrt(1 - (1 - _INNER) / volume),
        mass=np.cbrt(_INNER / volume),
        turn=rng.uniform(0, 2 * np.pi) + 0.3 * wander(rng, hours, 5.0),
        oval=np.array([rng.uniform(0, 0.06), rng.uniform(0, 0.02)]),
        zona=np.zeros((len(hours), 2)) if hatched else _zona(rng, hours, radius),
        borders=_borders(rng),
        lumps=_clump(rng, int(rng.integers(8, 13)), 0.62),
        faces=_clump(rng, int(rng.integers(9, 14)), 0.72),
        patch=rng.integers(0, 1 << 16, 2),
        collapses=collapses,
    )
    scale = cap / max(float(shape.edge(slice(None)).max()), float(shape.zona.max()))
    return replace(shape, radius=radius * scale, zona=shape.zona * scale)


def wander(rng: np.random.Generator, hours: np.ndarray, every: float) -> np.ndarray:
    """A smooth random course of spread about 1 that turns about `every` so many hours, float `[frames]`."""
    knots = np.arange(-every, hours[-1] + 2.01 * every, every)
    return CubicSpline(knots, rng.standard_normal(len(knots)))(hours)


def _cavity(rng: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Volume of the cavity in volumes of tissue, float `[frames]`, and the frames in which a collapse is first seen."""
    before = rng.uniform(0.1, 1.2)
    after = before + rng.uniform(0.7, 2.0)
    middle, pace = rng.uniform(3, 13), rng.uniform(2, 5)
    begun, done = (1 / (1 + np.exp(-(hour - middle) / pace)) for hour in (0.0, 24.0))
    risen = (1 / (1 + np.exp(-(hours - middle) / pace)) - begun) / (done - begun)
    cavity = (before + (after - before) * risen) * (1 + 0.04 * wander(rng, hours, 1.5))
    seen = []
    for start in _bursts(rng, hours[-1]):
        depth, fall, back = rng.uniform(0.4, 0.97), rng.uniform(0.1, 0.5), rng.uniform(1.2, 4.5)
        since = hours - start
        emptied = np.clip(since / fall, 0, 1) * np.exp(-np.maximum(since - fall, 0) / back)
        cavity = cavity * (1 - depth * emptied)
        if (since > 0).any():
            seen.append(int((since > 0).argmax()))
    return np.maximum(cavity, 0.02), tuple(seen)


def _bursts(rng: np.random.Generator, last: float) -> list[float]:
    """Hours at which the cavity bursts: about three in two days, never within two hours of one another."""
    tries = np.sort(rng.uniform(1, max(last, 1), rng.poisson(1.6 * last / 24)))
    kept: list[float] = []
    for hour in tries.tolist():
        if hour < last and (not kept or hour - kept[-1] > 2):
            kept.append(hour)
    return kept


def _zona(rng: np.random.Generator, hours: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Inner and outer radius: stretched by what swells in it, slow to slacken, its volume kept, float `[frames, 2]`."""
    inner = rng.uniform(1.12, 1.3)
    solid = inner**3 * (rng.uniform(1.13, 1.22) ** 3 - 1)
    loose = np.diff(hours, prepend=hours[:1])
    course = []
    for held, elapsed in zip(1.04 * radius, loose, strict=True):
        inner = max(float(held), 1.12 + (inner - 1.12) * _ZONA_SLACK**elapsed)
        course.append(inner)
    inside = np.array(course)
    return np.stack([inside, np.cbrt(inside**3 + solid)], -1)


def _borders(rng: np.random.Generator) -> np.ndarray:
    """Ten to fifteen cells of unequal width round the outline."""
    widths = rng.uniform(0.6, 1.4, int(rng.integers(10, 16)))
    return (np.cumsum(widths) / widths.sum()) * 2 * np.pi * (1 - 1e-9)


def _clump(rng: np.random.Generator, count: int, spread: float) -> np.ndarray:
    """Places on a loose spiral in a disc of radius `spread`, and radii that let neighbours overlap a little."""
    index = np.arange(count) + 0.5
    out = spread * np.sqrt(index / count) * rng.uniform(0.85, 1.1, count)
    angle = index * np.pi * (3 - np.sqrt(5)) + rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.25, count)
    radius = rng.uniform(1.15, 1.6, count) * spread / np.sqrt(count)
    return np.column_stack([out * np.sin(angle), out * np.cos(angle), radius])
