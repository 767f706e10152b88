"""Predictions of new images against what the same Version answered on images that it never learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe import checks
from hpapipe.config import Recipe
from hpapipe.imageset.looks import LOOKS
from hpapipe.plots import drift as plots
from hpapipe.scoring.drift import SURE, corrected, distance, share_change, share_interval, share_p
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.drift_sets import Side, about, answered, held_out, sampled
from hpapipe.workflows.kept import DRIFT, KIND, keep_recipe, recipe_of
from hpapipe.workflows.refused import refuse_other

NOTHING = "no label"
TOP = "highest probability"
UNREADABLE = "fields that cannot be read"

UNITS = {"mean": " (grey levels)", "spread": " (grey levels)", "saturated": " (share of pixels)", "sharpness": ""}
"""Of what is measured of images."""

JUDGED = ("share_change", "top_shift", "image_shift", "unreadable")
"""Columns that the suite `predictions` judges; each row has a value in one of them."""


@dataclass(frozen=True)
class Drifted:
    """What was found.

    Args:
        run: where it is logged.
        version: model and number that answered.
        before: fields that it never learned.
        now: fields of the prediction.
        table: `drift_table`.
        report: of the suite `predictions`.
        off: ids of the rows of `table` that break it, each once.
    """

    run: str
    version: str
    before: int
    now: int
    table: pd.DataFrame
    report: checks.Report
    off: tuple[str, ...]


def drift(recipe: Recipe, folder: Path, images: int) -> Drifted:
    """Compare a prediction with the answers of the run that made its Version, and log what differs.

    Args:
        recipe: names the experiment and the suites.
        folder: that `hpapipe predict` wrote.
        images: fields whose images are measured, drawn by chance; 0: none.

    Raises:
        UserError: no prediction of a classifier in the folder, its run is gone, or its images are.
    """
    refuse_other(recipe, "classification", "drift", "Masks have no drift to tell yet.")
    told = about(folder)
    asked, rule = told["asked"], told["by"]
    source = runs.find(asked["run"])
    trained = recipe_of(source)
    now = answered(folder, told)
    before = held_out(source, rule, trained)
    if images:
        now = replace(now, looks=sampled(folder, told, trained, images))
    table = drift_table(rule["labels"], before, now)
    suites = Path(recipe.checks.suites) if recipe.checks.suites else None
    report = checks.run("predictions", table, {"sure": SURE}, suites)
    version = f"{asked['model']}/{asked['version']}"
    tags = {
        KIND: DRIFT,
        "mlflow.runName": f"drift of {folder.resolve().name}",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.version": version,
        "hpapipe.data": str(told["data"]),
    }
    off = tuple(dict.fromkeys(name for failure in report.failures for name in failure.ids))
    with runs.running(recipe.experiment, tags) as run:
        keep_recipe(run, recipe)
        _log(run, table, report, rule["labels"], before, now)
        run.metrics({"drift/off": len(off), "drift/fields": now.fields})
    return Drifted(run.id, version, before.fields, now.fields, table, report, off)


def drift_table(labels: list[str], before: Side, now: Side) -> pd.DataFrame:
    """A row a quantity.

    Columns:
        id: what it is.
        before, now: its share, 0 to 1, or its median.
        p: the chance of a difference as large if there were none, corrected for the number of rows; NaN: not tested.
        share_change: Cohen's h of the share of a label, 0 where it is not sure; NaN for all that is no such share.
        top_shift: `distance` of the highest probabilities, 0 where it is not sure; NaN for other rows.
        image_shift: `distance` of what was measured of a channel, likewise.
        unreadable: share of fields that cannot be read; NaN for other rows.
    """
    counts = [np.append(side.named, side.nothing) for side in (before, now)]
    shares = [count / max(1, side.fields) for count, side in zip(counts, (before, now), strict=True)]
    names = [*(f"{label}, share" for label in labels), f"{NOTHING}, share"]
    rows = pd.DataFrame({"id": names, "before": shares[0], "now": shares[1]})
    rows["p"] = share_p(counts[0], before.fields, counts[1], now.fields)
    rows["share_change"] = share_change(*shares)
    shifts = [_shift(TOP, "top_shift", before.top, now.top)]
    shifts += [_shift(name, "image_shift", *values) for name, values in _seen(before, now).items()]
    fields = now.fields + now.unreadable
    broken = {"id": UNREADABLE, "before": 0.0, "now": now.unreadable / fields, "unreadable": now.unreadable / fields}
    table = pd.concat([rows, pd.DataFrame(shifts), pd.DataFrame([broken])], ignore_index=True)
    table = table.reindex(columns=["id", "before", "now", "p", *JUDGED]).astype(dict.fromkeys(JUDGED, np.float64))
    tested = table["p"].notna()
    table.loc[tested, "p"] = corrected(table.loc[tested, "p"].to_numpy())
    unsure = tested & (table["p"] >= SURE)
    for column in JUDGED[:-1]:
        table.loc[unsure & table[column].notna(), column] = 0.0
    return table


def _shift(name: str, column: str, before: np.ndarray, now: np.ndarray) -> dict[str, object]:
    found, p = distance(before, now)
    return {"id": name, "before": _median(before), "now": _median(now), "p": p, column: found}


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")


def _log(run: Run, table: pd.DataFrame, report: checks.Report, labels: list[str], before: Side, now: Side) -> None:
    """Log the table, what the suite says of it, and the figures."""
    run.table("drift", table)
    run.table("checks/predictions", report.table())
    intervals = [share_interval(side.named, max(1, side.fields)) for side in (before, now)]
    sure = table["p"].to_numpy()[: len(labels)] < SURE
    shares = plots.shares_table(labels, (before.named, now.named), (before.fields, now.fields), intervals, sure)
    run.figure("shares", shares, plots.draw_shares(shares))
    spread = plots.distributions_table({**_seen(before, now, UNITS), f"{TOP} (0 to 1)": (before.top, now.top)})
    run.figure("distributions", spread, plots.draw_distributions(spread))


def _seen(before: Side, now: Side, units: Mapping[str, str] | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What was measured of each channel -> its values in both sets; nothing where the new images were not measured.

    Args:
        before: the earlier set.
        now: the new set.
        units: what is added to the name of each of `LOOKS`.
    """
    if now.looks.empty:
        return {}
    found = {}
    for channel in before.looks["channel"].unique():
        of = [side.looks[side.looks["channel"] == channel] for side in (before, now)]
        for name in LOOKS:
            told = f"{channel}, {name}{units[name] if units else ''}"
            found[told] = (of[0][name].to_numpy(np.float64), of[1][name].to_numpy(np.float64))
    return found
