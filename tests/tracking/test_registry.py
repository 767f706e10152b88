"""Versions, their champion, and the history of both."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from hpapipe.errors import UserError
from hpapipe.tracking import registry
from hpapipe.tracking.runs import Run, running


def registered(times: int = 1) -> list[tuple[str, Run]]:
    """(number, run) of new Versions of `cells`, without a model behind them."""
    made = []
    for _ in range(times):
        with running("cells", {}) as run:
            made.append((registry.register(run, f"runs:/{run.id}/version", "cells", {"note": "x"}), run))
    return made


def test_numbers_count_up_and_are_texts(store: Path) -> None:
    """A database gives integers, a server texts; here they are always texts."""
    made = registered(2)
    assert [number for number, _ in made] == ["1", "2"]
    assert registry.version_of(made[1][1], "cells") == "2"
    assert MlflowClient().get_model_version("cells", "2").tags == {"note": "x"}


def test_the_last_version_of_a_run_counts(store: Path) -> None:
    """Numbers are compared as numbers: 10 is later than 9."""
    (_, run), *_ = registered(1)
    for _ in range(9):
        registry.register(run, f"runs:/{run.id}/version", "cells", {})
    assert registry.version_of(run, "cells") == "10"


def test_there_is_no_champion_before_a_promotion(store: Path) -> None:
    """Neither of a model that does not exist nor of one that has Versions."""
    assert registry.champion("cells") is None
    assert registry.history("cells") == []
    registered()
    assert registry.champion("cells") is None


def test_a_promotion_moves_the_alias_and_is_written_down(store: Path) -> None:
    """Alias, tags of the Version, and the history agree."""
    (first, run), (second, other) = registered(2)
    registry.promote("cells", first, run, "because")
    change = registry.promote("cells", second, other, "better")
    found = registry.champion("cells")
    assert found is not None
    assert (found[0], found[1].id) == ("2", other.id)
    assert registry.history("cells")[-1] == change
    assert (change.kind, change.version, change.previous, change.run, change.why) == (
        "promote", "2", "1", other.id, "better",
    )  # fmt: skip
    assert change.at.endswith("+00:00")
    tags = MlflowClient().get_model_version("cells", "2").tags
    assert (tags["hpapipe.promote.why"], tags["hpapipe.promote.instead_of"]) == ("better", "1")


def test_more_than_nine_changes_stay_in_order(store: Path) -> None:
    """Twelve promotions are listed oldest first."""
    (first, run), (second, other) = registered(2)
    for number in range(12):
        registry.promote("cells", *((first, run) if number % 2 else (second, other)), str(number))
    assert [change.why for change in registry.history("cells")] == [str(number) for number in range(12)]


def test_a_rollback_names_the_run_of_the_champion_before(store: Path) -> None:
    """So a rollback can be traced like a promotion; one more leaves no champion, and there is nothing left to undo."""
    (first, run), (second, other) = registered(2)
    registry.promote("cells", first, run, "")
    registry.promote("cells", second, other, "")
    change = registry.rollback("cells", "worse on new plates")
    assert (change.version, change.previous, change.run, change.why) == ("1", "2", run.id, "worse on new plates")
    assert registry.rollback("cells", "").version == ""
    assert registry.champion("cells") is None
    with pytest.raises(UserError, match="There must be a promotion to undo"):
        registry.rollback("cells", "")


def test_a_kill_between_history_and_alias_leaves_the_champion(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason may stand without its change, never a change without its reason."""
    (first, run), (second, other) = registered(2)
    registry.promote("cells", first, run, "")

    def killed(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", killed)
    with pytest.raises(KeyboardInterrupt):
        registry.promote("cells", second, other, "better")
    found = registry.champion("cells")
    assert found is not None
    assert found[0] == "1"
    assert registry.history("cells")[-1].why == "better"


def test_a_store_that_is_away_is_no_registry_without_a_champion(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next promotion would be a first one, without any comparison."""

    def away(*words: object) -> None:
        raise MlflowException("connection refused")

    registered()
    for name in ("get_model_version_by_alias", "get_registered_model"):
        monkeypatch.setattr(MlflowClient, name, away)
    for ask in (registry.champion, registry.history, registry.load):
        with pytest.raises(UserError, match="The tracking store must answer"):
            ask("cells")


@pytest.mark.parametrize("which", ["champion", "7", "nobody"])
def test_a_version_that_is_not_there_is_told(store: Path, which: str) -> None:
    """What was asked for, and which registered models there are."""
    registered()
    with pytest.raises(UserError, match=f"none of `cells` as {which}; registered models: cells"):
        registry.load("cells", which)
    with pytest.raises(UserError, match=f"none of `other` as {which}; registered models: cells"):
        registry.load("other", which)


def test_a_run_without_a_version_is_told(store: Path) -> None:
    """It may have a Version of another model."""
    (_, run), *_ = registered()
    with pytest.raises(UserError, match="Only a run with a Version of `other` can be promoted"):
        registry.version_of(run, "other")


def test_what_a_version_needs_is_installed_here() -> None:
    """The requirements kept with a Version name the versions it was made with."""
    assert all(importlib.metadata.version(name) for name in registry.NEEDS)
