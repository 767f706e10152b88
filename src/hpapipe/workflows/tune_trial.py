"""One trial of a study: a point of the space, trained, tracked, and stopped early where it is hopeless."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from hpapipe.config import Recipe
from hpapipe.errors import AwayError, UserError
from hpapipe.tasks.judging import judge_of
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.alone import is_abandoned
from hpapipe.workflows.fold import Watch, place_of
from hpapipe.workflows.kept import KIND, TRIAL, keep_recipe
from hpapipe.workflows.material import Material, identify, ready
from hpapipe.workflows.space import Dimension, Point, at, plain
from hpapipe.workflows.speed_cell import runs_out
from hpapipe.workflows.train import Outcome, checked, train_on
from hpapipe.workflows.tune_notes import note_of, present
from hpapipe.workflows.tune_queue import REASON, RUN, STOPPED, WORKER
from hpapipe.workflows.tune_study import sampler

SHOWN = ("loss_curves", "f1_per_label", "iou_per_group")
"""Figures of a trial's run, as far as it has them, that Optuna's dashboard shows too."""


MATERIAL = ("task", "data", "pairs", "simulate", "film", "movie", "checks", "split", "workspace")
"""What of a recipe says what it trains from, beside `feed.source`."""


class TrialError(Exception):
    """A trial that cannot be trained; its reason stands in the trial, and the study goes on."""


class Bench:
    """What the trials of one worker have in common; called with a trial, it trains it.

    Args:
        recipe: of the study.
        space: its dimensions.
        parent: the study's run.
        worker: the worker's name.
    """

    def __init__(self, recipe: Recipe, space: Sequence[Dimension], parent: Run, worker: str) -> None:
        self.recipe, self.space, self.parent, self.worker = recipe, space, parent, worker
        self.materials: dict[str, Material] = {}
        self.place: Path | None = None
        self.lost = False

    def material(self, recipe: Recipe) -> Material:
        """What a recipe trains from: checked, split and opened once for all trials that share it."""
        sections = recipe.model_dump(mode="json", include=set(MATERIAL))
        key = json.dumps([sections, recipe.feed.source], sort_keys=True)
        if key not in self.materials:
            self.materials[key] = ready(recipe, self.parent)
        return replace(self.materials[key], recipe=recipe)

    def clear(self) -> None:
        """Remove what the last trial kept to go on with, once it has come to its end."""
        if self.place:
            shutil.rmtree(self.place, ignore_errors=True)
            self.place = None

    def __call__(self, trial: optuna.Trial) -> tuple[float, ...]:
        """The objectives' values.

        Raises:
            optuna.TrialPruned: hopeless, or out of its time.
            TrialError: it cannot be trained.
            UpdateFinishedTrialError: this worker was thought to be dead, and its trial is another's now.
            AwayError: a database does not answer; the trial is to be tried again.
            KeyboardInterrupt: the user stopped it; the same.
        """
        try:
            trial.set_user_attr(WORKER, self.worker)
            trial.study.sampler = sampler(self.recipe.tune, trial.number)
            recipe = checked(at(self.recipe, suggested(self.space, trial)))
            return values(recipe, _trained(self, recipe, trial))
        except optuna.exceptions.UpdateFinishedTrialError:
            self.lost = True
            raise
        except (AwayError, KeyboardInterrupt):
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
                trial.set_user_attr(STOPPED, True)
            raise
        except UserError as fault:
            raise _failed(trial, fault.lines[0]) from fault
        except Exception as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            exhausted = isinstance(error, MemoryError) or runs_out(text)
            if not exhausted and not isinstance(error, RuntimeError | ValueError):  # TensorFlow has errors of its own
                raise
            raise _failed(trial, f"out of memory: {text}" if exhausted else text) from error


def values(recipe: Recipe, outcome: Outcome) -> tuple[float, ...]:
    """What the objectives came to."""
    known = {judge_of(recipe).measure: outcome.score, "images_per_second": outcome.images_per_second}
    return tuple(known[name] for name in recipe.tune.objectives)


def suggested(space: Sequence[Dimension], trial: optuna.Trial) -> Point:
    """The point that a trial is to try."""
    point: Point = {}
    for dimension in space:
        if dimension.asked(point):
            point[dimension.option] = _suggested(dimension, trial)
    return point


def _suggested(dimension: Dimension, trial: optuna.Trial) -> Any:
    option, low, high, step = dimension.option, dimension.low, dimension.high, dimension.step
    if dimension.choices:
        choices = {plain(choice): choice for choice in dimension.choices}
        return choices[trial.suggest_categorical(option, list(choices))]
    if dimension.whole:
        return trial.suggest_int(option, int(low), int(high), step=int(step or 1), log=dimension.log)
    return trial.suggest_float(option, low, high, step=step, log=dimension.log)


def _trained(bench: Bench, recipe: Recipe, trial: optuna.Trial) -> Outcome:
    tags = {
        KIND: TRIAL,
        "mlflow.runName": f"trial {trial.number}",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.recipe": recipe.fingerprint,
        "hpapipe.trial": str(trial.number),
        "hpapipe.study": trial.study.study_name,
    }
    before = runs.find_again(trial.user_attrs.get(RUN))
    with runs.running(recipe.experiment, tags, before, parent=bench.parent) as run:
        trial.set_user_attr(RUN, run.id)
        keep_recipe(run, recipe)
        material = bench.material(recipe)
        identify(material, run)
        bench.place = place_of(recipe, run)
        try:
            outcome = train_on(material, run, _watch(recipe, trial), _keeps(recipe, trial))
            _show(trial, run, recipe, f"{recipe.tune.objectives[0]} {values(recipe, outcome)[0]:.4g}")
            return outcome
        except optuna.TrialPruned as ended:
            # Its run is no failure: it ends as finished, and is marked.
            pruned = ended
            run.tags({"hpapipe.pruned": str(pruned)})
            trial.set_user_attr(REASON, str(pruned))
            _show(trial, run, recipe, f"pruned: {pruned}")
    raise pruned


def _show(trial: optuna.Trial, run: Run, recipe: Recipe, line: str) -> None:
    """Show in Optuna's dashboard what came of a trial, where its run is, and its figures."""
    pictures = {name: runs.read_bytes(run, f"figures/{name}.png") for name in SHOWN}
    command = f"hpapipe promote {run.id}" if registry.is_logged(run) else ""
    note = note_of(run.id, *runs.page(run), lines=[line], command=command)
    there = {name: png for name, png in pictures.items() if png}
    present(trial, note, there, Path(recipe.tune.artifacts))


