"""A course over time made smooth, and values that lie off it."""

from __future__ import annotations

import numpy as np

SIDE = 5
"""Frames before a frame, and as many after it, that say what its value should be."""

SPLIT = 0.2
"""A line on one side must have less than this share of the error of the line on both."""

ENDS = ((0, 1, 2), (-1, -2, -3))
"""Places of the first and the last frame, and of the two beside each."""

LEAST_SIDE = 3
"""Fewer frames on one side say nothing."""


def smoothed(values: np.ndarray, window: int = 9) -> np.ndarray:
    """A running median of five frames, then lines fitted round each frame, float `[frames]`; nan where `values` is.

    What is wrong for one or two frames hardly leaves a trace. Where a line through the half window before a frame, or
    after it, fits far better than one through both, it is taken: a cell that falls together suddenly does so here too.

    Args:
        values: float `[frames]`, nan where nothing was measured; such frames are left out.
        window: frames of a line, odd; less than 3 leaves the running median.

    Source: Tukey, "Exploratory data analysis", 1977, the median; McDonald and Owen, "Smoothing with split linear fits",
    1986, the lines, here with weights as of Cleveland, "Robust locally weighted regression", 1979.
    """
    course = np.full(len(values), np.nan)
    frames = np.flatnonzero(np.isfinite(values))
    level = _medians(values[frames])
    half = window // 2
    for place, frame in enumerate(frames):
        before, after = slice(max(place - half, 0), place + 1), slice(place, place + half + 1)
        both = slice(before.start, after.stop)
        error, course[frame] = _line(frames[both] - frame, level[both])
        for side in (before, after):
            side_error, value = _line(frames[side] - frame, level[side])
            if len(level[side]) > 2 and side_error < SPLIT * error:
                error, course[frame] = side_error / SPLIT, value
    return course


def _medians(values: np.ndarray) -> np.ndarray:
    """Running medians of five, of three beside the ends, and at the ends by Tukey's rule."""
    level = values.astype(np.float64)
    for place in range(1, len(values) - 1):
        half = min(2, place, len(values) - 1 - place)
        level[place] = np.median(values[place - half : place + half + 1])
    if len(values) > 2:
        ends = [np.median([values[end], level[one], 3 * level[one] - 2 * level[two]]) for end, one, two in ENDS]
        level[[0, -1]] = ends
    return level


def _line(ways: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Of a line through `values`, weighted down with the way: its mean squared error, and its value at way 0."""
    weights = (1 - (np.abs(ways) / (np.abs(ways).max() + 1)) ** 3) ** 3
    weights /= weights.sum()
    middle, level = weights @ ways, weights @ values
    spread_of_ways = weights @ (ways - middle) ** 2
    slope = weights @ ((ways - middle) * (values - level)) / spread_of_ways if spread_of_ways else 0.0
    error = weights @ (values - level - slope * (ways - middle)) ** 2
    return float(error), float(level - slope * middle)


def off_course(values: np.ndarray) -> np.ndarray:
    """How far each value lies outside what the frames before it and those after it lead to, float `[frames]`.

    Both sides foretell a value by a line that a single wrong one of them does not bend. Between the two foretold values
    anything is right: that is how a cell that falls together looks. Positive is above; 0 where nothing was measured, or
    where no side has three frames.

    Args:
        values: float `[frames]`, nan where nothing was measured; such frames are left out.

    Source: Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968, for the line.
    """
    away = np.zeros(len(values))
    frames = np.flatnonzero(np.isfinite(values))
    for place, frame in enumerate(frames):
        sides = (frames[max(place - SIDE, 0) : place], frames[place + 1 : place + 1 + SIDE])
        foretold = [_foretold(side - frame, values[side]) for side in sides if len(side) >= LEAST_SIDE]
        if foretold:
            away[frame] = values[frame] - np.clip(values[frame], min(foretold), max(foretold))
    return away


def _foretold(ways: np.ndarray, values: np.ndarray) -> float:
    """The value at way 0 of a robust line through `values`."""
    one, other = np.triu_indices(len(ways), 1)
    slope = np.median((values[other] - values[one]) / (ways[other] - ways[one]))
    return float(np.median(values - slope * ways))


def spread(values: np.ndarray) -> float:
    """The standard deviation that most of `values` have, whatever the others are; nan values are left out.

    Source: Hampel, "The influence curve and its role in robust estimation", 1974: 1.4826 times the median absolute
    deviation.
    """
    finite = values[np.isfinite(values)]
    return float(1.4826 * np.median(np.abs(finite - np.median(finite)))) if len(finite) else 0.0
