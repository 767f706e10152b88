"""What is told of a study: its lines, tables and figures, its best trials, and why none could be trained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from mlflow import MlflowClient
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import DEATHS, HISTORY, REASON, RUN, Queue
from hpapipe.workflows.tune_report import Tuned, epochs_table, importances, line, report, trials_table
from hpapipe.workflows.tune_storage import open_storage

DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "fit.learning_rate": FloatDistribution(0.001, 0.1, log=True),
    "fit.epochs": IntDistribution(1, 9),
    "model.weights": CategoricalDistribution([None, "imagenet"]),
}
SPACE = {
    "fit.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
    "fit.epochs": {"low": 1, "high": 9},
    "model.weights": [None, "imagenet"],
}
TWO = {"objectives": ["macro_f1", "images_per_second"], "pruner": "none"}
COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


def trial(state: TrialState, *values: float, **told: Any) -> FrozenTrial:
    """A trial by hand: `epochs` are its intermediate values, `system` its system attributes, `attrs` the user's.

    All else are options, whose dots are written as two underlines.
    """
    epochs, system, attrs = (told.pop(name, {}) for name in ("epochs", "system", "attrs"))
    params = {name.replace("__", "."): value for name, value in told.items()}
    return optuna.create_trial(
        state=state,
        values=values or None,
        params=params,
        distributions={name: DISTRIBUTIONS[name] for name in params},
        intermediate_values=epochs,
        user_attrs=attrs,
        system_attrs=system,
    )


@pytest.fixture(scope="module")
def empty_studies(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with Optuna's tables and no study."""
    place = tmp_path_factory.mktemp("studies") / "optuna.db"
    open_storage(config.Tune(storage=f"sqlite:///{place}"))
    return place.read_bytes()


Filled = Callable[..., tuple[Recipe, Queue]]


@pytest.fixture
def filled(store: Path, empty_studies: bytes) -> Filled:
    """A study with these trials, and its recipe."""

    def fill(*trials: FrozenTrial, **tune: Any) -> tuple[Recipe, Queue]:
        Path("optuna.db").write_bytes(empty_studies)
        recipe = config.parse({"experiment": "cells", "tune": {"space": SPACE, **tune}})
        storage = open_storage(recipe.tune)
        count = len(recipe.tune.objectives)
        study = optuna.create_study(storage=storage, study_name="cells", directions=["maximize"] * count)
        study.set_metric_names(list(recipe.tune.objectives))
        for each in trials:
            study.add_trial(each)
        return recipe, Queue(study, storage, recipe.tune.retries)

    return fill


def reported(recipe: Recipe, queue: Queue) -> tuple[Tuned, Run]:
    with runs.running("cells", {}) as run:
        return report(recipe, read_space(recipe), queue, run), run


def test_a_trial_in_one_line(filled: Filled) -> None:
    """Its point and its value, or why it has none; a worker that was lost leaves no reason."""
    _, queue = filled(
        trial(COMPLETE, 0.612345, fit__learning_rate=0.0123456, fit__epochs=3, model__weights=None),
        trial(PRUNED, 0.5, fit__epochs=3, attrs={REASON: "hopeless after epoch 2"}),
        trial(FAIL, fit__epochs=9, attrs={REASON: "out of memory: MemoryError: "}),
        trial(FAIL),
    )
    assert [line(queue, each) for each in queue.trials] == [
        "Trial 0 (learning_rate 0.01235, epochs 3, weights None): macro_f1 0.6123",
        "Trial 1 (epochs 3): pruned: hopeless after epoch 2",
        "Trial 2 (epochs 9): failed: out of memory: MemoryError: ",
        "Trial 3 (): failed: its worker gave no more signs of life",
    ]


def test_a_trial_of_two_objectives_in_one_line(filled: Filled) -> None:
    _, queue = filled(trial(COMPLETE, 0.5, 1234.5, fit__epochs=3), **TWO)
    assert line(queue, queue.trials[0]) == "Trial 0 (epochs 3): macro_f1 0.5, images_per_second 1234"


