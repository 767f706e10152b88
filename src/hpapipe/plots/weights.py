"""How a network's weights are distributed at the start of training, at epochs in between, and at its end."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from hpapipe.plots import style

WHOLE, SUFFIX = "whole model", "suffix"
START, END = "start", "end"
BINS = 128


@dataclass(frozen=True)
class Distribution:
    """How some weights are distributed at one moment: a few hundred numbers instead of millions of weights.

    Args:
        weights: number of weights.
        beyond: number of those with `|w| > bound`, or not finite.
        bound: absolute weight beyond which a weight has run away.
        mean: of the finite weights; NaN where there are none, as the next three.
        std: of the finite weights.
        min: of the finite weights.
        max: of the finite weights.
        limit: the bins go from -limit to limit. It is a power of two, so that bins of two moments merge exactly.
        counts: weights in each of `BINS` equally wide bins, those beyond the limit in the outermost; NaN is left out.
    """

    weights: int
    beyond: int
    bound: float
    mean: float
    std: float
    min: float
    max: float
    limit: float
    counts: tuple[int, ...]


Moment = Mapping[str, Distribution]
"""Part, `whole model` or `suffix` -> how its weights are distributed at one moment."""


def weights_moment(weights: Mapping[str, np.ndarray], suffix: Collection[str], bound: float) -> dict[str, Distribution]:
    """The distributions of the whole model, and of its suffix where it has one.

    Args:
        weights: path of a kernel, e.g. `head/kernel` -> its weights now, float, any shape.
        suffix: paths of the kernels that follow the body.
        bound: absolute weight beyond which a weight has run away.
    """
    parts = {WHOLE: list(weights.values()), SUFFIX: [kernel for path, kernel in weights.items() if path in suffix]}
    return {part: _distribution(kernels, bound) for part, kernels in parts.items() if kernels}


def weights_summary(moments: Mapping[str, Moment]) -> dict[str, dict[str, dict[str, float]]]:
    """Moment -> part -> the numbers of its distribution, and `share_beyond`: `beyond` of all weights."""
    return {when: {part: _numbers(found) for part, found in moment.items()} for when, moment in moments.items()}


def weights_table(moments: Mapping[str, Moment]) -> pd.DataFrame:
    """`part, when, left, right, count, weights, beyond, bound`: all histograms over the same bins, a row a bin.

    `weights`, `beyond` and `bound` are those of the part at that moment.

    Args:
        moments: `start`, `epoch 5`, …, `end` -> the distributions then, in the order of time.
    """
    limit = max(found.limit for moment in moments.values() for found in moment.values())
    edges = np.linspace(-limit, limit, BINS + 1)
    rows = []
    for part in (WHOLE, SUFFIX):
        for when, moment in moments.items():
            if part in moment:
                found = moment[part]
                columns = {"left": edges[:-1], "right": edges[1:], "count": _merged(found, limit)}
                of_all = {"weights": found.weights, "beyond": found.beyond, "bound": found.bound}
                rows.append(pd.DataFrame({"part": part, "when": when, **columns, **of_all}))
    return pd.concat(rows, ignore_index=True)


def draw_weights(table: pd.DataFrame) -> Figure:
    """Histograms of the start (filled), of epochs (thin lines, colour bar) and of the end (bold line), a panel a part.

    Counts are logarithmic. The bound is marked where it is near; how many weights lie beyond it stands below.
    """
    between = [str(when) for when in table["when"].unique() if when not in (START, END)]
    ramp = matplotlib.colormaps["viridis_r"](np.linspace(0.1, 1, len(between)))  # the later, the darker
    looks = {START: {"fill": True, "color": "#c4c4c4"}}
    looks |= {when: {"color": colour, "linewidth": 0.8} for when, colour in zip(between, ramp, strict=True)}
    looks |= {END: {"color": style.PALETTE[1], "linewidth": 1.8}}
    groups = [(str(part), rows) for part, rows in table.groupby("part", sort=False)]
    whole = style.figure(4.6 * len(groups) + 0.6, 4.2)
    panels = whole.subplots(1, len(groups), squeeze=False)[0]
    for axes, (part, rows) in zip(panels, groups, strict=True):
        style.dress(
            axes,
            f"Kernel weights, {part}",
            "weight (outermost bins: and all beyond)",
            "weights in the bin (logarithmic)",
        )
        for when, look in looks.items():
            if len(bars := rows[rows["when"] == when]):
                edges = np.append(bars["left"], bars["right"].iloc[-1:])
                # The axis starts at a half, so that a bin with a single weight has a height.
                axes.stairs(bars["count"], edges, baseline=0.5, label=_label(bars), **look)
        _mark_bound(axes, rows)
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=0.5)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=style.TICK, frameon=False)
    if between:
        _colour_bar(whole, panels, between, ramp)
    return whole


def _distribution(kernels: Sequence[np.ndarray], bound: float) -> Distribution:
    """Kernel after kernel: all weights of a network at once would need several times its memory."""
    number = sum(kernel.size for kernel in kernels)
    beyond = sum(int(np.count_nonzero(~(np.abs(kernel) <= bound))) for kernel in kernels)
    finite = sum(int(np.isfinite(kernel).sum()) for kernel in kernels)
    mean = std = low = high = float("nan")
    if finite:
        low, high = min(kernel.min() for kernel in _finite(kernels)), max(kernel.max() for kernel in _finite(kernels))
        mean = sum(kernel.sum(dtype=np.float64) for kernel in _finite(kernels)) / finite
        squares = sum(np.square(kernel - mean, dtype=np.float64).sum() for kernel in _finite(kernels))
        std = np.sqrt(squares / finite)
    limit = _limit(max(abs(low), abs(high)) if finite else 0.0, bound)
    counts = np.zeros(BINS, np.int64)
    for kernel in kernels:
        inside = np.clip(kernel[~np.isnan(kernel)], -limit, limit)
        counts += np.histogram(inside, BINS, (-limit, limit))[0]
    return Distribution(
        number, beyond, bound, float(mean), float(std), float(low), float(high), limit, tuple(counts.tolist())
    )


def _finite(kernels: Sequence[np.ndarray]) -> Iterable[np.ndarray]:
    """The finite weights of each kernel that has any."""
    return (finite for kernel in kernels if (finite := kernel[np.isfinite(kernel)]).size)


def _limit(largest: float, bound: float) -> float:
    """The power of two above `largest`: at least a millionth, at most four times the bound."""
    exponent = min(np.frexp(largest)[1], np.frexp(2 * bound)[1])
    return float(2.0 ** max(exponent, -20))


def _merged(found: Distribution, limit: float) -> np.ndarray:
    """The counts over bins from -limit to limit, which are as wide as a power of two of the own ones."""
    times = int(min(limit / found.limit, BINS))
    outwards = np.arange(BINS // 2) // times
    places = np.concatenate([BINS // 2 - 1 - outwards[::-1], BINS // 2 + outwards])
    return np.bincount(places, found.counts, BINS).astype(np.int64)


def _numbers(found: Distribution) -> dict[str, float]:
    numbers = {name: value for name, value in asdict(found).items() if name not in ("limit", "counts")}
    return numbers | {"share_beyond": found.beyond / max(1, found.weights)}


def _label(bars: pd.DataFrame) -> str:
    """The legend's words for a histogram; none (`_`) for an epoch, which the colour bar shows."""
    first = bars.iloc[0]
    told = f"{first['when']} of training: {first['beyond']:,} of {first['weights']:,} beyond ±{first['bound']:g}"
    return told if first["when"] in (START, END) else f"_{first['when']}"


