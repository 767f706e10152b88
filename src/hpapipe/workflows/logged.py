"""What trainings and evaluations log alike: the data set, and the answers with their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from hpapipe.config import Recipe
from hpapipe.labels import format_target
from hpapipe.tasks import classification as task
from hpapipe.tracking.runs import Run
from hpapipe.workflows.prepare import Prepared


def log_data(run: Run, prepared: Prepared) -> None:
    """Log the labelled set as an input of the run."""
    images = prepared.images
    targets = [format_target(indices) for indices in images.data.label_set.decode(images.truth)]
    table = pd.DataFrame({"id": images.ids, "target": targets})
    run.dataset(table, str(images.folder), images.folder.name, prepared.fingerprint)


def log_scores(
    run: Run, recipe: Recipe, answers: task.Answers, scored: task.Scored, ids: Sequence[str], read: Callable[[int], Any]
) -> None:
    """Both of the following."""
    log_answers(run, recipe, answers, scored)
    log_figures(run, recipe, answers, scored, ids, read)


def log_answers(run: Run, recipe: Recipe, answers: task.Answers, scored: task.Scored) -> None:
    """Log every field's answer, and the table of labels.

    Args:
        run: to log to.
        recipe: its section `data`.
        answers: probabilities and truth.
        scored: the decision taken on them.
    """
    run.table("predictions", task.predictions_table(recipe.data.label_set, answers, scored.decision))
    run.table("per_label", scored.per_label)


def log_figures(
    run: Run, recipe: Recipe, answers: task.Answers, scored: task.Scored, ids: Sequence[str], read: Callable[[int], Any]
) -> None:
    """Log all figures of the answers, with their tables.

    Args:
        run: to log to.
        recipe: its sections `data` and `score`.
        answers: probabilities and truth.
        scored: the decision taken on them.
        ids: of the set, among which are those of the answers.
        read: place of an id among them -> integers `[height, width, channels]`.
    """
    place = {name: field for field, name in enumerate(ids)}
    for name, table, figure in task.figures(recipe, answers, scored, lambda name: read(place[name])):
        run.figure(name, table, figure)
