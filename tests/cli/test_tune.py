"""`hpapipe tune`: what it refuses in one line, what it prints, and that the same command goes on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hpapipe import config
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import tune_storage, tune_study
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import RUN

RATE = "{fit.learning_rate: {low: 0.001, high: 0.1, log: true}}"
NOWHERE = "postgresql+psycopg://somebody:secret@127.0.0.1:1/studies"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "A study must have a space to search. Received an empty `tune.space`. Name options and their ranges"),
        (("--tune.space", "{fit.optimzer: [sgd]}"), "Received `fit.optimzer`. Did you mean `fit.optimizer`?"),
        (("--tune.trails", "3"), "Every key of a recipe must be an option. Received `tune.trails`"),
        (("--tune.space", "{fit.optimizer: [sgd, sdg]}"), "must hold values that the recipe takes. Received `sdg`."),
        (("--tune.space", RATE, "--tune.sampler", "grd"), "`tune.sampler`: Input should be 'tpe', 'random',"),
        (("--tune.space", RATE, "--tune.sampler", "grid"), "A grid must have values that can be counted. Received a"),
        (("--tune.space", RATE, "--workers", "0"), "`tune.workers`: Input should be greater than or equal to 1. Rece"),
        (("--tune.space", RATE, "--tune.objectives", "f1"), "must be among macro_f1, mean_iou, images_per_second"),
        (("--tune.space", RATE, "--tune.objectives", "macro_f1,images_per_second"), "several objectives need pruner"),
        (("--tune.space", RATE, "--tune.objectives", "macro_f1,images_per_second", "--tune.pruner", "none",
          "--tune.sampler", "cmaes"), "several objectives need another sampler than cmaes"),
        (("--tune.space", RATE, "--model.name", "residul"), "`model.name` must be an architecture. Received `residul`"),
        (("--tune.space", RATE, "--tune.storage", "sqlite:///mlflow.db"),
         "Studies must have a database of their own. Received MLflow's, sqlite:///mlflow.db. Give another with "),
        (("--tune.space", RATE, "--tune.storage", NOWHERE), "The database of studies must answer. Received “"),
        (("--space", "spaces.yaml"), "A recipe must be a file. Received spaces.yaml, which does not exist."),
        (("--space", "{recipe}", "--workers", "2"), "A study must have a space to search. Received an empty `tune.spa"),
    ],
    ids=["empty", "option", "key", "value", "sampler", "grid", "workers", "objective", "pruner", "cmaes", "network",
         "of MLflow", "away", "no file", "without tune"],
)  # fmt: skip
def test_a_study_that_cannot_begin(
    recipe: Path, hpapipe: Any, words: tuple[str, ...], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is begun, and no database is made; no password is shown."""
    monkeypatch.setattr(tune_storage, "TRIES", 1)
    ended = hpapipe(
        "tune", "--config", recipe, *(word.format(recipe=recipe) if "{r" in word else word for word in words)
    )
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")
    assert line in ended.err
    assert "secret" not in ended.err
    assert not Path("optuna.db").exists()
    assert [each.name for each in MlflowClient().search_experiments()] == ["Default"]


def test_a_study_that_goes_on_with_another_space_is_refused(recipe: Path, hpapipe: Any) -> None:
    """Before anything is trained; the old one and a new name are the ways out."""
    old = config.load(recipe, {"tune.space": RATE})
    tune_study.make(old, read_space(old)).fill(2)
    ended = hpapipe("tune", "--config", recipe, "--tune.space", "{fit.learning_rate: [0.01, 0.1]}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "A study must keep its space and its objectives. Received other ones than those of `small` in "
        "sqlite:///optuna.db. Take the old ones, or give another name with --tune.study.\n"
    )


SPACE = {"thresholds.constant": [0.001, 0.999], "fit.learning_rate": {"low": 1e-7, "high": 1e-6, "log": True}}
SEED = 3
"""Of the sampler: the first trial is at the first threshold, the others at the second."""


