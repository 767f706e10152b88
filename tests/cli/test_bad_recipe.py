"""Faulty recipes: exit code 2 and a line a fault, before anything is begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--fit.epoch", "3"), "must be an option. Received `fit.epoch` in {recipe}. Did you mean `fit.epochs`?"),
        (("--fti.epochs", "3"), "Received `fti` in {recipe}."),
        (("--fit.epochs", "many"), "`fit.epochs`: Input should be a valid integer"),
        (("--split.validate_on", "2"), "`split`: validate_on must be `each` or a fold from 0 to 1, not 2."),
        (("--model.name", "residul"), "must be an architecture. Received `residul`. Did you mean `residual`?"),
        (("--model.options", "{widht: 4}"), "must hold options of `residual`. Received `widht`. Did you mean `width`?"),
        (("--data.folder", "nowhere"), "`data.folder` must be a folder. Received nowhere."),
        (("--split.folds", "13"), "must not exceed the independent fields. Received 13 folds for 12 groups"),
    ],
    ids=["key", "section", "type", "fold", "architecture", "its option", "folder", "folds"],
)  # fmt: skip
def test_a_faulty_recipe(recipe: Path, hpapipe: Any, words: tuple[str, str], line: str) -> None:
    """One line that names the field, what was received, and the nearest that is known."""
    ended = hpapipe("train", "--config", recipe, *words)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert line.format(recipe=recipe) in ended.err
    assert MlflowClient().search_registered_models() == []


def test_all_faults_of_a_recipe_are_told_at_once(recipe: Path, hpapipe: Any) -> None:
    """A line each; no run is begun."""
    recipe.write_text(recipe.read_text().replace("epochs", "epoch").replace("folds: 2", "folds: two"))
    ended = hpapipe("train", "--config", recipe)
    assert (ended.code, len(ended.err.splitlines())) == (2, 2)
    assert "fit.epoch" in ended.err
    assert "split.folds" in ended.err
    assert not Path("workspace").exists()


def test_a_recipe_that_is_not_there_or_no_recipe(recipe: Path, hpapipe: Any) -> None:
    """The nearest file is named; broken YAML and an empty file are told."""
    ended = hpapipe("train", "--config", recipe.with_name("recipes.yaml"))
    assert ended.code == 2
    assert f"Did you mean `{recipe}`?" in ended.err
    for text in ("fit: [", "", "- fit"):
        recipe.write_text(text)
        ended = hpapipe("train", "--config", recipe)
        assert (ended.code, len(ended.err.splitlines())) == (2, 1)
        assert ended.err.startswith("A recipe must be")


def test_resume_takes_no_recipe_and_needs_a_run(recipe: Path, hpapipe: Any) -> None:
    """A resumed run keeps its recipe; an unknown id is told."""
    for words, received in (
        (("--config", recipe), "--config"),
        (("--fit.epochs", "9"), "--fit.epochs"),
        (("--config", recipe, "--seed=3"), "--config, --seed"),
    ):
        ended = hpapipe("train", "--resume", "0123", *words)
        assert ended.code == 2
        assert ended.err.startswith(f"A resumed run keeps its recipe. Received {received} beside --resume.")
    ended = hpapipe("train", "--resume", "0123")
    assert ended.code == 2
    assert ended.err.startswith("A run must exist. Received `0123` in sqlite:")
