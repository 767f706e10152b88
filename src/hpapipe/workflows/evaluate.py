"""A Version scored on a labelled set, with the thresholds it was deployed with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.decoded import decoded
from hpapipe.imageset.images import ImageSet
from hpapipe.progress import bar, say
from hpapipe.scoring.thresholds import Decision
from hpapipe.tasks import classification as task
from hpapipe.tasks.classifier import BATCH, Classifier
from hpapipe.tracking import registry, runs
from hpapipe.workflows.kept import EVALUATE, KIND, keep_recipe
from hpapipe.workflows.logged import log_data, log_scores
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder
from hpapipe.workflows.refused import refuse_other


def evaluate(recipe: Recipe, which: str) -> tuple[str, task.Scored]:
    """(run, scores) of a Version on the recipe's set.

    Where the set is the one that the Version was trained on, only the fields that it never saw are scored.

    Args:
        recipe: names the registered model and the set; channels, size and labels are the Version's own.
        which: alias or number.

    Raises:
        UserError: no such Version, other labels, or a set without fields that the Version never saw.
    """
    refuse_other(recipe, "classification", "evaluate", "Read the cross-validated score of its run, or measure a movie.")
    model, metadata, number = registry.load(recipe.register_as, which)
    trained = config.parse(metadata["recipe"])
    if trained.data.labels != recipe.data.labels:
        received = (
            f"{len(recipe.data.labels)} labels that differ from the {len(trained.data.labels)} of version {number}"
        )
        raise UserError(
            "The set must have the labels of the Version.", received, "Set `data.labels` as it was trained."
        )
    own = {name: getattr(trained.data, name) for name in ("channels", "size", "cut", "field_size", "learn")}
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=own)})
    folder = source_folder(recipe)
    tags = {
        KIND: EVALUATE,
        "mlflow.runName": f"evaluate version {number}",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.version": f"{recipe.register_as}/{number}",
    }
    with runs.running(recipe.experiment, tags) as run:
        keep_recipe(run, recipe)
        prepared = _unseen(prepare(recipe, folder, inspect(recipe, folder)), metadata["run"])
        classifier = model.unwrap_python_model().version
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
        run.metrics({f"score/{name}": value for name, value in scored.numbers.items()})
        log_data(run, prepared)
        log_scores(run, recipe, answers, scored, images.ids, images.read)
    return run.id, scored


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


def _unseen(prepared: Prepared, run_id: str) -> Prepared:
    """The fields that no network of the training run `run_id` saw."""
    run = runs.find(run_id)
    if runs.facts(run)[1].get("hpapipe.data") != prepared.fingerprint:
        return prepared
    validated = runs.read_table(run, "predictions")
    images = prepared.images
    if len(validated) == len(images):
        rule = "A Version must be evaluated on fields that it never saw."
        remedy = f"Read its cross-validated score in run {run_id}, or give another folder."
        raise UserError(rule, "the very set that its folds were trained on", remedy)
    say(f"This is the set that the Version was trained on: only the {len(validated):,} fields it never saw are scored")
    unseen = np.flatnonzero(np.isin(images.ids, validated["id"]))
    return replace(prepared, images=images.take(unseen), together=prepared.together[unseen])
