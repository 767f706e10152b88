"""From a recipe to a tracked, thresholded, registered Version."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import psutil

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.feed import Feed, Reading
from hpapipe.imageset.pack import Pack, pack
from hpapipe.imageset.split import Split, stratified
from hpapipe.models.build import check_options
from hpapipe.plots.weights import weights_summary
from hpapipe.progress import say
from hpapipe.tasks import classification as task
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.training import state as states
from hpapipe.training.fit import compile_model, fit, set_precision
from hpapipe.training.state import State
from hpapipe.workflows.kept import FOLD, KIND, TRAIN, keep_recipe, recipe_of
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder


@dataclass(frozen=True)
class Trained:
    """What came out: the run, its Version's model and number, and the macro F1 with its 95 % interval."""

    run_id: str
    model: str
    version: str
    macro_f1: float
    low: float
    high: float


@dataclass(frozen=True)
class Fold:
    """One trained network and its answers for the fold that it never saw."""

    fold: int
    network: keras.Model
    start: Mapping[str, np.ndarray]
    state: State
    scores: np.ndarray
    seconds: float


def train(recipe: Recipe, resume: str | None = None) -> Trained:
    """Check, split, pack, train, score, log and register.

    Args:
        recipe: of the experiment; of no effect where a run is resumed, which keeps its own.
        resume: id of a run that was stopped.

    Raises:
        UserError: anything a user can mend.
        KeyboardInterrupt: stopped by the user; the run can be resumed.
    """
    if resume:
        recipe = recipe_of(runs.find(resume))
    check_options(recipe.model.name, recipe.model.options)
    tags = {KIND: TRAIN, "hpapipe.experiment": recipe.experiment, "hpapipe.recipe": recipe.fingerprint}
    with runs.running(recipe.experiment, tags, resume) as run:
        try:
            return _train(recipe, source_folder(recipe), run)
        except KeyboardInterrupt:
            say("\nStopped. Everything up to the last finished epoch is kept.")
            say(f"Next: hpapipe train --resume {run.id}")
            raise


def _train(recipe: Recipe, folder: Path, run: Run) -> Trained:
    keep_recipe(run, recipe)
    prepared = _checked(recipe, folder, run)
    split = _split(recipe, prepared, run)
    packed = pack(prepared.images, Path(recipe.workspace))
    say(f"Pack: {packed.decoded:,} fields decoded now, {len(packed.ids) - packed.decoded:,} before")
    precision = set_precision(recipe.fit.precision)
    run.tags({"hpapipe.backend": keras.backend.backend(), "hpapipe.precision": precision, "hpapipe.pack": packed.key})
    folds = [_train_fold(recipe, prepared, split, packed, fold, run) for fold in recipe.split.runs]
    return _finish(recipe, prepared, split, packed, folds, run)


def _checked(recipe: Recipe, folder: Path, run: Run) -> Prepared:
    inspected = inspect(recipe, folder)
    for report in inspected.reports:
        run.table(f"checks/{report.suite}", report.table())
    run.table("checks/measurements", inspected.measurements)
    run.table("checks/near_duplicates", inspected.near_duplicates)
    prepared = prepare(recipe, folder, inspected)
    for report in inspected.reports:
        for line in report.lines():
            say(line)
    if prepared.left_out:
        say(f"Left out {len(prepared.left_out):,} faulty fields; checks/ in the run lists them")
    images = prepared.images
    height, width = recipe.data.size
    say(
        f"Data: {len(images):,} fields from {folder}, {len(recipe.data.channels)} channels, "
        f"{len(recipe.data.labels)} labels, trained at {width}×{height}"
    )
    targets = inspected.facts.loc[inspected.facts["id"].isin(images.ids), ["id", "target"]]
    run.dataset(targets, str(folder), Path(folder).name, prepared.fingerprint)
    return prepared


