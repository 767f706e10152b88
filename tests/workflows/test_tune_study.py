"""A study in its database: made once, found again by its space, and with chance that each trial has of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from hpapipe import config
from hpapipe.config import Recipe, Tune
from hpapipe.errors import UserError
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import Queue
from hpapipe.workflows.tune_study import PRUNERS, SAMPLERS, find, make, name_of, sampler

RATE = {"low": 0.001, "high": 0.1, "log": True}
SPACE: dict[str, Any] = {"fit.learning_rate": RATE, "fit.optimizer": ["adam", "sgd"]}
TWO = {"objectives": ["macro_f1", "images_per_second"], "pruner": "none"}

PLACES = itertools.count()


def recipe_with(storage: str, space: dict[str, Any] | None = None, **tune: Any) -> Recipe:
    return config.parse({"experiment": "cells", "tune": {"storage": storage, "space": space or SPACE, **tune}})


def made(recipe: Recipe) -> Queue:
    return make(recipe, read_space(recipe))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, store: Path) -> str:
    """The address of an empty one."""
    if request.param == "sqlite":
        return "sqlite:///optuna.db"
    address: str = request.getfixturevalue("postgres").url(f"studies{next(PLACES)}")
    return address


def test_a_study_is_made_once_and_found_again(database: str) -> None:
    """With its trials; the objectives are as high as can be, and named in the dashboard."""
    first = made(recipe_with(database))
    first.fill(3)
    second = made(recipe_with(database, trials=7, workers=2))
    assert [summary.study_name for summary in optuna.get_all_study_summaries(database)] == ["cells"]
    assert second.study._study_id == first.study._study_id
    assert [trial.state for trial in second.trials] == [TrialState.WAITING] * 3
    assert second.study.metric_names == ["macro_f1"]
    assert second.study.directions == [optuna.study.StudyDirection.MAXIMIZE]


@pytest.mark.parametrize(
    ("space", "tune"),
    [
        ({**SPACE, "fit.momentum": [0, 0.9]}, {}),
        ({"fit.optimizer": ["adam", "sgd"]}, {}),
        ({**SPACE, "fit.optimizer": ["adam", "adamw"]}, {}),
        ({**SPACE, "fit.learning_rate": {"low": 0.001, "high": 0.2, "log": True}}, {}),
        ({**SPACE, "fit.learning_rate": {"low": 0.001, "high": 0.1}}, {}),
        ({**SPACE, "fit.learning_rate": {"low": 0.001, "high": 0.1, "step": 0.01}}, {}),
        ({**SPACE, "fit.learning_rate": {**RATE, "when": {"fit.optimizer": "sgd"}}}, {}),
        (SPACE, TWO),
    ],
    ids=["more", "fewer", "choices", "range", "scale", "step", "condition", "objectives"],
)
def test_another_space_is_refused(studies: Callable[[], str], space: dict[str, Any], tune: dict[str, Any]) -> None:
    """Also other objectives: points and values of old and new trials would not compare."""
    with pytest.raises(UserError) as error:
        made(recipe_with(studies(), space, **tune))
    assert str(error.value) == (
        "A study must keep its space and its objectives. Received other ones than those of `cells` in "
        "sqlite:///optuna.db. Take the old ones, or give another name with --tune.study."
    )


def test_another_recipe_is_refused_and_other_folders_are_not(studies: Callable[[], str]) -> None:
    """Trials of two recipes would not compare; where the images lie says nothing about them."""
    recipe = recipe_with(studies())
    with pytest.raises(UserError, match=r"A study must keep its recipe\. .*--tune\.study"):
        made(config.changed(recipe, {"fit.epochs": 77}))
    made(config.changed(recipe, {"workspace": "elsewhere", "data.folder": "/mnt/images", "tune.trials": 3}))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with the study `cells` over `SPACE`."""
    place = tmp_path_factory.mktemp("studies") / "optuna.db"
    made(recipe_with(f"sqlite:///{place}"))
    return place.read_bytes()


@pytest.fixture
def studies(store: Path, kept: bytes) -> Callable[[], str]:
    """Puts that database beside the test."""

    def put() -> str:
        Path("optuna.db").write_bytes(kept)
        return "sqlite:///optuna.db"

    return put


def test_a_password_is_not_shown(postgres: Any) -> None:
    """Where another space is refused."""
    address = postgres.url(f"studies{next(PLACES)}")
    made(recipe_with(address))
    with pytest.raises(UserError, match="must keep its space") as error:
        made(recipe_with(address, {"fit.epochs": [1]}))
    assert f"postgresql+psycopg://…@127.0.0.1:{postgres.port}/studies" in str(error.value)


