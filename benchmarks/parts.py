"""Clocks the parts of a trial, for `trials.py`: what hpapipe calls for each, by their names."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

import numpy as np

CALLS = {
    "each epoch's numbers in MLflow": ("workflows.fold.log_epoch",),
    "recipe in MLflow": ("workflows.tune_trial.keep_recipe",),
    "data set and split in MLflow": ("workflows.tune_trial.identify",),
    "answers in MLflow": ("workflows.train.log_answers",),
    "weights' distributions": ("workflows.fold.record", "workflows.fold.recorded"),
    "figures": ("tracking.runs.Run.figure",),
    "Version": ("workflows.train.register",),
    "shown in Optuna's dashboard": ("workflows.tune_trial.present", "tracking.runs.read_bytes"),
    "the code's commit": ("tracking.runs.code_version",),
    "state on disk": ("training.state.save",),
}
"""Part of a trial -> what of hpapipe is called for it."""

DRAWN = {"figures": ("workflows.fold.training_figures", "tasks.classification.figures")}
"""Likewise, of what gives one figure after the other."""

OPTUNA, MLFLOW, STATE = "Optuna: database, sampler, pruner", "MLflow, all else", "state on disk"


class Meter:
    """Clocks calls by their part, those of the main thread alone: heartbeats have a thread of their own."""

    def __init__(self) -> None:
        self.spent: dict[str, np.ndarray] = {}
        self.within = False

    def timed(self, work: Callable[..., Any], part: str) -> Callable[..., Any]:
        """`work`, whose calls are clocked unless they are made within another clocked call."""

        def call(*words: Any, **options: Any) -> Any:
            if self.within or threading.current_thread() is not threading.main_thread():
                return work(*words, **options)
            self.within, begun = True, now()
            try:
                return work(*words, **options)
            finally:
                self.spent[part] = self.spent.get(part, 0.0) + now() - begun
                self.within = False

        return call

    def each(self, work: Callable[..., Iterator[Any]], part: str) -> Callable[..., Iterator[Any]]:
        """The same for a generator, clocked item by item."""
        step = self.timed(next, part)

        def call(*words: Any, **options: Any) -> Iterator[Any]:
            items = work(*words, **options)
            while (item := step(items, None)) is not None:
                yield item

        return call

    def installed(self) -> ExitStack:
        """Clocks everything that has a part, until it is closed."""
        import optuna
        from mlflow import MlflowClient
        from optuna.storages._cached_storage import _CachedStorage  # what a study sees of its database

        stack = ExitStack()
        for clock, named in ((self.timed, CALLS), (self.each, DRAWN)):
            for part, names in named.items():
                for name in names:
                    stack.enter_context(patch(f"hpapipe.{name}", clock(resolve_name(f"hpapipe.{name}"), part)))
        of_optuna = (_CachedStorage, optuna.samplers.TPESampler, optuna.pruners.MedianPruner)
        for kind, part in [(MlflowClient, MLFLOW), *((kind, OPTUNA) for kind in of_optuna)]:
            for name, method in inspect.getmembers(kind, inspect.isfunction):
                if not name.startswith("_"):
                    stack.enter_context(patch.object(kind, name, self.timed(method, part)))
        return stack


def now() -> np.ndarray:
    """Seconds, and those of processor."""
    return np.array([time.perf_counter(), time.process_time()])


class Clocked:
    """Seconds, those of processor, and what `work` returns; `parts` collects the parts of all calls."""

    def __init__(self, work: Callable[[], float], meter: Meter) -> None:
        self.work, self.meter = work, meter
        self.parts: list[dict[str, np.ndarray]] = []

    def __call__(self) -> tuple[float, float, float]:
        self.meter.spent = {}
        begun = now()
        result = self.work()
        seconds, processor = now() - begun
        self.parts.append(self.meter.spent)
        return seconds, processor, result
