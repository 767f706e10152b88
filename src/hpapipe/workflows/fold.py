"""One network trained on all folds but one, tracked, and its answers for the fold that it never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from hpapipe.config import Recipe
from hpapipe.imageset.feed import Feed, Reading
from hpapipe.imageset.pack import Pack
from hpapipe.imageset.split import Split
from hpapipe.plots.weights import weights_summary
from hpapipe.progress import say
from hpapipe.tasks import classification as task
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.training import state as states
from hpapipe.training.fit import compile_model, fit
from hpapipe.training.state import State
from hpapipe.workflows.kept import FOLD, KIND, keep_recipe
from hpapipe.workflows.prepare import Prepared
from hpapipe.workflows.pretrained import find_weights

OF_TRAINING = ("loss", "learning_rate", "images_per_second", "seconds_per_batch", "seconds", "memory_mib")
"""What an epoch's row holds besides what was measured on the validation part."""


@dataclass(frozen=True)
class Material:
    """What every fold is trained from."""

    recipe: Recipe
    prepared: Prepared
    split: Split
    pack: Pack


@dataclass(frozen=True)
class Fold:
    """One trained network.

    Args:
        number: of the fold that validated.
        network: with the averaged weights of its best epoch.
        scores: its probabilities for that fold, float32 `[fields, labels]`.
        seconds: that its epochs took.
    """

    number: int
    network: keras.Model
    scores: np.ndarray
    seconds: float


def train_fold(material: Material, number: int, run: Run) -> Fold:
    """Train with fold `number` held out: in `run` itself, or in a part of it where several folds are trained."""
    if len(material.recipe.split.runs) == 1:
        return _train(material, number, run, run)
    begun = {runs.facts(part)[1].get("hpapipe.fold"): part.id for part in runs.children(run)}
    tags = {KIND: FOLD, "hpapipe.fold": str(number), "mlflow.runName": f"fold {number}"}
    with runs.running(material.recipe.experiment, tags, begun.get(str(number)), parent=run) as part:
        keep_recipe(part, material.recipe)
        return _train(material, number, run, part)


def _train(material: Material, number: int, run: Run, part: Run) -> Fold:
    recipe, images, truth = material.recipe, material.pack.images, material.prepared.images.truth
    fields, held_out = material.split.train(number), material.split.valid(number)
    seed = recipe.seed + number
    keras.utils.set_random_seed(seed)
    network = task.network(recipe, images, fields, find_weights(recipe.model.weights))
    start = kernels(network)
    feed = Feed(images, truth, fields, recipe.feed, seed)
    compile_model(network, recipe.fit, recipe.data.one_label, recipe.fit.epochs * len(feed))
    reading = Reading(images, held_out, recipe.feed.batch_size)

    def validate() -> dict[str, float]:
        scores = network.predict(reading, verbose=0)
        return task.epoch_numbers(recipe, network.loss, truth[held_out], scores)

    place = Path(recipe.workspace) / "runs" / run.id / f"fold-{number}"
    _log_missing(part, states.read(place))
    try:
        state = fit(network, feed, validate, recipe.fit, place, lambda row: log_epoch(part, row), f"Fold {number}")
    except KeyboardInterrupt:
        _keep_best(part, place)
        raise
    seconds = sum(row["seconds"] for row in state.history)
    say(
        f"Fold {number}: {len(fields):,} fields train, {len(held_out):,} validate; "
        f"{state.epoch} epochs in {seconds:.0f} s; "
        f"lowest validation loss {state.best_loss:.4f} in epoch {state.best_epoch}"
    )
    _log_training(part, state, start, kernels(network))
    return Fold(number, network, network.predict(reading, verbose=0), seconds)


def kernels(network: keras.Model) -> dict[str, np.ndarray]:
    """Path -> weights of every kernel: what is shown of a network's weights."""
    weights = network.trainable_variables
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in weights if weight.name == "kernel"}


def log_epoch(run: Run, row: Mapping[str, float]) -> None:
    """Log an epoch's row: what training told under `train/`, what was measured on the validation part under `val/`."""
    numbers = {f"train/{name}": row[name] for name in OF_TRAINING}
    numbers |= {f"val/{name.removeprefix('val_')}": row[name] for name in row.keys() - {"epoch", *OF_TRAINING}}
    run.metrics(numbers, step=int(row["epoch"]))


def _log_missing(run: Run, state: State) -> None:
    """Log the epochs that were saved but not logged before a kill."""
    if state.epoch:
        logged = run.steps_logged("train/loss")
        for row in state.history:
            if int(row["epoch"]) not in logged:
                log_epoch(run, row)
        say(f"Going on after epoch {state.epoch}")


def _keep_best(run: Run, place: Path) -> None:
    """Log the best weights of a training that was stopped."""
    state = states.read(place)
    if state.best_epoch:
        run.file(states.best_weights(state, place), "best_weights")


def _log_training(run: Run, state: State, start: Mapping[str, np.ndarray], end: Mapping[str, np.ndarray]) -> None:
    for name, table, figure in task.training_figures(state.history, start, end):
        run.figure(name, table, figure)
    run.text("weights.json", json.dumps({"start": weights_summary(start), "end": weights_summary(end)}, indent=2))
    speed = float(np.median([row["images_per_second"] for row in state.history]))
    numbers = {"best_epoch": state.best_epoch, "epochs": state.epoch, "images_per_second": speed}
    run.metrics_once({f"fit/{name}": value for name, value in numbers.items()} | {"fit/val_loss": state.best_loss})
