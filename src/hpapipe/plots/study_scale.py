"""How the values of a searched option lie along an axis: on a line, on a logarithmic one, or as choices."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

FEW = 6
"""Different numbers that are shown as evenly spaced choices where each was tried twice on average; few choices."""


@dataclass(frozen=True)
class Scale:
    """How the values of one option lie along an axis.

    Args:
        names: of choices, which stand at 0, 1, 2, …; empty for numbers on a line.
        low: lowest number; open for choices, as the next three.
        high: highest number.
        log: logarithmic.
        whole: whole numbers alone.
    """

    names: tuple[str, ...]
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    whole: bool = False

    def places(self, values: Iterable[Any], numbers: Iterable[int]) -> np.ndarray:
        """Places along the axis, float64 `[values]`; NaN where a value is missing.

        Args:
            values: of the option, one a trial.
            numbers: of the trials; by them trials of one choice stand a little apart, always in the same way.
        """
        if not self.names:
            return np.array([math.nan if pd.isna(value) else float(value) for value in values])
        golden = (1 + math.sqrt(5)) / 2  # its multiples fill a range evenly, however many there are
        spread = min(0.4, 0.07 * (len(self.names) - 1))
        return np.array(
            [
                math.nan if pd.isna(value) else self.names.index(_name(value)) + spread * (number * golden % 1 - 0.5)
                for value, number in zip(values, numbers, strict=True)
            ]
        )

    def shares(self, places: np.ndarray) -> np.ndarray:
        """Places as shares of the axis, from 0 at its lower end to 1."""
        if self.names:
            return (places + 0.5) / len(self.names)
        ends = np.array([self.low, self.high])
        if self.log:
            ends, places = np.log(ends), np.log(places)
        return (places - ends[0]) / (ends[1] - ends[0])

    def ticks(self, most: int) -> dict[float, str]:
        """Place -> what is written there: each choice, or about `most` round numbers."""
        if self.names:
            return {float(place): self._written(name) for place, name in enumerate(self.names)}
        rounding = 1e-9 * (self.high - self.low)
        marks = _log_marks(self.low, self.high, most) if self.log else []
        if len(marks) < 2:
            marks = list(
                MaxNLocator(most, integer=self.whole, steps=(1, 2, 2.5, 5, 10)).tick_values(self.low, self.high)
            )
        inside = [mark for mark in marks if self.low - rounding <= mark <= self.high + rounding]
        return {float(mark): _name(mark) for mark in inside}

    def _written(self, name: str) -> str:
        """A choice's name in up to three short lines, or in one where there are many choices."""
        short = _shortened(name, 44 if len(self.names) < FEW else 22)
        return "\n".join(_shortened(line, 22) for line in folded(short, 22, "_ ,./-").splitlines())


def scale_of(values: Iterable[Any], log: bool) -> Scale:
    """The scale for these values of an option: choices for texts, truths and few different numbers, else a line.

    Args:
        values: of all trials; None or NaN where a trial lacks the option.
        log: whether numbers are to be shown logarithmically, if they can be.
    """
    known = [value for value in values if not pd.isna(value)]
    different = set(known)
    if not all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in known):
        return Scale(tuple(sorted({_name(value) for value in known})))
    if len(different) <= 1 or (not log and len(different) <= FEW and 2 * len(different) <= len(known)):
        return Scale(tuple(dict.fromkeys(_name(value) for value in sorted(different))))
    low, high = float(min(known)), float(max(known))
    return Scale((), low, high, log and low > 0, all(float(value).is_integer() for value in known))


def folded(text: str, width: int, signs: str) -> str:
    """`text` in lines of at most `width` characters, as far as it can be broken after these signs."""
    kept = re.escape(signs)
    lines = [""]
    for piece in re.findall(f"[^{kept}]*[{kept}]+|[^{kept}]+", text):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def _name(value: Any) -> str:
    """true, 8, 0.1, 1e-5, adam: a value as recipes write it."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, int | float | np.number):
        return re.sub(r"e([+-])0+", r"e\1", f"{value:.6g}").replace("e+", "e")
    return str(value)


def _shortened(text: str, most: int) -> str:
    """`text` without its middle where it is longer than `most` characters: the ends tell long names apart."""
    half = most // 2
    return text if len(text) <= most else f"{text[: most - half - 1]}…{text[-half:]}"


def _log_marks(low: float, high: float, most: int) -> list[float]:
    """At most `most` numbers that are round on a logarithmic axis: as many to a power of ten as there is room for."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks: list[float] = []
    for digits in ((1, 2, 5), (1, 3), (1,)):
        marks = [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]
        if len(marks) <= most:
            return marks
    return marks[:: math.ceil(len(marks) / most)]
