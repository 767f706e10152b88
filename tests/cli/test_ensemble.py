"""Faulty words beside `hpapipe ensemble`: exit code 2, one line, before any network is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("0123",), "A run must exist. Received `0123` in sqlite:"),
        (("0123", "0123"), "Each run must be named once. Received one of them twice."),
        (("0123", "--fit.epochs", "3"), "Received `fit.epochs`."),
        (("0123", "--seed", "3"), "Received `seed`."),
        (("0123", "--groups", "2"), "Received `groups`."),
        (("0123", "--answers.turns", "true"), "Received `answers.turns`. Did you mean `answer.turns`?"),
        (("0123", "--answer.turns"), "An option of a recipe must have a value. Received `--answer.turns`"),
    ],
    ids=["no such run", "twice", "training", "seed", "groups", "misspelt", "no value"],
)
def test_faulty_words(store: Path, hpapipe: Any, words: tuple[str, ...], line: str) -> None:
    """What was received is named, and no run is begun."""
    ended = hpapipe("ensemble", *words)
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")
    assert line in ended.err
    client = MlflowClient()
    assert client.search_runs([each.experiment_id for each in client.search_experiments()]) == []


@pytest.mark.parametrize("words", [(), ("0123", "--config", "recipe.yaml")], ids=["no run", "a recipe"])
def test_it_takes_runs_and_no_recipe(store: Path, hpapipe: Any, words: tuple[str, ...]) -> None:
    """As usage errors are told."""
    ended = hpapipe("ensemble", *words)
    assert ended.code == 2
    assert "Usage: hpapipe ensemble" in ended.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--answer.turn", "true"), "Every key of a recipe must be an option. Received `answer.turn` in the recipe."),
        (("--answer.join", "median"), "`answer.join`: Input should be 'mean' or 'maximum'. Received `median`."),
        (("--answer.crops", "9"), "`answer.crops`: Input should be less than or equal to 8. Received `9`."),
        (("--data.folder", "nowhere"), "`data.folder` must be a folder. Received nowhere."),
    ],
    ids=["option", "join", "crops", "folder"],
)
def test_faulty_options_of_a_good_run(trained: Any, hpapipe: Any, words: tuple[str, ...], line: str) -> None:
    """Nothing is registered."""
    ended = hpapipe("ensemble", trained.run, *words)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith(line)
    assert [found.run_id for found in MlflowClient().search_model_versions("name = 'small'")] == [trained.run]
