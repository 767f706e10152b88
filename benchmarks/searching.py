"""Does TPE with pruning reach a grid's best macro F1 in half of the grid's training?

    python benchmarks/searching.py --folder FOLDER     about 25 minutes on two quiet cores
    python benchmarks/searching.py --small             a few points, to see that all works

For each seed, of simulated cells, split, weights and sampler alike, two studies of `hpapipe tune`: a grid over learning
rate, batch size and optimizer, every point trained to its end; and TPE with median pruning over the same space, its
learning rate anywhere between the grid's ends, until it has trained as many epochs as the grid. Both make the macro F1
by thresholds on the same held-out fields as high as can be.

Training is counted in epochs, those of pruned and failed trials too, and in the seconds that these epochs took. Each
search has one worker with one thread, so that its epochs do not depend on the machine's cores. Seconds do, and a
trial's first epoch holds the building of TensorFlow's graph, of which pruning saves nothing. `reached` is the training,
as a share of the grid's, until the end of the first trial that is as good as the grid's best; `never` is not within
the grid's epochs; `at half` is the best of the trials that ended within half of them. The two searches of a seed run
at once. FOLDER keeps their studies: what was interrupted goes on with the same command.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.quiet import import_quietly, quiet

PROMISE = 0.5  # of the grid's training
GRID, TPE = "grid", "tpe"
RATES = [float(f"{rate:.3g}") for rate in np.geomspace(1e-4, 1e-1, 6)]
RECIPE: dict[str, Any] = {
    "experiment": "searching",
    "register_as": "searching",
    "simulate": {"fields": 640, "size": 64},
    "data": {"size": 48},
    "model": {"options": {"width": 12, "blocks": [1, 1, 1], "dropout": 0.1}},
    "fit": {"epochs": 10, "patience": 0, "averaged_weights": 0.8},
    "score": {"bootstrap": 100},
}
SPACE: dict[str, Any] = {"feed.batch_size": [16, 32, 64], "fit.optimizer": ["adamw", "sgd"]}
TUNE: dict[str, dict[str, Any]] = {
    GRID: {"sampler": "grid", "pruner": "none", "space": {"fit.learning_rate": RATES, **SPACE}},
    TPE: {"space": {"fit.learning_rate": {"low": RATES[0], "high": RATES[-1], "log": True}, **SPACE}},
}
SMALL = {"simulate.fields": 60, "fit.epochs": 5}
SMALL_GRID = {"fit.learning_rate": [1e-3, 1e-2], "feed.batch_size": [16], "fit.optimizer": ["adamw", "sgd"]}


@dataclass(frozen=True)
class Ended:
    """A trial that has ended.

    Args:
        value: its macro F1; NaN where it is not complete.
        epochs: that it was trained.
        seconds: that these took.
    """

    value: float
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Reached:
    """How much training a search took until a trial was as good as the grid's best; infinite where none was.

    Args:
        epochs: share of the grid's.
        seconds: likewise.
    """

    epochs: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keeps the studies; none: a folder that is removed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="four points of one seed on few cells")
    given = parser.parse_args()
    os.environ.update({"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"})  # the workers', who inherit it
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        head()
        show([both(folder.resolve(), seed, given.small) for seed in range(1 if given.small else given.seeds)])


def both(folder: Path, seed: int, small: bool) -> Reached:
    """Make both searches of a seed at once, and print what came out."""
    kinds = (GRID, TPE)
    with ProcessPoolExecutor(len(kinds), multiprocessing.get_context("spawn")) as pool:
        places = [folder / f"{kind}-{seed}" for kind in kinds]
        grid, tpe = pool.map(search, places, kinds, repeat(seed), repeat(small))
    row(seed, grid, tpe)
    return reached(grid, tpe)


def search(place: Path, kind: str, seed: int, small: bool) -> list[Ended]:
    """Begin a search in the folder `place`, or go on with it; its trials in their order."""
    place.mkdir(parents=True, exist_ok=True)
    os.chdir(place)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{place}/mlflow.db"
    quiet()
    import_quietly("keras")
    from hpapipe.workflows.space import grid, read_space
    from hpapipe.workflows.tune import tune

    points = len(grid(read_space(recipe_of(GRID, seed, small))))
    recipe = recipe_of(kind, seed, small)
    budget = points * recipe.fit.epochs
    with contextlib.redirect_stdout(sys.stderr):
        while True:
            trials = ended(recipe)
            spent = sum(trial.epochs for trial in trials)
            if spent >= budget or (kind == GRID and len(trials) == points):
                return trials
            each = spent / len(trials) if trials else recipe.fit.epochs
            tune(config.changed(recipe, {"tune.trials": len(trials) + max(1, int((budget - spent) / each))}))


def recipe_of(kind: str, seed: int, small: bool) -> Recipe:
    """The recipe of a search."""
    seeds = dict.fromkeys(("seed", "simulate.seed", "split.seed", "tune.seed"), seed)
    recipe = config.changed(config.parse({**RECIPE, "tune": TUNE[kind]}), seeds | (SMALL if small else {}))
    return config.changed(recipe, {"tune.space": SMALL_GRID}) if small and kind == GRID else recipe


def ended(recipe: Recipe) -> list[Ended]:
    """The trials of a recipe's study that have ended, in the order of their first beginnings."""
    from hpapipe.tracking import runs
    from hpapipe.workflows import tune_study
    from hpapipe.workflows.space import read_space
    from hpapipe.workflows.tune_queue import RUN

    trials = [each for each in tune_study.make(recipe, read_space(recipe)).counted() if each.state.is_finished()]
    found = []
    for trial in sorted(trials, key=lambda each: each.system_attrs.get("failed_trial", each.number)):
        run = runs.find(trial.user_attrs[RUN])
        seconds = sum(metric.value for metric in run.client.get_metric_history(run.id, "train/seconds"))
        value = trial.value if trial.state.name == "COMPLETE" and trial.value is not None else np.nan
        found.append(Ended(value, len(trial.intermediate_values), seconds))
    return found


