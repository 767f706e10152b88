"""`hpapipe compare` with something wrong: a line, exit code 2, and nothing logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hpapipe.tracking import runs
from hpapipe.workflows.kept import COMPARE, FOLD, KIND, TRAIN

ABSENT = "0" * 32


@pytest.fixture
def refused(store: Path, hpapipe: Any) -> Any:
    """Checks that `compare` refuses these words; returns the line that it says."""

    def refuse(*words: object) -> str:
        ended = hpapipe("compare", *words)
        assert (ended.code, ended.out) == (2, "")
        (line,) = ended.err.splitlines()
        experiments = [each.experiment_id for each in MlflowClient().search_experiments()]
        assert MlflowClient().search_runs(experiments, f"tags.`{KIND}` = '{COMPARE}'") == []
        return str(line)

    return refuse


def test_no_run(hpapipe: Any) -> None:
    """The command's usage."""
    ended = hpapipe("compare")
    assert ended.code == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", [("one",), (" one, ",), (",",), ("",)])
def test_fewer_than_two_runs(refused: Any, words: tuple[str, ...]) -> None:
    """Nothing is read."""
    assert refused(*words).startswith("At least two runs are needed to compare. Received ")


@pytest.mark.parametrize("words", [("one", "two", "one"), ("one,two,one",), ("one two one",)])
def test_a_run_given_twice(refused: Any, words: tuple[str, ...]) -> None:
    """However the ids are separated."""
    line = "Every run must be given once. Received one more than once. Leave out the repetition."
    assert refused(*words) == line


def test_an_unknown_run(refused: Any) -> None:
    """It and the store are named."""
    line = refused(ABSENT, "1" * 32)
    assert line.startswith(f"A run must exist. Received `{ABSENT}` in sqlite:///")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "which is no run of hpapipe. Give the ids of runs of `hpapipe train`"),
        ({KIND: "evaluate"}, "which is of the kind evaluate. Give the ids of runs of `hpapipe train`"),
        ({KIND: TRAIN}, "which is of the kind train. Give the ids"),
        (
            {KIND: TRAIN, "hpapipe.labels": "a, b"},
            "which has no scores yet. Train it to its end: hpapipe train --resume",
        ),
        (
            {KIND: FOLD, "mlflow.parentRunId": "abc"},
            "which is of the kind fold. Give the run that it is a part of: abc.",
        ),
    ],
)
def test_a_run_that_cannot_be_compared(refused: Any, tags: dict[str, str], words: str) -> None:
    """Why, and what to do instead."""
    with runs.running("small", tags) as run:
        pass
    line = refused(run.id, ABSENT)
    assert line.startswith(f"Only finished training runs and ensembles can be compared. Received run {run.id}, ")
    assert words in line


def test_an_option_that_does_not_exist(refused: Any) -> None:
    """As with every command."""
    assert "`fit.epoch`" in refused("one", "two", "--fit.epoch", "3")