def test_the_same_space_may_be_written_in_another_way(studies: Callable[[], str]) -> None:
    """What is not the space or the objectives may change, and so may the way a list of choices is written."""
    space = {**SPACE, "fit.optimizer": {"choices": ["adam", "sgd"]}}
    queue = made(recipe_with(studies(), space, sampler="random", pruner="none", seed=3, retries=5))
    assert (queue.study.study_name, queue.retries) == ("cells", 5)


def test_other_studies_stand_beside_it(studies: Callable[[], str]) -> None:
    """By their names, each with a space of its own."""
    address = studies()
    made(recipe_with(address, {"fit.epochs": [1, 2]}, study="short", **TWO))
    found = {summary.study_name: len(summary.directions) for summary in optuna.get_all_study_summaries(address)}
    assert found == {"cells": 1, "short": 2}


def test_a_worker_finds_the_study_with_its_sampler_and_pruner(studies: Callable[[], str]) -> None:
    """Of the recipe: the database holds neither."""
    study = find(recipe_with(studies(), sampler="random", pruner="hyperband")).study
    assert isinstance(study.sampler, optuna.samplers.RandomSampler)
    assert isinstance(study.pruner, optuna.pruners.HyperbandPruner)


def test_a_study_is_called_as_its_experiment_or_as_it_is_told() -> None:
    assert name_of(recipe_with("sqlite:///optuna.db")) == "cells"
    assert name_of(recipe_with("sqlite:///optuna.db", study="of cells")) == "of cells"


def test_every_name_of_a_sampler_and_a_pruner_has_one() -> None:
    """What recipes may say is what there is, and each can be made."""
    told = [set(get_args(Tune.model_fields[name].annotation)) for name in ("sampler", "pruner")]
    assert told == [set(SAMPLERS), set(PRUNERS)]
    assert {name: type(sampler(Tune(sampler=name), 0)).__name__ for name in told[0]} == {
        "tpe": "TPESampler",
        "random": "RandomSampler",
        "cmaes": "CmaEsSampler",
        "grid": "RandomSampler",
    }
    assert {name: type(make_pruner(config.parse({}))).__name__ for name, make_pruner in PRUNERS.items()} == {
        "median": "MedianPruner",
        "hyperband": "HyperbandPruner",
        "none": "NopPruner",
    }


def point(tune: Tune, study: optuna.Study) -> tuple[int, float, str, int]:
    """(number, values) of the study's next trial, with the sampler that it is due."""
    trial = study.ask()
    study.sampler = sampler(tune, trial.number)
    return (
        trial.number,
        trial.suggest_float("rate", 0, 1),
        trial.suggest_categorical("optimizer", ["adam", "sgd"]),
        trial.suggest_int("width", 1, 10**6),
    )


@pytest.mark.parametrize("name", ["random", "tpe"])
def test_the_chance_of_a_trial_is_its_own(name: Any) -> None:
    """Whoever trains it, and whatever a worker trained before."""
    tune = Tune(sampler=name, seed=4)
    study = optuna.create_study()
    alone = [point(tune, study) for _ in range(4)]
    storage = optuna.storages.InMemoryStorage()
    shared = [optuna.create_study(storage=storage, study_name="cells", load_if_exists=True) for _ in range(2)]
    assert [point(tune, shared[turn]) for turn in (0, 1, 1, 0)] == alone
    assert len({rate for _, rate, *_ in alone}) == 4


@given(st.integers(0, 2**32), st.integers(0, 10**6), st.integers(1, 10**6))
def test_trials_and_studies_do_not_share_their_chance(seed: int, number: int, other: int) -> None:
    """Another number or another seed draws another point; the same ones draw the same."""

    def drawn(seed: int, number: int) -> float:
        space = FloatDistribution(0, 1)
        study = optuna.create_study()
        chance = sampler(Tune(sampler="random", seed=seed), number)
        value: float = chance.sample_independent(study, optuna.create_trial(value=0), "rate", space)
        return value

    assert drawn(seed, number) == drawn(seed, number)
    assert drawn(seed, number) != drawn(seed, number + other)
    assert drawn(seed, number) != drawn(seed + other, number)


def test_cmaes_samples_numbers_together() -> None:
    """After the trials by chance, also beside choices, which it does not know; what was told moves its points."""
    tune = Tune(sampler="cmaes", warmup_trials=4, seed=1)
    study = optuna.create_study(direction="maximize")
    names = {"rate": FloatDistribution(0, 1), "decay": FloatDistribution(0, 1)}
    drawn = []
    for number in range(40):
        trial = study.ask()
        study.sampler = sampler(tune, number)
        rate, decay = trial.suggest_float("rate", 0, 1), trial.suggest_float("decay", 0, 1)
        trial.suggest_categorical("optimizer", ["adam", "sgd"])
        assert set(trial.relative_params) == (set() if number < 4 else set(names))
        drawn.append((rate - 0.9) ** 2 + (decay - 0.1) ** 2)
        study.tell(trial, -drawn[-1])
    assert sum(drawn[-10:]) < sum(drawn[:10]) / 4
