"""From a recipe to a tracked, thresholded, registered Version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import psutil

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.pack import pack
from hpapipe.imageset.sources import Source, faults_told, open_source
from hpapipe.imageset.split import Split, stratified
from hpapipe.models.build import check_options, check_size
from hpapipe.progress import say
from hpapipe.tasks import classification as task
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.training.fit import set_precision
from hpapipe.workflows.fastest import settled
from hpapipe.workflows.fold import Material, Trained, train_networks
from hpapipe.workflows.kept import KIND, TRAIN, keep_recipe, recipe_of
from hpapipe.workflows.logged import log_data, log_scores
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder
from hpapipe.workflows.pretrained import check_weights
from hpapipe.workflows.registering import register


@dataclass(frozen=True)
class Outcome:
    """What came out: the run, its Version's model and number, and the macro F1 with its 95 % interval."""

    run_id: str
    model: str
    version: str
    macro_f1: float
    low: float
    high: float


def train(recipe: Recipe, resume: str | None = None) -> Outcome:
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
    check_size(recipe.model.name, *recipe.data.size)
    check_weights(recipe.model.weights)
    recipe = settled(recipe)
    title = recipe.name or f"{recipe.model.name}, {recipe.data.size[1]}×{recipe.data.size[0]}"
    tags = {
        KIND: TRAIN,
        "mlflow.runName": title,
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.recipe": recipe.fingerprint,
    }
    with runs.running(recipe.experiment, tags, resume) as run:
        try:
            return _train(recipe, source_folder(recipe), run)
        except KeyboardInterrupt:
            say("\nStopped. Everything up to the last finished epoch is kept.")
            say(f"Next: hpapipe train --resume {run.id}")
            raise


def _train(recipe: Recipe, folder: Path, run: Run) -> Outcome:
    keep_recipe(run, recipe)
    prepared = _checked(recipe, folder, run)
    split = _split(recipe, prepared, run)
    images = _images(recipe, prepared, run)
    precision = set_precision(recipe.fit.precision)
    run.tags({"hpapipe.backend": keras.backend.backend(), "hpapipe.precision": precision})
    material = Material(recipe, prepared, split, images)
    with faults_told(images):
        trained = train_networks(material, run)
    return _finish(material, trained, run)


def _images(recipe: Recipe, prepared: Prepared, run: Run) -> Source:
    if recipe.feed.source != "packed":
        return open_source(prepared.images, recipe.feed.source, Path(recipe.workspace))
    packed = pack(prepared.images, Path(recipe.workspace))
    say(f"Pack: {packed.decoded:,} fields decoded now, {len(packed.ids) - packed.decoded:,} before")
    run.tags({"hpapipe.pack": packed.key})
    return packed.images


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
    log_data(run, prepared)
    run.table("split", split.table())
    validated = ", ".join(map(str, recipe.split.runs))
    say(f"Split: {recipe.split.folds} folds ({split.fingerprint}), validated on {validated}")
    return split


def label_key(recipe: Recipe) -> str:
    """Names the learned labels in tags: how many, and whether a field has one of them or several."""
    labels = recipe.data.label_set
    kind = "one" if labels.one_label else "several"
    return f"{len(labels)} labels, {kind} a field: {', '.join(labels.names)}"


def _finish(material: Material, trained: list[Trained], run: Run) -> Outcome:
    """Score the networks' answers together, log everything, register the Version."""
    recipe = material.recipe
    answers = _answers(material, trained)
    chosen, by_rivals = task.decision(recipe, answers)
    scored = task.score(recipe, answers, chosen)
    log_scores(run, recipe, answers, scored, material.prepared.images.ids, lambda field: material.images[field])
    memory = psutil.Process().memory_info().rss / 2**20
    cost = {"cost/training_seconds": sum(each.seconds for each in trained), "cost/memory_mib": memory}
    run.metrics_once({f"score/{name}": value for name, value in (scored.numbers | by_rivals).items()} | cost)
    spec = task.spec(recipe, chosen, material.prepared.bits, [each.member for each in trained])
    number = register(run, recipe, [each.network for each in trained], spec, scored)
    value, low, high = (scored.numbers[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high"))
    return Outcome(run.id, recipe.register_as, number, value, low, high)


def _answers(material: Material, trained: list[Trained]) -> task.Answers:
    """What the networks answered for the fields that they never saw."""
    split, images = material.split, material.prepared.images
    scores = np.full(images.truth.shape, np.nan, np.float32)
    for each in trained:
        scores[np.ix_(split.valid(each.member.fold), np.asarray(each.member.columns))] = each.scores
    folds = material.recipe.split.runs
    held_out = np.concatenate([split.valid(fold) for fold in folds])
    trained_on = np.concatenate([split.train(fold) for fold in folds])
    return task.Answers(
        ids=tuple(images.ids[field] for field in held_out),
        folds=split.folds[held_out],
        truth=images.truth[held_out],
        scores=scores[held_out],
        groups=material.prepared.together[held_out],
        train_share=images.truth[trained_on].mean(0),
    )
