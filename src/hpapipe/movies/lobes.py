"""Round lobes of one object, told apart where a neck joins them, or where two cells were seen before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt, label, maximum

NECK = 0.8
"""A neck is at most this share of the width of each lobe that it joins; what is wider is one body."""

STEP = 1.15
"""From one width at which necks are looked for to the next: fine enough, as bubbles hang on by half their width."""

LEAST_LOBE = (1.5, 0.08)
"""Inner radius of the smallest lobe: pixels, and a share of its object's. Below it lies the roughness of outlines."""


def depths(body: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the nearest outside `body`, in pixels, float `[height, width]`; 0 outside."""
    return distance_transform_edt(np.pad(body, 1))[1:-1, 1:-1]


def lobes(body: np.ndarray, least: float = 0) -> np.ndarray:
    """Lobes of one object, int32 `[height, width]` from 1; 0 outside.

    The object is eroded by wider and wider discs. Where it falls apart into parts that are each clearly wider than what
    joined them, every pixel goes to the nearest part: the cut runs through the corners of the neck.

    Args:
        body: bool `[height, width]`, one connected object.
        least: pixels that each part must have; smaller ones stay with the rest.

    Source: openings by discs after Serra, "Image analysis and mathematical morphology", 1982; as the right radius is
    not known beforehand, all are tried.
    """
    inside = depths(body)
    parts = body.astype(np.int32)
    widest = float(inside.max(initial=0))
    smallest = max(LEAST_LOBE[0], LEAST_LOBE[1] * widest)
    depth = 1.0
    while depth < NECK * widest:
        cores, count = label(inside > depth)
        if count > 1:
            _divide(parts, cores, inside, max((depth - 0.5) / NECK + 0.5, smallest), least)
        depth *= STEP
    return parts


def _divide(parts: np.ndarray, cores: np.ndarray, inside: np.ndarray, radius: float, least: float) -> None:
    """Divide each part, in place, among those of its cores that hold a disc of `radius`, where there are several."""
    deepest = np.asarray(maximum(inside, cores, np.arange(1, int(cores.max()) + 1)))
    homes: dict[int, list[int]] = {}
    for core in (np.flatnonzero(deepest >= radius) + 1).tolist():
        homes.setdefault(int(parts[cores == core][0]), []).append(core)
    for home, own_cores in homes.items():
        own = parts == home
        if len(own_cores) > 1:
            shares = np.bincount(_nearest(cores, own_cores)[own], minlength=int(cores.max()) + 1)
            own_cores = [core for core in own_cores if shares[core] >= least]
        if len(own_cores) > 1:
            nearest = _nearest(cores, own_cores)
            for core in own_cores[1:]:
                parts[own & (nearest == core)] = parts.max() + 1


def _nearest(cores: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
    """Which of the cores `wanted` is nearest to each pixel, as `cores`."""
    rows, columns = distance_transform_edt(~np.isin(cores, wanted), return_distances=False, return_indices=True)
    return cores[rows, columns]


def by_seeds(body: np.ndarray, seeds: Sequence[np.ndarray]) -> np.ndarray:
    """Which seed each pixel of `body` belongs to, int32 `[height, width]`: 1 to the number of seeds; 0 outside.

    A pixel belongs to the seed whose outline it lies deepest in, or is nearest to: for two discs the cut runs through
    the corners of the neck between them, also where both have grown.

    Args:
        body: bool `[height, width]`.
        seeds: bool `[height, width]` each, not empty: where the parts were before.
    """
    ways = []
    for seed in seeds:
        inside = depths(seed)
        core = inside > inside.max() / 2
        ways.append(distance_transform_edt(~core) - inside.max() / 2)
    return np.where(body, np.argmin(ways, 0) + 1, 0).astype(np.int32)
