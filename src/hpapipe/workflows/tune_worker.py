"""A worker of a study: takes trials that wait, one after the other, until there are none."""

from __future__ import annotations

import time

import psutil
from optuna.exceptions import UpdateFinishedTrialError

from hpapipe.config import Recipe
from hpapipe.errors import AwayError
from hpapipe.tracking import runs
from hpapipe.workflows import tune_study
from hpapipe.workflows.alone import is_abandoned
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import Queue
from hpapipe.workflows.tune_storage import ExhaustedError
from hpapipe.workflows.tune_trial import Bench, TrialError

GROWN = 2 * 2**30
"""Bytes that a worker may grow by before another takes its place: TensorFlow keeps the graphs of all its networks."""


def work(recipe: Recipe, parent: str, worker: str) -> str:
    """Train trials of the recipe's study until none waits, or this process has grown too large.

    Args:
        recipe: of a study that exists.
        parent: id of the study's run.
        worker: the worker's name, which no other has, on no machine.

    Raises:
        AwayError: a database did not answer for `tune.patience` seconds.
        KeyboardInterrupt: the user stopped it; its trial waits again.
    """
    queue, bench = _begun(recipe, parent, worker)
    first = psutil.Process().memory_info().rss
    away_since: float | None = None
    while psutil.Process().memory_info().rss < first + GROWN and not is_abandoned():
        try:
            _train_one(queue, bench)
            bench.clear()
            away_since = None
        except ExhaustedError:
            break
        except KeyboardInterrupt:
            queue.put_back(worker)
            raise
        except (ValueError, UpdateFinishedTrialError):  # Optuna cannot be told of a trial that is another's now
            if not bench.lost:
                raise
            bench.lost, bench.place = False, None
        except AwayError:
            queue.put_back(worker)
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > recipe.tune.patience:
                raise
            time.sleep(1)
    return ""


def _train_one(queue: Queue, bench: Bench) -> None:
    try:
        queue.study.optimize(bench, n_trials=1, catch=(TrialError,))
    except (UnboundLocalError, AssertionError) as error:
        # What interrupts Optuna while it writes how a trial ended lets it stumble over its own names.
        if isinstance(error.__context__, KeyboardInterrupt | AwayError):
            raise error.__context__ from None
        raise


def _begun(recipe: Recipe, parent: str, worker: str) -> tuple[Queue, Bench]:
    """The queue and the bench, where their databases answer in time."""
    begun = time.monotonic()
    while True:
        try:
            return tune_study.find(recipe), Bench(recipe, read_space(recipe), runs.find(parent), worker)
        except AwayError:
            if time.monotonic() - begun > recipe.tune.patience:
                raise
            time.sleep(1)
