"""Fewer points for a curve that looks the same."""

from __future__ import annotations

import numpy as np

MOST_POINTS = 200
"""Points that are kept of a curve: as many as a small panel has pixels."""


def kept(across: np.ndarray, up: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Indices of at most `most` points of a curve, spread evenly along its drawn length, int64, rising.

    The first, the last and the (first) highest point always stay. Even steps of the index would not do: the scores of a
    rare label crowd near 0, and nearly all points with them.

    Args:
        across: horizontal values, float `[points]`, in drawing order.
        up: vertical values, float `[points]`; NaN counts as 0.
        most: three or more.
    """
    if len(across) <= most:
        return np.arange(len(across))
    height = np.nan_to_num(np.asarray(up, np.float64))
    steps = np.hypot(_share(across), _share(height))
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    marks = np.linspace(0.0, travelled[-1], most - 1)
    chosen = np.minimum(np.searchsorted(travelled, marks), len(travelled) - 1)
    chosen[-1] = len(travelled) - 1
    return np.union1d(chosen, np.argmax(height))


def _share(values: np.ndarray) -> np.ndarray:
    """Steps between neighbours, as shares of the whole range."""
    values = np.asarray(values, np.float64)
    spread = np.ptp(values)
    return np.diff(values) / spread if spread > 0 else np.zeros(len(values) - 1)