def _split(recipe: Recipe, prepared: Prepared, run: Run) -> Split:
    images = prepared.images
    most = len(np.unique(prepared.together))
    if most < recipe.split.folds:
        rule = "`split.folds` must not exceed the independent fields."
        raise UserError(rule, f"{recipe.split.folds} folds for {most} groups of fields", "Lower it, or add fields.")
    split = stratified(images.ids, images.truth, prepared.together, recipe.split.folds, recipe.split.seed)
    identity = {
        "hpapipe.split": split.fingerprint,
        "hpapipe.data": prepared.fingerprint,
        "hpapipe.labels": label_key(recipe),
    }
    before = runs.facts(run)[1]
    for name, value in identity.items():
        if before.get(name, value) != value:
            rule = "A resumed run must find the data that it was started with."
            raise UserError(rule, f"other data ({name} {value} instead of {before[name]})", "Start a new run.")
    run.tags(identity)
    run.table("split", split.table())
    validated = ", ".join(map(str, recipe.split.runs))
    say(f"Split: {recipe.split.folds} folds ({split.fingerprint}), validated on {validated}")
    return split


def label_key(recipe: Recipe) -> str:
    """Names one label set in tags: its length, and whether a field has one label or several."""
    kind = "one" if recipe.data.one_label else "several"
    return f"{len(recipe.data.labels)} labels, {kind} a field: {', '.join(recipe.data.labels)}"


def _train_fold(recipe: Recipe, prepared: Prepared, split: Split, packed: Pack, fold: int, run: Run) -> Fold:
    """Train on all folds but one, in a run of its own where there are several."""
    if len(recipe.split.runs) == 1:
        return _fit_fold(recipe, prepared, split, packed, fold, run, run)
    known = {runs.facts(child)[1].get("hpapipe.fold"): child.id for child in runs.children(run)}
    tags = {KIND: FOLD, "hpapipe.fold": str(fold), "mlflow.runName": f"fold {fold}"}
    with runs.running(recipe.experiment, tags, known.get(str(fold)), parent=run) as child:
        keep_recipe(child, recipe)
        return _fit_fold(recipe, prepared, split, packed, fold, run, child)


def _fit_fold(recipe: Recipe, prepared: Prepared, split: Split, packed: Pack, fold: int, run: Run, child: Run) -> Fold:
    begun = time.perf_counter()
    seed = recipe.seed + fold
    images, truth = packed.images, prepared.images.truth
    fields, held_out = split.train(fold), split.valid(fold)
    keras.utils.set_random_seed(seed)
    network = task.network(recipe, images, fields)
    start = kernels(network)
    feed = Feed(images, truth, fields, recipe.feed, seed)
    compile_model(network, recipe.fit, recipe.data.one_label, recipe.fit.epochs * len(feed))
    reading = Reading(images, held_out, recipe.feed.batch_size)

    def validate() -> dict[str, float]:
        scores = network.predict(reading, verbose=0)
        return task.epoch_numbers(recipe, network.loss, truth[held_out], scores)

    place = Path(recipe.workspace) / "runs" / run.id / f"fold-{fold}"
    _log_missing(child, states.read(place))
    try:
        state = fit(network, feed, validate, recipe.fit, place, lambda row: _log_epoch(child, row), f"Fold {fold}")
    except KeyboardInterrupt:
        state = states.read(place)
        if state.epoch:
            child.file(states.best_weights(state, place), "best_weights")
        raise
    seconds = sum(row["seconds"] for row in state.history)
    say(
        f"Fold {fold}: {len(fields):,} fields train, {len(held_out):,} validate; "
        f"{state.epoch} epochs in {seconds:.0f} s; "
        f"lowest validation loss {state.best_loss:.4f} in epoch {state.best_epoch}"
    )
    _log_training(child, state, start, kernels(network))
    scores = network.predict(reading, verbose=0)
    return Fold(fold, network, start, state, scores, time.perf_counter() - begun)


def kernels(network: keras.Model) -> dict[str, np.ndarray]:
    """Path -> weights of every kernel: what is shown of a network's weights."""
    return {
        weight.path: keras.ops.convert_to_numpy(weight)
        for weight in network.trainable_variables
        if weight.name == "kernel"
    }


