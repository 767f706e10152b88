"""A worker of a study: takes trials that wait, one after the other, until there are none."""

from __future__ import annotations

import os
import socket
import time

import psutil
from optuna.exceptions import UpdateFinishedTrialError

from hpapipe.config import Recipe
from hpapipe.errors import AwayError
from hpapipe.tracking import runs
from hpapipe.workflows import tune_study
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import Queue
from hpapipe.workflows.tune_storage import ExhaustedError
from hpapipe.workflows.tune_trial import Bench, TrialError

GROWN = 2 * 2**30
"""Bytes that a worker may grow by before another takes its place: TensorFlow keeps the graphs of all its networks."""


def worker_name(process: int) -> str:
    """How the worker with this process id signs its trials."""
    return f"{socket.gethostname()}:{process}"


def work(recipe: Recipe, parent: str) -> str:
    """Train trials of the recipe's study until none waits, or this process has grown too large.

    Args:
        recipe: of a study that exists.
        parent: id of the study's run.

    Raises:
        AwayError: a database did not answer for `tune.patience` seconds.
        KeyboardInterrupt: the user stopped it; its trial waits again.
    """
    queue = tune_study.find(recipe)
    bench = Bench(recipe, read_space(recipe), runs.find(parent), worker_name(os.getpid()))
    first = psutil.Process().memory_info().rss
    away_since: float | None = None
    while psutil.Process().memory_info().rss < first + GROWN:
        try:
            queue.study.optimize(bench, n_trials=1, catch=(TrialError,))
            bench.clear()
            away_since = None
        except ExhaustedError:
            break
        except KeyboardInterrupt:
            _put_back(queue, bench.worker)
            raise
        except (ValueError, UpdateFinishedTrialError):  # Optuna cannot be told of a trial that is another's now
            if not bench.lost:
                raise
            bench.lost, bench.place = False, None
        except AwayError:
            _put_back(queue, bench.worker)
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > recipe.tune.patience:
                raise
            time.sleep(1)
    return ""


def _put_back(queue: Queue, worker: str) -> None:
    """Let the trial that this worker has just been stopped in wait again."""
    for trial in queue.own(worker):
        queue.try_again(trial)
