"""A random scene: several cells, some cut by the border, some in contact, now and then one dividing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpapipe.simulate import ink, shapes
from hpapipe.simulate.geometry import ANGLES, DIRECTIONS, Cell, lookup, nearest_way
from hpapipe.simulate.ink import POINT

_SEEN_ANYWAY = 0.1
"""Share of fields that hold sisters, a cell in mitosis or dented nuclei without need of them, so that the reference
channels alone do not give the structure away."""

_NEAREST = 0.72
"""Least distance between two cells, as a share of what they reach towards one another: nearer, nuclei are cramped."""


@dataclass(frozen=True)
class Needs:
    """What the structures of a field need to be seen at all.

    Args:
        sisters: two daughter cells that a bridge joins.
        metaphase: a cell in mitosis.
        contact: two cells that touch.
        dents: nuclei with a dent.
    """

    sisters: bool = False
    metaphase: bool = False
    contact: bool = False
    dents: bool = False


@dataclass(frozen=True)
class _Outline:
    """A cell before its neighbours press on it: centre of the nucleus and free outline."""

    centre: np.ndarray
    edge: np.ndarray
    mitotic: bool = False
    sister: int | None = None

    @property
    def radius(self) -> float:
        return float(self.edge.mean())


def scene(rng: np.random.Generator, size: int, needs: Needs) -> list[Cell]:
    """The cells of a field, two to four (five where a bridge and a spindle are needed).

    Args:
        rng: every choice is drawn from it.
        size: side of the field in pixels.
        needs: what must be there.
    """
    chance = rng.random(3) < _SEEN_ANYWAY
    outlines = _outlines(rng, needs, sisters=needs.sisters or chance[0], metaphase=needs.metaphase or chance[1])
    mesh = ink.texture(size, rng, 3.0 * POINT)
    dented = needs.dents or chance[2]
    return [_cell(rng, size, index, outlines, dented, mesh) for index in range(len(outlines))]


def _outlines(rng: np.random.Generator, needs: Needs, sisters: bool, metaphase: bool) -> list[_Outline]:
    """What must be there is placed first, well inside the field, then other cells where there is room."""
    placed = _sisters(rng) if sisters else []
    if metaphase:
        edge = shapes.edge(rng, rng.uniform(0.15, 0.18), unrest=0.2)
        placed.append(_Outline(_freest(rng, placed, edge, inner=0.16)[0], edge, mitotic=True))
    if not placed:
        edge = shapes.edge(rng, rng.uniform(0.21, 0.28))
        placed.append(_Outline(_freest(rng, placed, edge, inner=0.25)[0], edge))
    if needs.contact:
        edge = shapes.edge(rng, rng.uniform(0.21, 0.28))
        placed.append(_Outline(_beside(rng, placed, edge), edge))
    for _ in range(int(rng.integers(2, 5)) - len(placed)):
        edge = shapes.edge(rng, rng.uniform(0.21, 0.28))
        centre, freedom = _freest(rng, placed, edge, inner=0.02)
        if freedom >= _NEAREST:
            placed.append(_Outline(centre, edge))
    return placed


def _sisters(rng: np.random.Generator) -> list[_Outline]:
    """Two daughter cells on both sides of the field's middle, a gap between them."""
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(angle), np.sin(angle)])
    middle = rng.uniform(0.42, 0.58, 2)
    gap = rng.uniform(9, 14) * POINT
    first, second = (shapes.edge(rng, rng.uniform(0.16, 0.19), unrest=0.5) for _ in range(2))
    to_second, to_first = first[nearest_way(angle)], second[nearest_way(angle + np.pi)]
    return [
        _Outline(middle - axis * (to_second + gap / 2), first, sister=1),
        _Outline(middle + axis * (to_first + gap / 2), second, sister=0),
    ]


def _freest(
    rng: np.random.Generator, placed: list[_Outline], edge: np.ndarray, inner: float
) -> tuple[np.ndarray, float]:
    """The first of 40 random centres that leaves nuclei and bridge free, else the best, and its freedom."""
    tries = [rng.uniform(inner, 1 - inner, 2) for _ in range(40)]
    room = [_freedom(placed, centre, edge) for centre in tries]
    best = int(np.argmax(np.minimum(room, _NEAREST)))
    return tries[best], room[best]


def _beside(rng: np.random.Generator, placed: list[_Outline], edge: np.ndarray) -> np.ndarray:
    """A centre so near to a cell placed before that the two outlines meet inside the field."""
    tries, room = [], []
    for _ in range(40):
        other = placed[int(rng.integers(len(placed)))]
        angle = rng.uniform(0, 2 * np.pi)
        forward = np.array([np.cos(angle), np.sin(angle)])
        reach = other.edge[nearest_way(angle)]
        tries.append(other.centre + forward * (reach + edge[nearest_way(angle + np.pi)]) * rng.uniform(0.74, 0.86))
        outside = np.abs(other.centre + forward * reach - 0.5).max() > 0.4
        room.append(_freedom(placed, tries[-1], edge) - outside)
    return tries[int(np.argmax(np.minimum(room, _NEAREST)))]


