"""Where the cells of a field lie, and what shape their outlines, nuclei and microtubules have.

A cell is star-shaped about the centre of its nucleus: its outline and its nucleus are tables of the distance from there
in `ANGLES` directions. All lengths and positions are shares of the field's side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpapipe.simulate import ink
from hpapipe.simulate.ink import POINT

ANGLES = 180
DIRECTIONS = np.arange(ANGLES) * (2 * np.pi / ANGLES)


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of a field, and the maps of it that the patterns draw with.

    Args:
        size: side of the field in pixels.
        centre: of the nucleus, float `[2]`, x and y.
        edge: distance of the outline in each direction, float `[ANGLES]`.
        touch: 1 where the outline meets another cell, else 0, float `[ANGLES]`.
        rim: distance of the nucleus's (or the metaphase plate's) outline in each direction, float `[ANGLES]`.
        poles: where microtubules start: one point, or the two of a spindle, float `[poles, 2]`.
        tracks: the microtubules, each from a pole outwards, float `[corners, 2]`.
        nucleoli: the circles that each nucleolus is made of, float `[circles, 3]`: x, y and radius.
        hollow: where an aggresome lies or would lie, float `[3]`: x, y and radius.
        mitotic: True in metaphase: no nucleus but a plate of chromosomes.
        bridge: ends of the bridge to the sister cell, float `[2, 2]`, or None. One of the sisters holds it.
        mesh: relief that the endoplasmic reticulum follows, float32 `[size, size]`.
    """

    size: int
    centre: np.ndarray
    edge: np.ndarray
    touch: np.ndarray
    rim: np.ndarray
    poles: np.ndarray
    tracks: list[np.ndarray]
    nucleoli: list[np.ndarray]
    hollow: np.ndarray
    mitotic: bool
    bridge: np.ndarray | None
    mesh: np.ndarray

    @cached_property
    def _polar(self) -> tuple[np.ndarray, np.ndarray]:
        axis = (np.arange(self.size, dtype=np.float32) + 0.5) / self.size
        x, y = axis[None, :] - np.float32(self.centre[0]), axis[:, None] - np.float32(self.centre[1])
        return np.hypot(x, y), np.arctan2(y, x)

    def around(self, table: np.ndarray) -> np.ndarray:
        """The value of a table `[ANGLES]` in the direction of each pixel, float32 `[size, size]`."""
        return lookup(table.astype(np.float32), self._polar[1])

    @cached_property
    def depth(self) -> np.ndarray:
        """How far inside the outline each pixel is (negative: outside), float32 `[size, size]`."""
        return self._distance(self.around(self.edge) - self._polar[0])

    @cached_property
    def nucleus_depth(self) -> np.ndarray:
        """How far inside the nucleus's outline each pixel is (negative: outside), float32 `[size, size]`."""
        return self._distance(self.around(self.rim) - self._polar[0])

    def _distance(self, radial: np.ndarray) -> np.ndarray:
        """Along a slanted outline the radial distance is too long: divide by its slope (first order)."""
        down, across = np.gradient(radial, 1 / self.size)
        return radial / np.clip(np.hypot(down, across), 1, 4)

    @cached_property
    def body(self) -> np.ndarray:
        """1 inside the cell, 0 outside, soft over one pixel, float32 `[size, size]`."""
        return np.clip(self.depth * self.size + 0.5, 0, 1)

    @cached_property
    def nucleus(self) -> np.ndarray:
        """1 inside the nucleus, 0 outside, soft over one pixel, float32 `[size, size]`."""
        return np.clip(self.nucleus_depth * self.size + 0.5, 0, 1)

    @cached_property
    def cytoplasm(self) -> np.ndarray:
        """1 in the cell but not in its nucleus, float32 `[size, size]`."""
        return self.body * (1 - self.nucleus)

    @cached_property
    def outwards(self) -> np.ndarray:
        """0 at the nucleus, 1 at the cell's outline, float32 `[size, size]`."""
        near, far = self.around(self.rim), self.around(self.edge)
        return np.clip((self._polar[0] - near) / np.maximum(far - near, POINT), 0, 1)

    @cached_property
    def nucleolar(self) -> np.ndarray:
        """1 inside nucleoli, float32 `[size, size]`."""
        circles = np.concatenate(self.nucleoli)
        return ink.dots(self.size, circles[:, :2], circles[:, 2], 1.0) * self.nucleus

    def spots(self, rng: np.random.Generator, count: int, lean: float = 1.0) -> np.ndarray:
        """Random places in the cytoplasm, `[count, 2]`; `lean` above 1 draws them to the nucleus, below to the edge."""
        near, far = self.rim + 1.5 * POINT, np.maximum(self.edge - 2 * POINT, self.rim + 2 * POINT)
        area = far**2 - near**2
        way = rng.choice(ANGLES, count, p=area / area.sum())
        out = rng.random(count) ** lean
        return self.place(way, np.sqrt(near[way] ** 2 + out * area[way]))

    def nuclear_spots(self, rng: np.random.Generator, count: int, apart: float) -> np.ndarray:
        """At most `count` random places in the nucleus, no two nearer than `apart`, float `[places, 2]`."""
        way = rng.choice(ANGLES, 3 * count, p=self.rim**2 / (self.rim**2).sum())
        tries = self.place(way, np.maximum(self.rim[way] - 2 * POINT, 0) * np.sqrt(rng.random(3 * count)))
        kept = [tries[0]]
        for spot in tries[1:]:
            if len(kept) < count and min(np.hypot(*(spot - other)) for other in kept) >= apart:
                kept.append(spot)
        return np.array(kept)

    def place(self, way: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Points at `distance` from the centre in the directions with these indices, float `[points, 2]`."""
        angle = DIRECTIONS[way]
        return self.centre + np.stack([np.cos(angle), np.sin(angle)], -1) * np.asarray(distance)[..., None]


def lookup(table: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """A periodic table `[ANGLES]` read at any angle (radians), linearly interpolated."""
    position = angle * table.dtype.type(ANGLES / (2 * np.pi))
    below = np.floor(position)
    part = position - below
    index = below.astype(np.intp) % ANGLES
    return table[index] * (1 - part) + table[(index + 1) % ANGLES] * part


def nearest_way(angle: float) -> int:
    """Index of the direction nearest to `angle` (radians)."""
    return round(angle * ANGLES / (2 * np.pi)) % ANGLES
