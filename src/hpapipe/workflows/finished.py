"""What a finished training run, or an ensemble of such, has logged, read back to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.progress import track
from hpapipe.tasks.judging import JUDGES
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import ENSEMBLE, FOLD, KIND, recipe_of

ANSWERS = ["id", "group", "truth", "named", "iou"]
"""Columns of `predictions` that are kept, as far as the task has them: the probabilities of many runs would fill the
memory."""


@dataclass(frozen=True)
class Finished:
    """A finished training run, or an ensemble, which has no curves, weights and speed of its own.

    Args:
        run: its id.
        name: its name in MLflow, made unique among the runs it was read with.
        recipe: that it was started with.
        tags: all of them.
        metrics: the last value of each.
        predictions: `id, group`, and `truth, named` or `iou`.
        per_label: a row a label; empty in segmentation.
        curves: fold -> losses; one entry with an empty name where one network was trained, none for an ensemble.
        weights: fold -> histograms of its weights.
        speed: images a second in training, the median of its folds; NaN for an ensemble.
    """

    run: Run
    name: str
    recipe: Recipe
    tags: dict[str, str]
    metrics: dict[str, float]
    predictions: pd.DataFrame
    per_label: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    weights: dict[str, pd.DataFrame]
    speed: float


def read_all(run_ids: Sequence[str]) -> list[Finished]:
    """These runs, in their order.

    Raises:
        UserError: a run does not exist, is not finished, or is of another kind.
    """
    found = [_read(each) for each in track(run_ids, "Reading runs", len(run_ids))]
    return [replace(each, name=name) for each, name in zip(found, _unique(found), strict=True)]


def _read(run_id: str) -> Finished:
    run = runs.find(run_id)
    _, tags, metrics = runs.facts(run)
    if "hpapipe.labels" not in tags or not any(f"score/{judge.measure}" in metrics for judge in JUDGES.values()):
        raise _unfinished(run, tags)
    parts = {} if tags.get(KIND) == ENSEMBLE else networks_of(run)
    speeds = [runs.facts(part)[2].get("fit/images_per_second", np.nan) for part in parts.values()]
    predictions = runs.read_table(run, "predictions")
    return Finished(
        run,
        tags.get("mlflow.runName", run.id),
        recipe_of(run),
        tags,
        metrics,
        predictions[[name for name in ANSWERS if name in predictions]],
        _numbers(run, "per_label") if "named" in predictions else pd.DataFrame(),
        {fold: _numbers(part, "figures/loss_curves") for fold, part in parts.items()},
        {fold: _numbers(part, "figures/weights") for fold, part in parts.items()},
        float(np.median(speeds)) if speeds else np.nan,
    )


def networks_of(run: Run) -> dict[str, Run]:
    """Fold -> the run that trained its network: `run` itself, with an empty name, where there are no folds."""
    named = {part: runs.facts(part)[1] for part in runs.children(run)}
    folds = {tags.get("mlflow.runName", part.id): part for part, tags in named.items() if tags.get(KIND) == FOLD}
    return folds or {"": run}


def _unfinished(run: Run, tags: dict[str, str]) -> UserError:
    """Why a run cannot be compared, and what to do."""
    rule, kind = "Only finished training runs and ensembles can be compared.", tags.get(KIND)
    if kind == FOLD:
        remedy = f"Give the run that it is a part of: {tags.get('mlflow.parentRunId')}."
    elif "hpapipe.labels" in tags:
        remedy = f"Train it to its end: hpapipe train --resume {run.id}."
        return UserError(rule, f"run {run.id}, which has no scores yet", remedy)
    else:
        remedy = "Give the ids of runs of `hpapipe train`; `mlflow ui` shows them."
    return UserError(rule, f"run {run.id}, which is {f'of the kind {kind}' if kind else 'no run of hpapipe'}", remedy)


def _numbers(run: Run, name: str) -> pd.DataFrame:
    """A logged table whose empty cells are numbers that are not known."""
    return runs.read_table(run, name).replace("", np.nan)


def _unique(found: Sequence[Finished]) -> list[str]:
    """The runs' names; where one repeats, with the first digits of the id, as many as tell the runs apart."""
    names = [each.name for each in found]
    for digits in (6, 32):
        if len(set(names)) == len(names):
            break
        given = [each.name for each in found]
        names = [f"{each.name} ({each.run.id[:digits]})" if given.count(each.name) > 1 else each.name for each in found]
    return names
