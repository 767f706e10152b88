"""What trainings and evaluations log alike: the data set, and the answers with their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hpapipe.config import Recipe
from hpapipe.tasks.tasks import task_of
from hpapipe.tracking.runs import Run
from hpapipe.workflows.pairs import PreparedPairs
from hpapipe.workflows.prepare import Prepared


def log_data(run: Run, prepared: Prepared | PreparedPairs) -> None:
    """Log the set as an input of the run."""
    images = prepared.images
    run.dataset(prepared.table(), str(images.folder), images.folder.name, prepared.fingerprint)


def log_scores(
    run: Run, recipe: Recipe, answers: Any, scored: Any, ids: Sequence[str], read: Callable[[int], Any]
) -> None:
    """Both of the following."""
    log_answers(run, recipe, answers, scored)
    log_figures(run, recipe, answers, scored, ids, read)


def log_answers(run: Run, recipe: Recipe, answers: Any, scored: Any) -> None:
    """Log every field's answer, and the table of labels.

    Args:
        run: to log to.
        recipe: its section `data`.
        answers: probabilities and truth.
        scored: the decision taken on them.
    """
    for name, table in task_of(recipe).tables(recipe, answers, scored).items():
        run.table(name, table)


def log_figures(
    run: Run, recipe: Recipe, answers: Any, scored: Any, ids: Sequence[str], read: Callable[[int], Any]
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
    for name, table, figure in task_of(recipe).figures(recipe, answers, scored, lambda name: read(place[name])):
        run.figure(name, table, figure)