def test_the_table_of_trials() -> None:
    """A row each; no value is no number, an option that is none is told from one that was not asked for."""
    begun = datetime(2020, 1, 1)
    done = trial(COMPLETE, 0.5, 90, fit__epochs=3, model__weights=None, epochs={1: 0.4, 2: 0.5}, attrs={RUN: "r0"})
    done.datetime_start, done.datetime_complete = begun, begun + timedelta(seconds=90)
    pruned = trial(PRUNED, attrs={REASON: "hopeless after epoch 1", RUN: "r1"}, epochs={1: 0.1}, fit__epochs=4)
    lost, waiting = trial(FAIL), trial(TrialState.WAITING)
    for number, each in enumerate((done, pruned, lost, waiting)):
        each.number = number
    for each in (pruned, lost, waiting):
        each.datetime_start = None
    table = trials_table([done, pruned, lost, waiting], TWO["objectives"], ["fit.epochs", "model.weights"])
    expected = pd.DataFrame(
        {
            "number": [0, 1, 2, 3],
            "state": ["complete", "pruned", "failed", "waiting"],
            "macro_f1": [0.5, None, None, None],
            "images_per_second": [90.0, None, None, None],
            "seconds": [90.0, None, None, None],
            "epochs": [2, 1, 0, 0],
            "fit.epochs": [3.0, 4.0, None, None],
            "model.weights": ["none", None, None, None],
            "reason": ["", "hopeless after epoch 1", "its worker gave no more signs of life", ""],
            "run": ["r0", "r1", "", ""],
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_the_table_of_epochs() -> None:
    """Trial by trial, epochs rising; with its columns where nothing was reported."""
    two, one = trial(PRUNED, epochs={3: 0.3, 1: 0.1}), trial(COMPLETE, 0.9, epochs={2: 0.5})
    two.number, one.number = 0, 4
    assert epochs_table([two, one]).to_dict("list") == {
        "number": [0, 0, 4],
        "epoch": [1, 3, 2],
        "value": [0.1, 0.3, 0.5],
        "state": ["pruned", "pruned", "complete"],
    }
    assert list(epochs_table([]).columns) == ["number", "epoch", "value", "state"]


def test_what_decides_about_the_best_trials_is_important() -> None:
    """Shares of one; of two objectives, the first alone counts, which is to be high too.

    Many epochs make the best trials; among the others, the learning rate decides.
    """
    one, two = (optuna.create_study(directions=["maximize"] * count) for count in (1, 2))
    for number in range(45):
        epochs, rate = 1 + number % 9, 0.001 * 1.1 ** (number * 7 % 45)
        value = 1.0 if epochs == 9 else rate
        for study, values in ((one, (value,)), (two, (value, number / 45))):
            study.add_trial(trial(COMPLETE, *values, fit__epochs=epochs, fit__learning_rate=rate))
    shares = importances(one)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["fit.epochs"] > 0.8
    assert importances(two) == pytest.approx(shares)


def test_trials_without_a_difference_tell_nothing_of_importance() -> None:
    """Optuna would share it evenly among the options."""
    study = optuna.create_study(direction="maximize")
    assert importances(study) == {}
    for epochs in (1, 5):
        study.add_trial(trial(COMPLETE, 0.5, fit__epochs=epochs, fit__learning_rate=0.01 * epochs))
        study.add_trial(trial(PRUNED, 0.1 * epochs, fit__epochs=epochs))
        assert importances(study) == {}


DONE = (
    trial(COMPLETE, 0.4, fit__learning_rate=0.02, fit__epochs=2, model__weights=None, attrs={RUN: "a" * 32}),
    trial(COMPLETE, 0.6, fit__learning_rate=0.01, fit__epochs=3, model__weights="imagenet", attrs={RUN: "b" * 32},
          epochs={1: 0.5, 2: 0.6}),
    trial(PRUNED, 0.1, fit__learning_rate=0.05, fit__epochs=3, model__weights=None, epochs={1: 0.1},
          attrs={REASON: "hopeless after epoch 1", RUN: "c" * 32}),
    trial(FAIL, fit__learning_rate=0.09, fit__epochs=3, model__weights=None, attrs={REASON: "out of memory"}),
)  # fmt: skip


def test_the_best_trial_is_reported(filled: Filled) -> None:
    """It leads to its run; counts, tables and figures stand in the study's run, the trials in its description."""
    done, run = reported(*filled(*DONE, trials=4))
    assert (done.study, done.run_id) == ("cells", run.id)
    assert done.counts == {"complete": 2, "pruned": 1, "failed": 1}
    (best,) = done.table.drop(columns="seconds").to_dict("records")
    assert best == {
        "trial": 1, "macro_f1": 0.6, "fit.learning_rate": 0.01, "fit.epochs": 3, "model.weights": "imagenet",
        "run": "b" * 32,
    }  # fmt: skip
    _, tags, metrics = runs.facts(run)
    assert metrics == {"study/complete": 2, "study/pruned": 1, "study/failed": 1, "study/best_macro_f1": 0.6}
    assert tags["hpapipe.best"] == "b" * 32
    note = tags["mlflow.note.content"].split("\n")
    assert note[0] == "**Study cells**: 2 complete, 1 pruned, 1 failed."
    assert note[4] == "| trial | macro_f1 | seconds | fit.learning_rate | fit.epochs | model.weights | run |"
    assert note[6].startswith("| 1 | 0.600 | ")
    table = runs.read_table(run, "trials")
    assert list(table["state"]) == ["complete", "complete", "pruned", "failed"]
    assert list(table["reason"]) == ["", "", "hopeless after epoch 1", "out of memory"]
    assert {file.path for file in MlflowClient().list_artifacts(run.id, "figures/study")} >= {
        f"figures/study/{name}.{kind}" for name in ("history", "slice", "parallel", "epochs") for kind in ("png", "csv")
    }
    assert list(runs.read_table(run, "figures/study/epochs")["value"]) == [0.5, 0.6, 0.1]


def test_the_trials_of_a_front_are_reported(filled: Filled) -> None:
    """All that no other beats in both objectives, the highest F1 first; the rest is left out."""
    values = {"a": (0.4, 90.0), "b": (0.6, 50.0), "c": (0.5, 70.0), "d": (0.5, 60.0), "e": (0.3, 80.0)}
    trials = [trial(COMPLETE, *pair, fit__epochs=3, attrs={RUN: name * 32}) for name, pair in values.items()]
    done, run = reported(*filled(*trials, trials=5, **TWO))
    assert list(done.table["trial"]) == [1, 2, 0]
    assert list(done.table["images_per_second"]) == [50.0, 70.0, 90.0]
    tags = runs.facts(run)[1]
    assert tags["hpapipe.best"] == ",".join(name * 32 for name in "bca")
    assert "figures/study/pareto.png" in {file.path for file in MlflowClient().list_artifacts(run.id, "figures/study")}


def test_a_trial_that_was_tried_again_counts_once(filled: Filled) -> None:
    """Neither the one that was lost, nor one that is still to be tried again."""
    again = {HISTORY: [0], DEATHS: 1}
    first, second = trial(FAIL, fit__epochs=3), trial(COMPLETE, 0.5, fit__epochs=3, system=again, attrs={RUN: "b" * 32})
    done, run = reported(*filled(first, second, trial(FAIL, fit__epochs=4), trials=2))
    assert done.counts == {"complete": 1}
    assert list(runs.read_table(run, "trials")["number"]) == [1]


@pytest.mark.parametrize("state", [TrialState.WAITING, TrialState.RUNNING])
def test_a_study_that_was_stopped_before_any_trial_was_done(filled: Filled, state: TrialState) -> None:
    """No error: the same command goes on."""
    recipe, queue = filled(trial(FAIL, attrs={REASON: "out of memory"}), trial(state))
    done, run = reported(recipe, queue)
    assert done.counts == {"failed": 1, "waiting" if state == TrialState.WAITING else "running": 1}
    assert done.table.empty
    assert "hpapipe.best" not in runs.facts(run)[1]


def test_a_study_that_completed_nothing_is_an_error(filled: Filled) -> None:
    """It tells the first reason; all reasons stand in the table of its run, which is FAILED."""
    recipe, queue = filled(
        trial(FAIL, attrs={REASON: "`model.options` must hold options of `residual`. Received `widht`."}),
        trial(PRUNED, attrs={REASON: "out of its 3 s after epoch 1"}),
    )
    with pytest.raises(UserError) as error:
        reported(recipe, queue)
    assert str(error.value) == (
        "A study must complete one trial at least. Received none of 2; the first: "
        "`model.options` must hold options of `residual`. Received `widht`. "
        "Mend it, and begin with --tune.study NAME."
    )
    client = MlflowClient()
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert run.info.status == "FAILED"
    assert list(runs.read_table(Run(run.info.run_id), "trials")["reason"])[1] == "out of its 3 s after epoch 1"