def _freedom(placed: list[_Outline], centre: np.ndarray, edge: np.ndarray) -> float:
    """The least distance to another cell, as a share of what the two reach towards one another; 0 on a bridge."""
    least = 1.0
    for cell in placed:
        span = centre - cell.centre
        angle = float(np.arctan2(span[1], span[0]))
        reach = cell.edge[nearest_way(angle)] + edge[nearest_way(angle + np.pi)]
        least = min(least, float(np.hypot(*span)) / reach)
    if placed and placed[0].sister is not None:
        span = centre - (placed[0].centre + placed[1].centre) / 2
        towards = edge[nearest_way(float(np.arctan2(-span[1], -span[0])))]
        least = least if np.hypot(*span) > towards + 8 * POINT else 0.0
    return least


def _cell(
    rng: np.random.Generator, size: int, index: int, outlines: list[_Outline], dented: bool, mesh: np.ndarray
) -> Cell:
    own = outlines[index]
    edge, touch = _pressed(own, [other for other in outlines if other is not own])
    # The microtubules' centre lies on a side with room beside the nucleus.
    axis = max(rng.uniform(0, 2 * np.pi, 3).tolist(), key=lambda angle: edge[nearest_way(angle)])
    rim = shapes.plate(rng, axis) if own.mitotic else shapes.nucleus(rng, own.radius * rng.uniform(0.43, 0.52))
    rim = np.minimum(rim, 0.82 * edge)
    way = nearest_way(axis)
    forward = np.array([np.cos(axis), np.sin(axis)])
    blob = rng.uniform(5.0, 6.8) * POINT
    hollow = np.array([*(own.centre + forward * (rim[way] + 0.3 * blob)), blob])
    if own.mitotic:
        reach = rng.uniform(8.5, 10.5) * POINT
        poles = np.array([own.centre + forward * reach, own.centre - forward * reach])
        tracks = shapes.spindle_tracks(rng, poles, 0.45 * own.radius)
    else:
        rim = shapes.dented(rim, axis, rim[way] + 0.3 * blob, 1.1 * blob) if dented else rim
        poles = (own.centre + forward * (rim[way] + rng.uniform(1.5, 3.5) * POINT))[None]
        tracks = shapes.tracks(rng, poles[0], own.centre, edge)
    nucleoli = shapes.nucleoli(rng, own.centre, rim)
    bridge = _bridge(outlines, index, edge)
    return Cell(size, own.centre, edge, touch, rim, poles, tracks, nucleoli, hollow, own.mitotic, bridge, mesh)


def _pressed(own: _Outline, others: list[_Outline]) -> tuple[np.ndarray, np.ndarray]:
    """The outline cut where another cell is nearer, each distance measured in that cell's own radii; 1 where cut."""
    shares = np.linspace(0.3, 1, 24)
    way = np.stack([np.cos(DIRECTIONS), np.sin(DIRECTIONS)], -1)
    points = own.centre + way[:, None] * (own.edge[:, None] * shares)[..., None]
    kept = np.ones(ANGLES)
    for other in others:
        apart = points - other.centre
        theirs = np.hypot(apart[..., 0], apart[..., 1]) / lookup(other.edge, np.arctan2(apart[..., 1], apart[..., 0]))
        lost = theirs < shares
        first = lost.argmax(1)
        before = np.maximum(first - 1, 0)
        rows = np.arange(ANGLES)
        ahead, behind = (theirs - shares)[rows, before], (shares - theirs)[rows, first]
        part = np.clip(ahead / np.maximum(ahead + behind, 1e-9), 0, 1)
        cut = shares[before] + part * (shares[first] - shares[before])
        kept = np.where(lost.any(1), np.minimum(kept, cut), kept)
    touch = (kept < 0.97).astype(float)
    return own.edge * kept * 0.985, touch


def _bridge(outlines: list[_Outline], index: int, edge: np.ndarray) -> np.ndarray | None:
    """The bridge from the first sister's outline to the second's; the first one holds it."""
    own = outlines[index]
    if own.sister is None or own.sister < index:
        return None
    other = outlines[own.sister]
    span = other.centre - own.centre
    angle = float(np.arctan2(span[1], span[0]))
    forward = span / np.hypot(*span)
    start = own.centre + forward * edge[nearest_way(angle)]
    end = other.centre - forward * other.edge[nearest_way(angle + np.pi)]
    return np.array([start, end])