def _watch(recipe: Recipe, trial: optuna.Trial) -> Watch:
    """What happens after each epoch of a trial."""
    begun = time.monotonic()
    limit = recipe.tune.trial_seconds

    def watch(epoch: int, row: Mapping[str, float]) -> None:
        if len(recipe.tune.objectives) == 1:
            trial.report(row[recipe.tune.objectives[0]], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned(f"hopeless after epoch {epoch}")
        if limit and time.monotonic() - begun > limit:
            raise optuna.TrialPruned(f"out of its {limit:g} s after epoch {epoch}")
        if is_abandoned():
            raise KeyboardInterrupt  # whoever started this worker is gone

    return watch


def _keeps(recipe: Recipe, trial: optuna.Trial) -> Callable[[Outcome], bool]:
    """Tells whether a trial's Version and its figures are worth logging: no earlier trial beat it."""

    def keeps(outcome: Outcome) -> bool:
        own = values(recipe, outcome)
        complete = trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        beaten = any(
            all(theirs >= ours for theirs, ours in zip(other.values, own, strict=True)) and tuple(other.values) != own
            for other in complete
        )
        return recipe.tune.keep == "all" or not beaten

    return keeps


def _failed(trial: optuna.Trial, reason: str) -> TrialError:
    trial.set_user_attr(REASON, reason)
    return TrialError(reason)
