"""The gate between a run and the champion's place, on answers made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from hpapipe import config
from hpapipe.tracking import registry, runs
from hpapipe.workflows.kept import KIND, TRAIN, keep_recipe

TRUTH = ("0", "1", "2", "0 1") * 5
WRONG = ("2",) * 20

Made = Callable[..., str]


@pytest.fixture
def made(store: Path, recipe_file: Callable[..., Path]) -> Made:
    """Makes a finished training run that named these labels, with its Version; returns its id."""

    def make(
        named: Sequence[str] = TRUTH,
        split: str = "one split",
        ids: Sequence[str] | None = None,
        register: bool = True,
        **data: object,
    ) -> str:
        recipe = config.load(recipe_file(store, data=data))
        tags = {KIND: TRAIN, "hpapipe.experiment": "small"}
        with runs.running("small", tags) as run:
            run.tags({"hpapipe.split": split, "hpapipe.labels": ", ".join(recipe.data.labels)})
            keep_recipe(run, recipe)
            ids = ids or [f"f{number:02d}" for number in range(len(named))]
            table = {"id": ids, "fold": 0, "group": range(len(named)), "truth": TRUTH[: len(named)], "named": named}
            run.table("predictions", pd.DataFrame(table))
            if register:
                registry.register(run, f"runs:/{run.id}/version", "small", {})
        return run.id

    return make


@pytest.fixture
def promote(store: Path, made: Made, hpapipe: Any) -> Callable[..., Any]:
    return lambda *words: hpapipe("promote", *words, "--register_as", "small", "--experiment", "small")


def champion() -> str | None:
    """The champion's number."""
    found = registry.champion("small")
    return found and found[0]


def test_a_better_run_takes_the_place(made: Made, promote: Any) -> None:
    """All right against all wrong: the table shows both and the gain, the tags say who was champion and why."""
    promote(made(WRONG))
    ended = promote(made(TRUTH))
    assert (ended.code, champion()) == (0, "2")
    row = next(line for line in ended.out.splitlines() if "macro F1" in line).split()
    # Named everywhere, c has precision 1/4 and recall 1: F1 0.4; a and b have none.
    assert row[2:5] == ["0.133", "1.000", "0.867"]
    assert float(row[5]) > 0.5
    assert row[7] == "1.000"
    assert "F1 a" in ended.out
    tags = MlflowClient().get_model_version("small", "2").tags
    assert tags["hpapipe.promote.instead_of"] == "1"
    assert tags["hpapipe.promote.why"] == "gain +0.8667 in macro F1 over version 1, 100.0% sure"


def test_the_newest_run_is_the_default(made: Made, promote: Any) -> None:
    """Without an id, and with `newest` as MLproject has it, the last finished run of the experiment is taken."""
    made(WRONG)
    promote()
    assert champion() == "1"
    made(TRUTH)
    promote("newest")
    assert champion() == "2"


def test_an_equal_run_does_not_pass_the_gate(made: Made, promote: Any) -> None:
    """Exit code 3, the alias and the history stay as they were."""
    promote(made(TRUTH))
    ended = promote(made(TRUTH))
    assert (ended.code, champion(), len(registry.history("small"))) == (3, "1", 1)
    assert "Not promoted: gain +0.0000 in macro F1 over version 1" in ended.out
    assert "95% are asked for" in ended.out


def test_a_worse_run_can_be_forced_with_a_reason(made: Made, promote: Any) -> None:
    """The reason and the failed comparison stand in the tags."""
    promote(made(TRUTH))
    ended = promote(made(WRONG), "--force", "it is faster")
    assert (ended.code, champion()) == (0, "2")
    why = MlflowClient().get_model_version("small", "2").tags["hpapipe.promote.why"]
    assert why.startswith("forced: it is faster (gain -0.8667 in macro F1 over version 1, 0.0% sure")


@pytest.mark.parametrize("option", [("--promote.min_gain", "0.9"), ("--promote.confidence", "0.999999")])
def test_the_gate_is_an_option(made: Made, promote: Any, option: tuple[str, str]) -> None:
    """A gain of 0.867 does not pass a gate of 0.9; a sure one passes any confidence."""
    promote(made(WRONG))
    ended = promote(made(TRUTH), *option)
    assert ended.code == (3 if option[0] == "--promote.min_gain" else 0)


