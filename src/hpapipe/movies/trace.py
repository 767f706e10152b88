"""Area against time of one cell of one pool: raw, smoothed, normalized, and in which frames not to trust it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hpapipe.movies.following import Cell
from hpapipe.movies.smoothing import off_course, smoothed, spread

JUMP, LEAST_JUMP = 6.0, 0.05
"""What an area may be off its course: so many robust spreads of the trace, and never less than this share."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Area against time of one cell of one pool.

    Args:
        pool: its name, such as `r1c1`.
        cell: its number, 1 or 2.
        table: of `trace_table`.
    """

    pool: str
    cell: int
    table: pd.DataFrame

    @property
    def has_cell(self) -> bool:
        """Whether the cell was found in any frame."""
        return bool((self.table["area_px"] > 0).any())


def traces(
    pool: str,
    frames: Sequence[Sequence[Cell]],
    confidence: Sequence[float] | None = None,
    pixel_um: float | None = None,
    interval_s: float | None = None,
    window: int = 9,
    least_agreement: float = 0,
) -> list[Trace]:
    """A trace for each cell that the pool holds by the verdict of the last frame.

    Args:
        pool: its name.
        frames: `Found.cells` of each frame in turn, one frame or more.
        confidence: of each frame, 0 to 1, as `agreement` gives it; none: not known.
        pixel_um: µm a pixel, or none.
        interval_s: seconds from frame to frame, or none.
        window: of `smoothed`.
        least_agreement: of `trust`.
    """
    found = []
    for number in (cell.number for cell in frames[-1]):
        course = [next((cell for cell in cells if cell.number == number), None) for cells in frames]
        table = trace_table(course, confidence, pixel_um, interval_s, window, least_agreement)
        found.append(Trace(pool, number, table))
    return found


def trace_table(
    course: Sequence[Cell | None],
    confidence: Sequence[float] | None = None,
    pixel_um: float | None = None,
    interval_s: float | None = None,
    window: int = 9,
    least_agreement: float = 0,
) -> pd.DataFrame:
    """One row a frame.

    Columns: frame (from 0), hours; area_px (0 where there is no cell), smoothed_px, bubble_px, and the same in µm²
    (`_um2`); confidence, touches_rim, trusted, and why not; normalized and normalized_smoothed, from 0 for the least
    area of the trusted frames to 1 for their largest. What is not known is nan: hours without an interval, µm² without
    a pixel size, smoothed and normalized areas where there is no cell.

    Args:
        course: the cell in each frame; none where it was not even looked for.
        confidence: as for `traces`.
        pixel_um: as for `traces`.
        interval_s: as for `traces`.
        window: as for `traces`.
        least_agreement: as for `traces`.
    """
    area = np.array([cell.area_px if cell else 0 for cell in course], np.int64)
    measured = np.where(area > 0, area, np.nan).astype(np.float64)
    frame = np.arange(len(course))
    table = pd.DataFrame({"frame": frame, "hours": frame * (math.nan if interval_s is None else interval_s / 3600)})
    sizes = {
        "area": area,
        "smoothed": smoothed(measured, window),
        "bubble": np.array([cell.bubble_px if cell else 0 for cell in course], np.int64),
    }
    for name, pixels in sizes.items():
        table[f"{name}_px"] = pixels
        table[f"{name}_um2"] = pixels * (math.nan if pixel_um is None else pixel_um**2)
    table["confidence"] = np.full(len(course), np.nan) if confidence is None else np.asarray(confidence, np.float64)
    table["touches_rim"] = [bool(cell and cell.touches_rim) for cell in course]
    table = trust(table, least_agreement)
    for name, values in (("normalized", measured), ("normalized_smoothed", sizes["smoothed"])):
        table[name] = normalized(values, table["trusted"].to_numpy(bool))
    return table


def normalized(values: np.ndarray, trusted: np.ndarray | None = None) -> np.ndarray:
    """`values` from 0 for the least to 1 for the largest, float `[frames]`; nan where they are, or are all alike.

    Args:
        values: float `[frames]`, nan where there is none.
        trusted: bool `[frames]`: the least and the largest are of these, so that one wrong area does not bend the whole
            curve; others may lie beyond 0 and 1. None, or no such frame: of all.
    """
    finite = np.isfinite(values)
    ends = values[finite & trusted] if trusted is not None and (finite & trusted).any() else values[finite]
    low, high = (ends.min(), ends.max()) if len(ends) else (0.0, 0.0)
    return (values - low) / (high - low) if high > low else np.full(len(values), np.nan)


def trust(table: pd.DataFrame, least_agreement: float = 0, jump: float = JUMP) -> pd.DataFrame:
    """`table` with the columns trusted (bool) and why: what speaks against each frame, empty where nothing does.

    Against it speak: no cell; a cell at the rim, part of which may be hidden; turns that disagree; an area off the
    course of the frames before and after by more than `jump` spreads of the trace, and by more than 5 %.

    Args:
        table: with the columns area_px, smoothed_px, confidence and touches_rim.
        least_agreement: confidence below which the turns disagree; 0: whatever it is, they do not.
        jump: spreads, each as wide as most of the areas lie round the smoothed ones.
    """
    area = table["area_px"].where(table["area_px"] > 0).to_numpy(np.float64)
    course = table["smoothed_px"].to_numpy(np.float64)
    off = off_course(area) / course
    leaps = np.abs(off) > max(jump * spread(area / course), LEAST_JUMP)
    why = []
    for missing, rim, agreed, leap, share in zip(
        np.isnan(area), table["touches_rim"], table["confidence"], leaps, off, strict=True
    ):
        against = {
            "no cell": missing,
            "touches the rim": rim,
            "turns disagree": agreed < least_agreement,
            f"jump of {100 * share:+.0f} %": leap,
        }
        why.append("; ".join(reason for reason, holds in against.items() if holds))
    return table.assign(trusted=[not reasons for reasons in why], why=why)


def agreement(probabilities: np.ndarray, cut: float) -> float:
    """How far a network agrees with itself when a picture is turned and flipped, 0 to 1.

    The mean, over the turns, of the IoU between the turn's mask and that of the turns' mean; 1 where both are empty.

    Args:
        probabilities: of each turn, turned back, float `[turns, height, width]`.
        cut: probability from which a pixel is in a mask.

    Source: test-time augmentation as a measure of what is not known, Wang et al., "Aleatoric uncertainty estimation
    with test-time augmentation for medical image segmentation", 2019, there with variances.
    """
    masks, whole = probabilities >= cut, probabilities.mean(0) >= cut
    common = (masks & whole).sum((1, 2))
    either = (masks | whole).sum((1, 2))
    return float(np.mean(np.where(either > 0, common / np.maximum(either, 1), 1.0)))