@pytest.mark.whole
def test_a_study_is_searched_and_gone_on_with(
    store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path], hpapipe: Any
) -> None:
    """By two workers; it tells each trial and the next command, which works. The same command does nothing again.

    Every field has the labels a and b: who names all three everywhere has F1 1, 1 and 0, who names none has 0.
    """
    recipe = recipe_file(
        image_folder(("0 1",) * 8).folder,
        fit={"epochs": 1},
        thresholds={"method": "constant", "always_name_one": False},
        tune={"space": SPACE, "sampler": "random", "seed": SEED, "trials": 2},
    )
    first = hpapipe("tune", "--config", recipe, "--workers", "2")
    assert (first.code, first.err) == (0, "")
    told = sorted(line for line in first.out.splitlines() if line.startswith("Trial "))
    assert [re.sub(r"learning_rate \S+\)", "", line) for line in told] == [
        "Trial 0 (constant 0.001, : macro_f1 0.6667",
        "Trial 1 (constant 0.999, : macro_f1 0",
    ]
    assert len(list(Path("workspace/studies/small").glob("worker-*.log"))) == 2
    study = re.search(r"Study small: 2 complete; figures and tables are in run (\w{32})\n", first.out)
    assert study
    parent = Run(study[1])
    trials = [run.id for run in runs.children(parent)]
    assert len(trials) == 2
    assert list(Path("workspace/runs").iterdir()) == []

    again = hpapipe("tune", "--config", recipe, "--workers", "2")
    assert (again.code, again.err) == (0, "")
    assert "Trial 0" not in again.out
    assert first.out[study.start() :] == again.out[again.out.index("Study small") :]
    assert [run.id for run in runs.children(parent)] == trials

    more = hpapipe("tune", "--config", recipe, "--workers", "2", "--tune.trials", "3")
    assert (more.code, more.err) == (0, "")
    assert [line.split()[1] for line in more.out.splitlines() if line.startswith("Trial ")] == ["2"]
    assert f"Study small: 3 complete; figures and tables are in run {parent.id}\n" in more.out
    assert len(runs.children(parent)) == 3
    assert list(runs.read_table(parent, "trials")["macro_f1"]) == [pytest.approx(2 / 3), 0, 0]
    assert MlflowClient().get_run(parent.id).info.status == "FINISHED"

    command = shlex.split(more.out.splitlines()[-1])
    assert command[:3] == ["Next:", "hpapipe", "promote"]
    ended = hpapipe(*command[2:])
    assert (ended.code, ended.out.splitlines()[0][:21]) == (0, "Version 1 is champion")
    (version,) = MlflowClient().search_model_versions("name = 'small'")
    assert runs.facts(Run(str(version.run_id)))[1]["hpapipe.trial"] == "0"


GRID = {"fit.learning_rate": [0.001, 0.1], "fit.optimizer": ["adamw", "sgd"]}


@pytest.mark.whole
def test_one_worker_and_four_find_the_same_on_a_grid(
    store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path], hpapipe: Any
) -> None:
    """To the last digit, in every epoch: what becomes of a point depends on its recipe and seed alone."""
    tune = {"sampler": "grid", "pruner": "none", "space": GRID}
    recipe = recipe_file(image_folder(("0", "1", "0 1", "2") * 3).folder, fit={"epochs": 2}, tune=tune)
    found = []
    for workers in ("1", "4"):
        ended = hpapipe("tune", "--config", recipe, "--workers", workers, "--tune.study", workers)
        assert (ended.code, ended.err) == (0, "")
        trials = tune_study.find(config.load(recipe, {"tune.study": workers})).study.get_trials()
        losses = [
            Run(trial.user_attrs[RUN]).client.get_metric_history(trial.user_attrs[RUN], "val/loss") for trial in trials
        ]
        assert [len(each) for each in losses] == [2, 2, 2, 2]
        found.append(
            {
                tuple(sorted(trial.params.items())): (
                    trial.values,
                    trial.intermediate_values,
                    [each.value for each in loss],
                )
                for trial, loss in zip(trials, losses, strict=True)
            }
        )
    assert len(found[0]) == 4
    assert len({str(each[2]) for each in found[0].values()}) == 4
    assert found[0] == found[1]
