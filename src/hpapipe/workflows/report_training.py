"""The chapters of a report about how networks were trained."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

from hpapipe.pages.blocks import Chapter, Facts, Grid, Picture, Pictures, Words
from hpapipe.plots import curves as plots
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.report_run import Held

T = TypeVar("T")

MOST_NETWORKS = 12
"""Networks of a run whose pictures are shown."""


def curves(held: Held) -> Chapter:
    """The losses of each network, epoch by epoch."""
    found = held.histories
    if not found:
        return Chapter("Curves", ())
    pictures = [
        picture for name, history in _first(found) for picture in _curve(held, name, history, held.networks[name])
    ]
    rows = []
    for name, history in found.items():
        best = history.sort_values("val/loss" if "val/loss" in history else "epoch", kind="stable").iloc[0]
        row = {**_named(name), "epochs": len(history), "best epoch": int(best["epoch"])}
        row |= {"lowest validation loss": best.get("val/loss", np.nan), "training loss then": best["train/loss"]}
        measure = f"val/{held.judge.measure}"
        rows.append(row | ({f"{held.judge.words} then": best[measure]} if measure in history else {}))
    grid = Grid("Networks, at their lowest validation loss", pd.DataFrame(rows))
    more = f"The first {MOST_NETWORKS} of {len(found)} networks are drawn." if len(found) > MOST_NETWORKS else ""
    return Chapter("Curves", (*(Words(text) for text in [more] if text), Pictures(tuple(pictures)), grid))


def _curve(held: Held, name: str, history: pd.DataFrame, run: Run) -> tuple[Picture, ...]:
    """The logged figure; drawn anew where training did not come to its end."""
    lowest = history["val/loss"].min() if "val/loss" in history else float("nan")
    of = f" of {name}" if name else ""
    caption = f"Losses{of}; ringed: the lowest validation loss, whose weights are kept."
    alt = f"Lines: losses{of} over {len(history)} epochs; the lowest validation loss is {lowest:.4g}."
    logged = held.picture("loss_curves", caption, alt, run)
    if logged:
        return logged
    epochs = [{_measure(str(column)): value for column, value in row.items()} for row in history.to_dict("records")]
    drawn = io.BytesIO()
    plots.draw_loss_curves(plots.loss_curves_table(epochs)).savefig(drawn, format="png")
    return (Picture(drawn.getvalue(), f"{caption} Drawn from the epochs that were logged.", alt),)


def _measure(metric: str) -> str:
    """What curves call a logged number: `val/loss` is their `val_loss`, `val/macro_f1` their `macro_f1`."""
    return "val_loss" if metric == "val/loss" else metric.rpartition("/")[2]


def weights(held: Held) -> Chapter:
    """How the weights were distributed at the start, and at the end."""
    rows: list[dict[str, object]] = []
    pictures: list[Picture] = []
    for name, run in _first(held.networks):
        found = runs.read_bytes(run, "weights.json")
        if not found:
            continue
        of = f" of {name}" if name else ""
        alt = f"Histograms of the kernel weights{of} at the start and the end of training; the table has their numbers."
        pictures += held.picture("weights", f"Kernel weights{of} at the start and the end of training.", alt, run)
        for when, moment in json.loads(found).items():
            for part, numbers in moment.items():
                row = {**_named(name), "part": part, "when": when, "weights": numbers["weights"]}
                row |= {each: float(numbers[each]) for each in ("mean", "std", "min", "max")}
                rows.append(row | {f"beyond ±{numbers['bound']:g}": numbers["beyond"]})
    if not rows:
        return Chapter("Weights", ())
    return Chapter("Weights", (Pictures(tuple(pictures)), Grid("Kernel weights", pd.DataFrame(rows))))


def speed(held: Held) -> Chapter:
    """How fast the networks were trained."""
    found = held.histories
    rows = []
    size = held.recipe.feed.batch_size
    for name, history in found.items():
        row: dict[str, object] = {**_named(name), "epochs": len(history)}
        if "train/images_per_second" in history:
            rate = history["train/images_per_second"].median()
            row |= {"images a second": rate} | ({"steps a second": rate / size} if isinstance(size, int) else {})
        if "train/seconds" in history:
            row |= {"seconds an epoch": history["train/seconds"].median(), "seconds": history["train/seconds"].sum()}
        if "train/memory_mib" in history:
            row |= {"memory, MiB": history["train/memory_mib"].max()}
        rows.append(row)
    if not rows:
        return Chapter("Speed", ())
    whole = held.metrics.get("cost/training_seconds")
    facts = (
        ("Batch", f"{size} {held.judge.things}"),
        ("Training", duration(whole) if whole else ""),
        ("Precision", held.tags.get("hpapipe.precision", "")),
    )
    return Chapter(
        "Speed", (Facts(facts), Grid("Training; a second and an epoch are medians over the epochs", pd.DataFrame(rows)))
    )


def duration(seconds: float) -> str:
    """A time span in words: 8.3 s, 12 min 5 s, 1 h 3 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _named(name: str) -> dict[str, object]:
    """The column that names a network, which the only one does not need."""
    return {"network": name} if name else {}


def _first(found: Mapping[str, T]) -> list[tuple[str, T]]:
    """Of networks, those whose pictures are shown."""
    return list(found.items())[:MOST_NETWORKS]
