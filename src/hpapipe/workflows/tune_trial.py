"""One trial of a study: a point of the space, trained, tracked, and stopped early where it is hopeless."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import KIND, TRIAL, keep_recipe
from hpapipe.workflows.material import Material, identify, ready
from hpapipe.workflows.space import Dimension, Point, at
from hpapipe.workflows.speed_cell import runs_out
from hpapipe.workflows.train import Outcome, checked, train_on

RUN, REASON = "hpapipe.run", "hpapipe.reason"
"""Attributes of a trial: the id of its run, and why it was stopped or failed."""


class TrialError(Exception):
    """A trial that cannot be trained; its reason stands in the trial, and the study goes on."""


class Bench:
    """What the trials of one worker have in common.

    Args:
        recipe: of the study.
        space: its dimensions.
        parent: the study's run.
    """

    def __init__(self, recipe: Recipe, space: Sequence[Dimension], parent: Run) -> None:
        self.recipe, self.space, self.parent = recipe, space, parent
        self.materials: dict[str, Material] = {}

    def material(self, recipe: Recipe) -> Material:
        """What a recipe trains from: checked, split and opened once for all trials that share it."""
        sections = recipe.model_dump(mode="json", include={"data", "simulate", "checks", "split", "workspace"})
        key = json.dumps([sections, recipe.feed.source], sort_keys=True)
        if key not in self.materials:
            self.materials[key] = ready(recipe, self.parent)
        return replace(self.materials[key], recipe=recipe)

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        """The objectives' values.

        Raises:
            optuna.TrialPruned: hopeless, or out of its time.
            TrialError: it cannot be trained.
        """
        try:
            recipe = checked(at(self.recipe, suggested(self.space, trial)))
            outcome = _trained(self, recipe, trial)
        except UserError as fault:
            raise _failed(trial, fault.lines[0]) from fault
        except (MemoryError, RuntimeError, ValueError) as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            if not isinstance(error, MemoryError) and not runs_out(text):
                raise
            raise _failed(trial, f"out of memory: {text}") from error
        values = {"macro_f1": outcome.macro_f1, "images_per_second": outcome.images_per_second}
        chosen = tuple(values[name] for name in recipe.tune.objectives)
        return chosen if len(chosen) > 1 else chosen[0]


def suggested(space: Sequence[Dimension], trial: optuna.Trial) -> Point:
    """The point that a trial is to try."""
    point: Point = {}
    for dimension in space:
        if dimension.asked(point):
            point[dimension.option] = _suggested(dimension, trial)
    return point


def _suggested(dimension: Dimension, trial: optuna.Trial) -> Any:
    if dimension.choices:
        # Optuna keeps only plain values: lists and tables are chosen by their text.
        texts = {_plain(choice): choice for choice in dimension.choices}
        return texts[trial.suggest_categorical(dimension.option, list(texts))]
    if dimension.whole:
        step = int(dimension.step or 1)
        return trial.suggest_int(
            dimension.option, int(dimension.low), int(dimension.high), step=step, log=dimension.log
        )
    return trial.suggest_float(dimension.option, dimension.low, dimension.high, step=dimension.step, log=dimension.log)


def _plain(choice: Any) -> Any:
    return choice if isinstance(choice, str | int | float | bool | None) else json.dumps(choice)


def _trained(bench: Bench, recipe: Recipe, trial: optuna.Trial) -> Outcome:
    begun = time.monotonic()
    tags = {
        KIND: TRIAL,
        "mlflow.runName": f"trial {trial.number}",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.recipe": recipe.fingerprint,
        "hpapipe.trial": str(trial.number),
        "hpapipe.study": trial.study.study_name,
    }
    single = len(recipe.tune.objectives) == 1

    def watch(epoch: int, row: Mapping[str, float]) -> None:
        if single:
            trial.report(row["macro_f1"], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned(f"hopeless after epoch {epoch}")
        if recipe.tune.trial_seconds and time.monotonic() - begun > recipe.tune.trial_seconds:
            raise optuna.TrialPruned(f"out of its {recipe.tune.trial_seconds:g} s after epoch {epoch}")

    stopped: optuna.TrialPruned | None = None
    with runs.running(recipe.experiment, tags, trial.user_attrs.get(RUN), parent=bench.parent) as run:
        trial.set_user_attr(RUN, run.id)
        keep_recipe(run, recipe)
        material = bench.material(recipe)
        identify(material, run)
        try:
            return train_on(material, run, watch, register_now=False)
        except optuna.TrialPruned as pruned:
            # Its run is no failure: it ends here as finished, and is marked.
            stopped = pruned
            run.tags({"hpapipe.pruned": str(pruned)})
    trial.set_user_attr(REASON, str(stopped))
    raise stopped


def _failed(trial: optuna.Trial, reason: str) -> TrialError:
    trial.set_user_attr(REASON, reason)
    return TrialError(reason)