def _mark_bound(axes: Axes, rows: pd.DataFrame) -> None:
    """Lines at the bound, unless it is so far out that the histograms would shrink to a stroke."""
    filled = rows[rows["count"] > 0]
    reach = float(np.abs(filled[["left", "right"]].to_numpy()).max(initial=0)) or 1.0
    bound = float(rows["bound"].iloc[0])
    if bound <= 2 * reach:
        for place, label in ((-bound, f"±{bound:g}, the bound"), (bound, "_")):
            axes.axvline(place, color=style.INK, linewidth=1, linestyle=":", label=label)
        reach = max(reach, bound)
    axes.set_xlim(-1.05 * reach, 1.05 * reach)


def _colour_bar(whole: Figure, panels: np.ndarray, between: Sequence[str], ramp: np.ndarray) -> None:
    """Which colour is which epoch; every so many of them are named."""
    norm = BoundaryNorm(np.arange(len(between) + 1) - 0.5, len(between))
    bar = whole.colorbar(ScalarMappable(norm, ListedColormap(ramp)), ax=list(panels), aspect=30, shrink=0.9, pad=0.02)
    named = range(len(between))[:: math.ceil(len(between) / 10)]
    bar.set_ticks(named, labels=[between[place].removeprefix("epoch ") for place in named])
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=style.TICK, color=style.MUTED, labelcolor=style.INK, width=0.6)
    bar.set_label("epoch", fontsize=style.LABEL, color=style.INK)
    bar.outline.set_visible(False)