def reached(grid: Sequence[Ended], tpe: Sequence[Ended]) -> Reached:
    """What TPE took to be as good as the grid's best."""
    wanted = np.nanmax([trial.value for trial in grid])
    epochs, seconds = (np.cumsum([getattr(trial, name) for trial in tpe]) for name in ("epochs", "seconds"))
    whole = sum(trial.epochs for trial in grid)
    good = [place for place, trial in enumerate(tpe) if trial.value >= wanted and epochs[place] <= whole]
    if not good:
        return Reached(np.inf, np.inf)
    return Reached(epochs[good[0]] / whole, seconds[good[0]] / sum(trial.seconds for trial in grid))


def best_within(tpe: Sequence[Ended], epochs: float) -> float:
    """The best value of the trials that ended within so many epochs."""
    values = [
        trial.value
        for trial, spent in zip(tpe, np.cumsum([each.epochs for each in tpe]), strict=True)
        if spent <= epochs and trial.value == trial.value
    ]
    return max(values, default=np.nan)


def head() -> None:
    print(f"{'seed':>4} |{'grid: F1':>9}{'trials':>7}{'epochs':>7}{'seconds':>8} |{'TPE: F1':>8}{'at half':>8}", end="")
    print(f"{'trials':>7}{'pruned':>7}{'epochs':>7}{'seconds':>8} |{'reached: epochs':>16}{'seconds':>8}", flush=True)


def row(seed: int, grid: Sequence[Ended], tpe: Sequence[Ended]) -> None:
    """Print what came out for a seed; a trial that failed counts as pruned."""
    whole, found = sum(trial.epochs for trial in grid), reached(grid, tpe)
    pruned = sum(np.isnan(trial.value) for trial in tpe)
    print(f"{seed:>4} |{best_within(grid, whole):>9.4f}{effort(grid)} |{best_within(tpe, whole):>8.4f}", end="")
    print(f"{best_within(tpe, PROMISE * whole):>8.4f}{effort(tpe, f'{pruned:>7}')} |", end="")
    print(f"{share(found.epochs):>16}{share(found.seconds):>8}", flush=True)


def show(found: Sequence[Reached]) -> None:
    """Print the spread over the seeds."""
    for name in ("epochs", "seconds"):
        each = np.sort([getattr(one, name) for one in found])
        kept = np.sum(each <= PROMISE)
        told = f"{share(each[len(each) // 2])} ({share(each[0])} to {share(each[-1])}) of the grid's"
        print(f"{name}: {told}; at most {PROMISE:.0%} for {kept} of {len(each)} seeds", end=": ")
        print("kept" if kept == len(each) else "NOT KEPT")


def effort(trials: Sequence[Ended], pruned: str = "") -> str:
    """Cells: how many trials, epochs and seconds."""
    epochs, seconds = (sum(getattr(trial, name) for trial in trials) for name in ("epochs", "seconds"))
    return f"{len(trials):>7}{pruned}{epochs:>7}{seconds:>8.0f}"


def share(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "never"


if __name__ == "__main__":
    main()