def test_another_split_is_refused_and_can_be_forced(made: Made, promote: Any) -> None:
    """Scores on other fields do not compare; with a reason the run is promoted unseen."""
    promote(made(WRONG))
    other = made(TRUTH, split="another split")
    ended = promote(other)
    assert (ended.code, champion()) == (2, "1")
    assert ended.err.startswith("Both runs must have the same split. Received different ones in ")
    assert len(ended.err.splitlines()) == 1
    assert promote(other, "--force", "new data").code == 0
    assert champion() == "2"
    why = MlflowClient().get_model_version("small", "2").tags["hpapipe.promote.why"]
    assert why == "forced, not compared: new data"


def test_another_label_set_is_refused_even_with_force(made: Made, promote: Any) -> None:
    """A model with other labels cannot take the place of one that is called by the same name."""
    promote(made(WRONG))
    other = made(TRUTH, labels=["a", "b", "other"])
    for force in ((), ("--force", "I want it")):
        ended = promote(other, *force)
        assert (ended.code, champion()) == (2, "1")
        assert ended.err.startswith("Both runs must have the same label set.")
        assert "register_as" in ended.err


def test_runs_without_a_common_field_are_refused(made: Made, promote: Any) -> None:
    """The same split, but validated on different folds of it."""
    promote(made(TRUTH[:10]))
    ended = promote(made(TRUTH[:10], ids=[f"g{number:02d}" for number in range(10)]))
    assert (ended.code, champion()) == (2, "1")
    assert ended.err.startswith("Both runs must have validated on the same fields. Received none in common")


def test_only_common_fields_are_compared(made: Made, promote: Any) -> None:
    """A run that was right where the champion was asked too gains nothing by other fields."""
    promote(made(TRUTH[:8]))
    ended = promote(made((*TRUTH[:8], *WRONG[:12])))
    assert ended.code == 3
    assert "gain +0.0000" in ended.out


def test_a_run_without_a_version_is_refused(made: Made, promote: Any) -> None:
    """A run that was stopped before its end registered nothing."""
    ended = promote(made(TRUTH, register=False))
    assert (ended.code, champion()) == (2, None)
    assert ended.err.startswith("Only a run with a Version of `small` can be promoted. Received run ")


def test_the_champion_is_refused(made: Made, promote: Any) -> None:
    """It cannot be compared with itself."""
    run = made(TRUTH)
    promote(run)
    ended = promote(run)
    assert (ended.code, champion(), len(registry.history("small"))) == (2, "1", 1)
    assert ended.err.startswith("Only a run that is not champion can be promoted.")


def test_an_unknown_run_and_an_empty_store_are_refused(store: Path, hpapipe: Any) -> None:
    """Both name the store, so that one set wrongly is noticed."""
    for words in (("promote", "0123"), ("promote",)):
        ended = hpapipe(*words)
        assert ended.code == 2
        assert "mlflow.db" in ended.err
        assert len(ended.err.splitlines()) == 1


def test_a_run_that_is_no_training_run_is_refused(store: Path, hpapipe: Any) -> None:
    """Another program's run holds no recipe."""
    with runs.running("other", {}) as run:
        pass
    ended = hpapipe("promote", run.id)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("The run must hold recipe.yaml.")


def test_rollback_walks_back_through_the_champions(made: Made, promote: Any, hpapipe: Any) -> None:
    """Promote 1, 2, 3, undo twice, promote 3 again, undo twice: each champion is the one before."""
    trained = [made(named) for named in (WRONG, WRONG, TRUTH)]
    for run in trained:
        assert promote(run, "--force", "in turn").code == 0
    back = [hpapipe("rollback", "--register_as", "small") for _ in range(2)]
    assert [ended.code for ended in back] == [0, 0]
    assert back[0].out.startswith("Version 2 is champion again; version 3 was taken back")
    assert champion() == "1"
    assert promote(trained[2]).code == 0
    assert champion() == "3"
    assert hpapipe("rollback", "--register_as", "small").code == 0
    assert champion() == "1"
    assert hpapipe("rollback", "--register_as", "small").code == 0
    assert champion() is None
    ended = hpapipe("rollback", "--register_as", "small")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)

    steps = [(change.kind, change.version, change.previous) for change in registry.history("small")]
    assert steps == [
        ("promote", "1", ""),
        ("promote", "2", "1"),
        ("promote", "3", "2"),
        ("rollback", "2", "3"),
        ("rollback", "1", "2"),
        ("promote", "3", "1"),
        ("rollback", "1", "3"),
        ("rollback", "", "1"),
    ]
    listed = hpapipe("history", "--register_as", "small").out
    assert listed.count("rollback") == 4
    assert listed.splitlines()[-1] == "Champion now: none"