def _log_epoch(run: Run, row: Mapping[str, float]) -> None:
    """Log an epoch's row: what was measured on the validation part under `val/`, the rest under `train/`."""
    numbers = {
        (f"train/{name}" if name in _OF_TRAINING else f"val/{name.removeprefix('val_')}"): row[name] for name in row
    }
    run.metrics(numbers, step=int(row["epoch"]))


_OF_TRAINING = (
    "epoch", "loss", "learning_rate", "images_per_second", "seconds_per_batch", "seconds", "memory_mib",
)  # fmt: skip


def _log_missing(run: Run, state: State) -> None:
    """Log the epochs that were saved but not logged before a kill."""
    if state.epoch:
        logged = run.steps_logged("train/loss")
        for row in state.history:
            if int(row["epoch"]) not in logged:
                _log_epoch(run, row)
        say(f"Going on after epoch {state.epoch}")


def _log_training(run: Run, state: State, start: Mapping[str, np.ndarray], end: Mapping[str, np.ndarray]) -> None:
    for name, table, figure in task.training_figures(state.history, start, end):
        run.figure(name, table, figure)
    run.text("weights.json", json.dumps({"start": weights_summary(start), "end": weights_summary(end)}, indent=2))
    speed = float(np.median([row["images_per_second"] for row in state.history]))
    numbers = {"best_epoch": state.best_epoch, "epochs": state.epoch, "images_per_second": speed}
    _once(run, {f"fit/{name}": value for name, value in numbers.items()} | {"fit/val_loss": state.best_loss})


def _once(run: Run, numbers: Mapping[str, float]) -> None:
    """Log numbers that a resumed run may have already."""
    if not run.steps_logged(next(iter(numbers))):
        run.metrics(numbers)


def _finish(recipe: Recipe, prepared: Prepared, split: Split, packed: Pack, folds: list[Fold], run: Run) -> Trained:
    """Score the folds' answers together, log everything, register the Version."""
    held_out = np.concatenate([split.valid(each.fold) for each in folds])
    trained_on = np.concatenate([split.train(each.fold) for each in folds])
    answers = task.Answers(
        ids=tuple(packed.ids[field] for field in held_out),
        folds=split.folds[held_out],
        truth=prepared.images.truth[held_out],
        scores=np.concatenate([each.scores for each in folds]),
        groups=prepared.together[held_out],
        train_share=prepared.images.truth[trained_on].mean(0),
    )
    chosen, by_rivals = task.decision(recipe, answers)
    scored = task.score(recipe, answers, chosen)
    run.table("predictions", task.predictions_table(recipe.data.label_set, answers, scored.decision))
    run.table("per_label", scored.per_label)
    images = {packed.ids[field]: packed.images[field] for field in held_out}
    for name, table, figure in task.figures(recipe, answers, scored, images):
        run.figure(name, table, figure)
    memory = psutil.Process().memory_info().rss / 2**20
    cost = {"cost/training_seconds": sum(each.seconds for each in folds), "cost/memory_mib": memory}
    _once(run, {f"score/{name}": value for name, value in (scored.numbers | by_rivals).items()} | cost)
    number = _register(recipe, prepared, folds, scored, run)
    value, low, high = (scored.numbers[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high"))
    return Trained(run.id, recipe.register_as, number, value, low, high)


def _register(recipe: Recipe, prepared: Prepared, folds: list[Fold], scored: task.Scored, run: Run) -> str:
    try:
        return registry.version_of(run, recipe.register_as)  # a resumed run may have come this far
    except UserError:
        pass
    with tempfile.TemporaryDirectory() as place:
        networks = [each.network for each in folds]
        task.version(Path(place), networks, recipe, scored.decision, prepared.bits)
        metadata = {"recipe": recipe.model_dump(mode="json"), "run": run.id}
        uri = registry.log_version(run, Path(place), task.MODULE, metadata)
    tags = {"hpapipe.macro_f1": f"{scored.numbers['macro_f1']:.4f}", "hpapipe.recipe": recipe.experiment}
    return registry.register(run, uri, recipe.register_as, tags)
