"""What a pool holds over time: one or two blastocysts, the bubbles that leave them late, and specks of dirt.

Lengths are shares of the pool's reach (radius or half side); places are (row, column) from the pool's middle along the
grid's axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpapipe.simulate.blastocysts import Blastocyst, develop, wander
from hpapipe.simulate.geometry import nearest_way

ROOM = 0.95
"""How far into the pool anything but dirt may reach."""

_LEAST_BUBBLE = 0.06


@dataclass(frozen=True, eq=False)
class Bubble:
    """A thin-walled vesicle that buds from a blastocyst and leaves it.

    Args:
        centre: float `[frames, 2]`.
        radius: 0 before it is there, float `[frames]`.
        gap: between it and the blastocyst; 0 while they touch, float `[frames]`.
        owner: index of the blastocyst.
    """

    centre: np.ndarray
    radius: np.ndarray
    gap: np.ndarray
    owner: int


@dataclass(frozen=True, eq=False)
class Pool:
    """What lies in one pool.

    Args:
        cells: none, one or two blastocysts.
        bubbles: all that are ever seen.
        specks: of dirt, float `[specks, 4]`: place, radius, and strength (positive is dark).
        focus: how far the pool is from the film's focus, in units of its depth.
    """

    cells: tuple[Blastocyst, ...]
    bubbles: tuple[Bubble, ...]
    specks: np.ndarray
    focus: float


def live(
    rng: np.random.Generator, hours: np.ndarray, square: bool, empty: float, twins: float, bubbling: float
) -> Pool:
    """One pool from the first frame to the last.

    Args:
        rng: every choice is drawn from it.
        hours: of each frame since the first, float `[frames]`.
        square: the pool is a square, else a circle.
        empty: chance that it is empty.
        twins: chance of two blastocysts where it is not.
        bubbling: chance of each blastocyst to shed bubbles.
    """
    without, two, *sheds = (rng.random(4) < [empty, twins, bubbling, bubbling]).tolist()
    specks = _dirt(rng, square)
    focus = float(rng.normal(0, 0.3))
    if without:
        return Pool((), (), specks, focus)
    cells = _pair(rng, hours, sheds) if two else (_single(rng, hours, square, sheds[0]),)
    bubbles: list[Bubble] = []
    for index, shedding in enumerate(sheds[: len(cells)]):
        if shedding:
            bubbles += _shed(rng, hours, cells, index, square)
    return Pool(cells, tuple(bubbles), specks, focus)


def _single(rng: np.random.Generator, hours: np.ndarray, square: bool, sheds: bool) -> Blastocyst:
    """Somewhere in the pool; one that sheds is smaller and off the middle, so that there is room beside it."""
    cap = rng.uniform(0.55, 0.7) if sheds else rng.uniform(0.7, 0.92)
    free = ROOM - cap - 0.03
    if square:
        place = rng.uniform(-free, free, 2)
    else:
        place = free * (rng.uniform(0.6, 1) if sheds else np.sqrt(rng.random())) * _along(rng.uniform(0, 2 * np.pi))
    # Hatched ones shed: a zona would hold the bubbles back.
    return develop(rng, hours, _roaming(rng, hours, place, 0.008), float(cap), bool(sheds or rng.random() < 0.35))


def _pair(rng: np.random.Generator, hours: np.ndarray, sheds: list[bool]) -> tuple[Blastocyst, ...]:
    """Two side by side, which hardly touch when both are largest."""
    whole = ROOM - 0.02 - rng.uniform(0, 0.06)
    first = whole * rng.uniform(0.44, 0.56)
    along = _along(rng.uniform(0, 2 * np.pi))
    hatched = [bool(shedding or rng.random() < 0.5) for shedding in sheds]
    cells = []
    for cap, side, free in zip((first, whole - first), (-1, 1), hatched, strict=True):
        place = along * side * (ROOM - 0.02 - cap)
        cells.append(develop(rng, hours, _roaming(rng, hours, place, 0.004), cap, free))
    return tuple(cells)


def _roaming(rng: np.random.Generator, hours: np.ndarray, place: np.ndarray, way: float) -> np.ndarray:
    """A place that shifts a little over time, float `[frames, 2]`."""
    aside = np.stack([wander(rng, hours, 4.0), wander(rng, hours, 4.0)], -1)
    return place + np.clip(way * aside, -0.02, 0.02)


def _shed(
    rng: np.random.Generator, hours: np.ndarray, cells: tuple[Blastocyst, ...], owner: int, square: bool
) -> list[Bubble]:
    """One to three bubbles late in the film, on the side where there is most room for them."""
    edges = cells[owner].edge(slice(None))

    def room(angle: float, radius: float | np.ndarray) -> np.ndarray:
        """The way that a bubble of this radius has between outline and wall; below 0 where it is too large."""
        return _farthest(cells, owner, angle, radius, square) - edges[:, nearest_way(angle)] - radius

    tries = np.arange(12) * (2 * np.pi / 12) + rng.uniform(0, 2 * np.pi)
    best = tries[np.argmax([room(angle, 0.1).min() for angle in tries])]
    shed = []
    for side in (0, 70, -70)[: int(rng.integers(1, 4))]:
        angle = float(best + np.deg2rad(side + rng.normal(0, 6)))
        sizes = np.linspace(rng.uniform(0.12, 0.26), 0, 20)
        largest = next((size for size in sizes if room(angle, size).min() > 0.01), 0.0)
        start = rng.uniform(0.5, 0.85) * hours[-1]
        radius = largest * np.sqrt(np.clip((hours - start) / rng.uniform(1, 3), 0, 1))
        apart = np.maximum(hours - start - rng.uniform(1.5, 4.5), 0) * rng.uniform(0.02, 0.08)
        gap = np.clip(apart, 0, np.maximum(room(angle, radius), 0))
        # While it touches, a little of it lies behind the blastocyst.
        out = edges[:, nearest_way(angle)] + gap + radius * np.where(gap > 0, 1, 0.93)
        shed.append(Bubble(cells[owner].centre + out[:, None] * _along(angle), radius, gap, owner))
    return [bubble for bubble in shed if bubble.radius.max() > _LEAST_BUBBLE]


def _farthest(
    cells: tuple[Blastocyst, ...], owner: int, angle: float, radius: float | np.ndarray, square: bool
) -> np.ndarray:
    """How far in one direction from a blastocyst's centre a circle can lie, float `[frames]`.

    The wall holds it back, and the other blastocyst where that lies ahead.
    """
    centre, along = cells[owner].centre, _along(angle)
    if square:
        left = np.broadcast_to(ROOM - radius, len(centre))[:, None] - np.sign(along) * centre
        farthest = (left / np.maximum(np.abs(along), 1e-6)).min(-1)
    else:
        ahead = centre @ along
        farthest = np.sqrt(np.maximum((ROOM - radius) ** 2 - (centre**2).sum(-1) + ahead**2, 0)) - ahead
    for other in cells:
        span = other.centre - centre
        distance = np.hypot(span[:, 0], span[:, 1])
        if other is not cells[owner] and (span @ along / distance).max() > 0.3:
            farthest = np.minimum(farthest, distance - other.radius - radius)
    return farthest


def _along(angle: float) -> np.ndarray:
    return np.array([np.sin(angle), np.cos(angle)])


def _dirt(rng: np.random.Generator, square: bool) -> np.ndarray:
    """Specks near the pool's edge, some in twos and threes, float `[specks, 4]`."""
    specks = []
    for _ in range(rng.poisson(1.6)):
        angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 0.97)
        far = out / np.abs(_along(angle)).max() ** square
        for _ in range(int(rng.integers(1, 4))):
            place = far * _along(angle) + rng.normal(0, 0.035, 2)
            specks.append([*place, rng.uniform(0.025, 0.06), rng.choice([1.0, 1.0, -0.8]) * rng.uniform(0.4, 1)])
    return np.array(specks).reshape(-1, 4)
