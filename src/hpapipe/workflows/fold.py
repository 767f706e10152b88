"""Networks, each trained on all folds but one, tracked, with their answers for the fold that they never saw."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.plots import curves, weights
from hpapipe.plots.weights import END, Moment, weights_summary
from hpapipe.progress import say
from hpapipe.tasks.judging import judge_of
from hpapipe.tasks.lesson import Lesson
from hpapipe.tasks.tasks import task_of
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.training import state as states
from hpapipe.training.fit import compile_model, fit
from hpapipe.training.state import State
from hpapipe.workflows.kept import FOLD, KIND, keep_recipe
from hpapipe.workflows.material import Material
from hpapipe.workflows.moments import beyond, record, recorded
from hpapipe.workflows.pretrained import find_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OF_TRAINING = ("loss", "learning_rate", "images_per_second", "seconds_per_batch", "seconds", "memory_mib")
"""What an epoch's row holds besides what was measured on the validation part."""


Watch = Callable[[int, Mapping[str, float]], None]
"""Is told of each finished epoch: its number among all epochs of all networks of a run, and its row."""


@dataclass(frozen=True)
class Trained:
    """One trained network.

    Args:
        member: what it sees and answers, and the fold that validated it.
        network: with the averaged weights of its best epoch.
        answers: what it says of that fold, in the task's own form.
        seconds: that its epochs took.
        images_per_second: in training, the median of its epochs.
    """

    member: Any
    network: keras.Model
    answers: Any
    seconds: float
    images_per_second: float


def train_networks(material: Material, run: Run, watch: Watch | None = None) -> list[Trained]:
    """Train a network for each fold that is held out and each part of what is learned.

    In `run` itself where it is one network, else each in a run that is a part of `run`.

    Args:
        material: to train from.
        run: to log to.
        watch: is told of each epoch, and may raise to stop the training, of which then the losses alone are drawn.
    """
    recipe = material.recipe
    wanted = [
        (fold, number, part)
        for fold in recipe.split.runs
        for number, part in enumerate(task_of(recipe).parts_of(recipe))
    ]
    if len(wanted) == 1:
        fold, number, part = wanted[0]
        return [_train(material, fold, number, part, run, run, watch)]
    begun = {runs.facts(each)[1].get("mlflow.runName"): each.id for each in runs.children(run)}
    trained = []
    for place, (fold, number, part) in enumerate(wanted):
        name = ", ".join(filter(None, (f"fold {fold}" if len(recipe.split.runs) > 1 else "", part.name)))
        tags = {KIND: FOLD, "hpapipe.fold": str(fold), "hpapipe.part": part.name, "mlflow.runName": name}
        with runs.running(recipe.experiment, tags, begun.get(name), parent=run) as child:
            keep_recipe(child, recipe)
            told = partial(_told, watch, place * recipe.fit.epochs) if watch else None
            trained.append(_train(material, fold, number, part, run, child, told))
    return trained


def _told(watch: Watch, before: int, epoch: int, row: Mapping[str, float]) -> None:
    watch(before + epoch, row)


def _train(material: Material, fold: int, number: int, part: Any, run: Run, own: Run, watch: Watch | None) -> Trained:
    recipe, task = material.recipe, task_of(material.recipe)
    seed = recipe.seed + fold + 1000 * number
    keras.utils.set_random_seed(seed)
    begun = find_weights(recipe.model.weights)
    given = (material.images, material.prepared.images, material.split, fold, seed, begun)
    lesson: Lesson = task.lesson(recipe, part, *given)
    place = place_of(recipe, run) / f"fold-{fold}-part-{number}"
    record(recipe, lesson.network, place, 0)
    compile_model(lesson.network, recipe.fit, lesson.loss, recipe.fit.epochs * len(lesson.feed))

    def validate() -> dict[str, float]:
        of_weights = record(recipe, lesson.network, place, states.read(place).epoch + 1)
        return lesson.validate() | of_weights

    def log(row: Mapping[str, float]) -> None:
        log_epoch(own, row)
        if watch:
            watch(int(row["epoch"]), row)

    title = f"Fold {fold}" + (f", {part.name}" if part.name else "")
    _log_missing(own, states.read(place))
    try:
        state = fit(lesson.network, lesson.feed, validate, recipe.fit, place, log, title)
    except KeyboardInterrupt:
        _keep_best(own, lesson.network, place)
        raise
    seconds = sum(row["seconds"] for row in state.history)
    trained, held_out = lesson.fields
    say(
        f"{title}: {trained:,} {judge_of(recipe).things} train, {held_out:,} validate; "
        f"{state.epoch} epochs in {seconds:.0f} s; "
        f"lowest validation loss {state.best_loss:.4f} in epoch {state.best_epoch}"
    )
    _log_training(own, state, recorded(recipe, lesson.network, place), is_brief=watch is not None)
    return Trained(lesson.member, lesson.network, lesson.answer(), seconds, _speed(state))


def place_of(recipe: Recipe, run: Run) -> Path:
    """The folder in which a run keeps what it needs to go on."""
    return Path(recipe.workspace) / "runs" / run.id


def log_epoch(run: Run, row: Mapping[str, float]) -> None:
    """Log an epoch's row: of training under `train/`, of the validation part under `val/`, of weights as named."""
    numbers = {f"train/{name}": row[name] for name in OF_TRAINING}
    for name in row.keys() - {"epoch", *OF_TRAINING}:
        numbers[name if name.startswith("weights/") else f"val/{name.removeprefix('val_')}"] = row[name]
    run.metrics(numbers, step=int(row["epoch"]))


def _log_missing(run: Run, state: State) -> None:
    """Log the epochs that were saved but not logged before a kill."""
    if state.epoch:
        logged = run.steps_logged("train/loss")
        for row in state.history:
            if int(row["epoch"]) not in logged:
                log_epoch(run, row)
        say(f"Going on after epoch {state.epoch}")


def _keep_best(run: Run, network: keras.Model, place: Path) -> None:
    """Log the best weights of a training that was stopped, in Keras' own format."""
    state = states.read(place)
    if state.best_epoch:
        states.load_best(state, network, place)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"best-{state.best_epoch:04d}.weights.h5"
            network.save_weights(file)
            run.file(file, "best_weights")


def _log_training(run: Run, state: State, moments: Mapping[str, Moment], is_brief: bool) -> None:
    for name, table, figure in training_figures(state.history, {} if is_brief else moments):
        run.figure(name, table, figure)
    run.text("weights.json", json.dumps(weights_summary(moments), indent=2))
    numbers = {"best_epoch": state.best_epoch, "epochs": state.epoch, "images_per_second": _speed(state)}
    numbers |= {f"weights_{name}": value for name, value in beyond(moments[END]).items()}
    run.metrics_once({f"fit/{name}": value for name, value in numbers.items()} | {"fit/val_loss": state.best_loss})


def training_figures(
    history: Sequence[Mapping[str, float]], moments: Mapping[str, Moment]
) -> Iterator[tuple[str, pd.DataFrame, Figure]]:
    """(name, table, figure) of the course of training: the losses, and the weights where moments are given."""
    table = curves.loss_curves_table(history)
    yield "loss_curves", table, curves.draw_loss_curves(table)
    if moments:
        table = weights.weights_table(moments)
        yield "weights", table, weights.draw_weights(table)


def _speed(state: State) -> float:
    return float(np.median([row["images_per_second"] for row in state.history]))
