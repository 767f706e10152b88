"""A study: its trials one after another, which options matter, the trade between two objectives, learning curves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hpapipe.plots import style
from hpapipe.plots.study_front import draw_pareto, pareto_table
from hpapipe.plots.study_space import MANY, draw_parallel, draw_slice, parallel_table, slice_table

NAMES = {"macro_f1": "macro F1 (0 to 1)", "images_per_second": "images a second"}
"""Objective -> its name and unit on an axis."""

BEST = style.PALETTE[1]
MARKS: dict[str, dict[str, Any]] = {
    "complete": {"color": style.PALETTE[0], "marker": "o"},
    "running": {"color": style.PALETTE[2], "marker": "."},
    "pruned": {"color": "#8a8a8a", "marker": "o", "fillstyle": "none"},
    "failed": {"color": style.INK, "marker": "x"},
}
"""How the trials of a state are marked."""


def study_figures(
    trials: pd.DataFrame,
    objectives: Sequence[str],
    options: Sequence[str],
    importances: Mapping[str, float],
    epochs: pd.DataFrame,
    log: Collection[str],
) -> Iterator[tuple[str, pd.DataFrame, Figure]]:
    """(name, table, figure) of everything that is drawn of a study; what there is no data for is left out.

    All but the Pareto front show the first objective.

    Args:
        trials: one row a trial: `number`, `state` (complete, pruned, failed, waiting, running), each objective (NaN
            where it was not reached), and each searched option (None or NaN where the trial did not ask for it).
        objectives: columns; both as high as can be.
        options: columns.
        importances: option -> its share of all options' importance for the first objective, 0 to 1; may be empty.
        epochs: `number, epoch, value, state`: what the trials reported of the first objective; may have no rows.
        log: options that are searched on a logarithmic scale.
    """
    if not len(trials):
        return
    first, up = objectives[0], _named(objectives[0])
    table = history_table(trials, first)
    yield "study/history", table, draw_history(table, up)
    complete = trials[(trials["state"] == "complete") & trials[first].notna()].sort_values("number")
    if not len(complete):
        return
    if importances:
        table = importance_table(importances)
        yield "study/importance", table, draw_importance(table, up)
    options = [option for option in options if complete[option].notna().any()]
    if options:
        table = slice_table(complete, first, options)
        yield "study/slice", table, draw_slice(table, up, log)
    if len(options) > 1:
        table = parallel_table(complete, first, options)
        yield "study/parallel", table, draw_parallel(table, up, log)
    if len(objectives) > 1:
        table = pareto_table(complete, objectives)
        yield "study/pareto", table, draw_pareto(table, up, _named(objectives[1]))
    if epochs["value"].notna().any():
        best = complete["number"].to_numpy()[np.argmax(complete[first])]
        table = epochs_table(epochs, int(best))
        yield "study/epochs", table, draw_epochs(table, up)


def history_table(trials: pd.DataFrame, objective: str) -> pd.DataFrame:
    """`number, state, value, best`, a row a trial in the order of their numbers.

    The value of a pruned trial is what it had reached; `best` is the highest of the complete trials so far.
    """
    table = trials[["number", "state", objective]].rename(columns={objective: "value"})
    table = table.astype({"value": "float64"}).sort_values("number", ignore_index=True)
    table["value"] = table["value"].where(table["state"].isin(("complete", "pruned")))
    table["best"] = table["value"].where(table["state"] == "complete").cummax().ffill()
    return table


def draw_history(table: pd.DataFrame, up: str) -> Figure:
    """The objective of each trial over its number, and a line of the best so far, whose last rise is ringed.

    Complete trials are filled, pruned ones hollow; failed ones, and those pruned before any value, stand at the axis.

    Args:
        table: of `history_table`.
        up: name and unit of the objective.
    """
    whole = style.figure(7.5, 4.2)
    axes = style.dress(whole.add_subplot(), "Trials of the study", "trial", up)
    size = 5.0 if len(table) <= MANY else 3.5
    handles = []
    for state in ("complete", "pruned", "failed"):
        rows = table[table["state"] == state]
        drawn = {**MARKS[state], "linestyle": "none", "markersize": size, "label": f"{state} ({len(rows)})"}
        valued = rows["value"].notna()
        handle = axes.plot(rows["number"][valued], rows["value"][valued], **drawn)
        handles += handle if len(rows) else []
        at_axis = rows["number"][~valued]
        axes.plot(at_axis, np.full(len(at_axis), 0.025), transform=axes.get_xaxis_transform(), **drawn)
    axes.margins(y=0.1)  # room for what stands at the axis
    if table["best"].notna().any():
        handles.append(_draw_best(axes, table, size))
    if not table["value"].notna().any():
        axes.set_yticks([])
        axes.title.set_text("Trials of the study, none with a value")
    beside = 0.7 + 0.01 * len(table)
    axes.set_xlim(table["number"].min() - beside, table["number"].max() + beside)
    _finish(whole, axes, handles)
    return whole


def importance_table(importances: Mapping[str, float]) -> pd.DataFrame:
    """`option, importance`, the most important option first."""
    table = pd.DataFrame({"option": list(importances), "importance": np.array(list(importances.values()), np.float64)})
    return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def draw_importance(table: pd.DataFrame, objective: str) -> Figure:
    """A bar an option, as long as its share of all options' importance, the most important on top.

    Args:
        table: of `importance_table`.
        objective: its name and unit.
    """
    options = [str(option) for option in table["option"]]
    whole = style.figure(4.5 + style.tick_room(options), 0.28 * len(options) + 1.1)
    axes = style.dress(whole.add_subplot(), f"Importance of the options for {objective}", "share of the importance")
    bars = axes.barh(options, table["importance"], color=style.PALETTE[0], height=0.65)
    axes.bar_label(bars, [f"{100 * share:.0f} %" for share in table["importance"]], padding=3, fontsize=style.TICK)
    axes.set_yticks(range(len(options)), options, parse_math=False)
    axes.grid(False, axis="y")
    axes.set(xlim=(0, max(0.05, 1.15 * table["importance"].max())), ylim=(len(options) - 0.5, -0.5))
    return whole


def epochs_table(epochs: pd.DataFrame, best: int) -> pd.DataFrame:
    """`number, epoch, value, state, best`, a row an epoch of a trial, trial after trial.

    Args:
        epochs: `number, epoch, value, state`, in any order.
        best: number of the trial whose rows get a true `best`.
    """
    table = epochs[["number", "epoch", "value", "state"]].astype({"value": "float64"}).dropna(subset=["value"])
    return table.assign(best=table["number"] == best).sort_values(["number", "epoch"], ignore_index=True)


def draw_epochs(table: pd.DataFrame, up: str) -> Figure:
    """The objective against the epoch, a thin line a trial and a thick one for the best.

    Lines of pruned trials are grey and end with a hollow mark, those of failed ones with a cross.

    Args:
        table: of `epochs_table`.
        up: name and unit of the objective.
    """
    whole = style.figure(7.5, 4.4)
    axes = style.dress(whole.add_subplot(), "Learning curves of the trials", "epoch", up)
    trials = [rows for _, rows in table.groupby("number")]
    many = len(trials) > MANY
    faint = {"linewidth": 0.6 if many else 0.8, "markersize": 2.5 if many else 3.5, "alpha": 0.5 if many else 0.9}
    handles = []
    for state, look in MARKS.items():
        own = [rows for rows in trials if rows["state"].iloc[0] == state]
        drawn = {**look, **faint, "markevery": [-1], "label": f"{state} ({len(own)})"}
        handles += [axes.plot(rows["epoch"], rows["value"], **drawn)[0] for rows in own][:1]
    best = table[table["best"]]
    if len(best):
        label = f"best: trial {best['number'].iloc[0]}"
        dots: dict[str, Any] = {"marker": "o", "markersize": 4, "markevery": [-1]}
        handles += axes.plot(best["epoch"], best["value"], color=BEST, linewidth=2.4, label=label, **dots)
    axes.set_xlim(table["epoch"].min() - 0.5, table["epoch"].max() + 0.5)
    _finish(whole, axes, handles)
    return whole


def _draw_best(axes: Axes, table: pd.DataFrame, size: float) -> Line2D:
    """The line of the best so far, with a ring around the trial that was the best in the end."""
    first = table[table["best"] == table["best"].max()].iloc[0]
    label = f"best so far, in the end {first['best']:.4g} in trial {first['number']}"
    axes.plot([first["number"]], [first["best"]], "o", color=BEST, fillstyle="none", markersize=2 * size)
    return axes.plot(table["number"], table["best"], color=BEST, linewidth=1.4, drawstyle="steps-post", label=label)[0]


def _finish(whole: Figure, axes: Axes, handles: Sequence[Line2D]) -> None:
    """Whole numbers across, and what lines and marks mean below."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    whole.legend(handles=handles, loc="outside lower left", ncols=4, fontsize=style.TICK, frameon=False)


def _named(objective: str) -> str:
    return NAMES.get(objective, objective.replace("_", " "))
