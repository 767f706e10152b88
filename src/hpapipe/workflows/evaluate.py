"""A Version scored on a labelled set, with the thresholds it was deployed with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.decoded import decoded
from hpapipe.imageset.images import ImageSet
from hpapipe.progress import bar, say, track
from hpapipe.scoring.thresholds import Decision
from hpapipe.tasks import classification as task
from hpapipe.tasks import segmentation as masks
from hpapipe.tasks.classifier import BATCH, Classifier
from hpapipe.tasks.judging import judge_of
from hpapipe.tasks.segmenter import Segmenter
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import EVALUATE, KIND, keep_recipe
from hpapipe.workflows.logged import log_data, log_scores
from hpapipe.workflows.unseen import PREPARED, as_trained


def evaluate(recipe: Recipe, which: str) -> tuple[str, Any]:
    """(run, scores) of a Version on the recipe's set.

    Where the set is the one that the Version was trained on, only the fields that it never saw are scored.

    Args:
        recipe: names the registered model and the set; channels, size and labels are the Version's own.
        which: alias or number.

    Raises:
        UserError: no such Version, other labels, or a set without fields that the Version never saw.
    """
    model, metadata, number = registry.load(recipe.register_as, which)
    recipe = as_trained(recipe, metadata, number)
    version = model.unwrap_python_model().version
    tags = {
        KIND: EVALUATE,
        "mlflow.runName": f"evaluate version {number}",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.version": f"{recipe.register_as}/{number}",
    }
    judges: dict[str, Callable[..., Any]] = {"classification": _classified, "segmentation": _segmented}
    with runs.running(recipe.experiment, tags) as run:
        scored = judges[recipe.task](recipe, version, metadata["run"], run)
        run.metrics({f"score/{name}": value for name, value in scored.numbers.items()})
    return run.id, scored


def _segmented(recipe: Recipe, segmenter: Segmenter, trained_by: str, run: Run) -> Any:
    """Scores of the masks of a set, at the Version's own cut; what was done is logged."""
    recipe = config.changed(recipe, {"mask.cut": segmenter.spec.cut})
    keep_recipe(run, recipe)
    prepared = _unseen(PREPARED[recipe.task](recipe), trained_by, judge_of(recipe).things)
    images = prepared.images
    asked = (segmenter.by_way([images.image(place)], segmenter.spec.turns) for place in range(len(images)))
    answers = masks.Answers(
        ids=images.ids,
        folds=np.zeros(len(images), int),
        groups=prepared.together,
        names=images.groups,
        probabilities=[next(each).mean(axis=0).astype(np.float16) for each in track(asked, "Predicting", len(images))],
        truth=images.mask,
    )
    scored, _ = masks.conclude(recipe, answers)
    run.tags({"hpapipe.data": prepared.fingerprint})
    log_data(run, prepared)
    log_scores(run, recipe, answers, scored, images.ids, images.image)
    return scored


def _classified(recipe: Recipe, classifier: Classifier, trained_by: str, run: Run) -> Any:
    """Scores of the names of a set, by the Version's own thresholds; what was done is logged."""
    keep_recipe(run, recipe)
    prepared = _unseen(PREPARED[recipe.task](recipe), trained_by, judge_of(recipe).things)
    images = prepared.images
    scores = _scores(classifier, images)
    decision = Decision("version", np.asarray(classifier.spec.thresholds), classifier.named(scores))
    answers = task.Answers(
        ids=images.ids,
        folds=np.zeros(len(images), int),
        truth=images.truth,
        scores=scores,
        groups=prepared.together,
        train_share=images.truth.mean(0),
    )
    scored = task.score(recipe, answers, decision)
    run.tags({"hpapipe.data": prepared.fingerprint})
    log_data(run, prepared)
    log_scores(run, recipe, answers, scored, images.ids, images.read)
    return scored


def _scores(classifier: Classifier, images: ImageSet) -> np.ndarray:
    """Its probabilities, float32 `[fields, labels]`."""
    found = []
    with bar("Predicting", len(images)) as advance:
        for batch in decoded(images, classifier.view, classifier.spec.bits, BATCH):
            if batch.faults:
                raise batch.faults[0][1]
            found.append(classifier.probabilities(batch.fields))
            advance(len(batch.ids))
    return np.concatenate(found)


def _unseen(prepared: Any, run_id: str, things: str) -> Any:
    """What of a set no network of the training run `run_id` saw."""
    run = runs.find(run_id)
    if runs.facts(run)[1].get("hpapipe.data") != prepared.fingerprint:
        return prepared
    validated = runs.read_table(run, "predictions")
    if len(validated) == len(prepared.images):
        rule = f"A Version must be evaluated on {things} that it never saw."
        remedy = f"Read its cross-validated score in run {run_id}, or give another folder."
        raise UserError(rule, "the very set that its folds were trained on", remedy)
    say(
        f"This is the set that the Version was trained on: only the {len(validated):,} {things} it never saw are scored"
    )
    return prepared.take(np.flatnonzero(np.isin(prepared.images.ids, validated["id"])))
