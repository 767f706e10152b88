"""Random shapes of a cell's parts: outline, nucleus, metaphase plate, nucleoli and microtubules.

Outlines are tables of the distance from a centre, float `[ANGLES]`; all lengths are shares of the field's side.
"""

from __future__ import annotations

import numpy as np

from hpapipe.simulate.geometry import ANGLES, DIRECTIONS, lookup
from hpapipe.simulate.ink import POINT


def edge(rng: np.random.Generator, radius: float, unrest: float = 1.0) -> np.ndarray:
    """A free outline: a circle with waves of 1 to 6 periods; the second, which makes the cell long, is highest."""
    waves = np.arange(1, 7)[:, None]
    height = rng.normal(0, unrest, (6, 1)) * np.array([0.10, 0.17, 0.12, 0.07, 0.045, 0.03])[:, None]
    outline = 1 + (height * np.cos(waves * DIRECTIONS + rng.uniform(0, 2 * np.pi, (6, 1)))).sum(0)
    return radius * np.clip(outline, 0.6, 1.6)


def nucleus(rng: np.random.Generator, radius: float) -> np.ndarray:
    """Round to oval, now and then lobed."""
    turn = rng.uniform(0, 2 * np.pi, 3)
    waves = rng.uniform(0.04, 0.2) * np.cos(2 * DIRECTIONS + turn[0])
    waves += rng.uniform(0, 0.09) * np.cos(3 * DIRECTIONS + turn[1])
    waves += rng.uniform(0, 0.05) * np.cos(4 * DIRECTIONS + turn[2])
    return radius * (1 + waves)


def plate(rng: np.random.Generator, axis: float) -> np.ndarray:
    """A metaphase plate: a narrow ellipse across the spindle's axis."""
    half, thick = rng.uniform(8, 10) * POINT, rng.uniform(2.6, 3.4) * POINT
    away = DIRECTIONS - axis
    return half * thick / np.hypot(half * np.cos(away), thick * np.sin(away))


def dented(rim: np.ndarray, axis: float, distance: float, radius: float) -> np.ndarray:
    """The outline held back where a ray from the centre enters the circle that dents it."""
    away = DIRECTIONS - axis
    inside = radius**2 - (distance * np.sin(away)) ** 2
    entry = distance * np.cos(away) - np.sqrt(np.maximum(inside, 0))
    hit = (inside > 0) & (np.cos(away) > 0)
    return np.where(hit, np.minimum(rim, np.maximum(entry, 0.3 * rim)), rim)


def tracks(rng: np.random.Generator, pole: np.ndarray, centre: np.ndarray, edge: np.ndarray) -> list[np.ndarray]:
    """Microtubules that grow from the pole to the outline, each bowed and a little wavy."""
    count = int(rng.integers(38, 52))
    way = np.linspace(0, ANGLES, count, endpoint=False) + rng.uniform(0, ANGLES / count, count)
    angle = way * (2 * np.pi / ANGLES)
    out = lookup(edge, angle) * rng.uniform(0.7, 1.0, count)
    ends = centre + np.stack([np.cos(angle), np.sin(angle)], -1) * out[:, None]
    starts = pole + rng.normal(0, 1.5 * POINT, ends.shape)
    return _bowed(rng, starts, ends, rng.normal(0, 0.2, count), 0.06)


def spindle_tracks(rng: np.random.Generator, poles: np.ndarray, longest: float) -> list[np.ndarray]:
    """Fibres bowed from pole to pole, and asters about both."""
    bows = np.linspace(-0.42, 0.42, 13) + rng.normal(0, 0.02, 13)
    fibres = _bowed(rng, np.repeat(poles[:1], 13, 0), np.repeat(poles[1:], 13, 0), bows, 0.01)
    asters = []
    for pole in poles:
        angle = rng.uniform(0, 2 * np.pi, 8)
        ends = pole + np.stack([np.cos(angle), np.sin(angle)], -1) * rng.uniform(0.45, 1, 8)[:, None] * longest
        asters += _bowed(rng, np.repeat(pole[None], 8, 0), ends, rng.normal(0, 0.1, 8), 0.02)
    return fibres + asters


def _bowed(
    rng: np.random.Generator, starts: np.ndarray, ends: np.ndarray, bows: np.ndarray, wave: float
) -> list[np.ndarray]:
    """A curve of 12 corners from each start to each end; bow and wave are shares of its length."""
    along = np.linspace(0, 1, 12)
    span = ends - starts
    aside = np.stack([-span[:, 1], span[:, 0]], -1)
    turn = rng.uniform(0, 2 * np.pi, (len(starts), 1))
    sway = bows[:, None] * np.sin(np.pi * along) + wave * np.sin(np.pi * along) * np.sin(3 * np.pi * along + turn)
    return list(starts[:, None] + span[:, None] * along[:, None] + aside[:, None] * sway[..., None])


def nucleoli(rng: np.random.Generator, centre: np.ndarray, rim: np.ndarray) -> list[np.ndarray]:
    """Two to four nucleoli, each a lump of three circles, spread round the nucleus's middle."""
    count = int(rng.integers(2, 5))
    angle = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count + rng.uniform(-0.4, 0.4, count)
    middle = (
        centre
        + np.stack([np.cos(angle), np.sin(angle)], -1) * (lookup(rim, angle) * rng.uniform(0.4, 0.6, count))[:, None]
    )
    lumps = []
    for place in middle:
        radius = rng.uniform(2.1, 3.2) * POINT
        circles = place + rng.normal(0, 0.5, (3, 2)) * radius
        lumps.append(np.column_stack([circles, radius * rng.uniform(0.7, 1.05, 3)]))
    return lumps
