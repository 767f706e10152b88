"""Several recipes trained one after the other: skipped where finished, told where refused, and compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.tracking.search import finished


@pytest.fixture
def folder(store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path]) -> Path:
    """Two recipes of one epoch that differ in their drawing, and one whose batches are larger than its set."""
    plain = yaml.safe_load(recipe_file(image_folder(("0", "1", "2", "0 1") * 3).folder, fit={"epochs": 1}).read_text())
    place = store / "recipes"
    place.mkdir()
    for name, feed in {
        "a_shuffled": {"draw": "shuffled", "batch_size": 4},
        "b_too_large": {"batch_size": 64},
        "c_balanced": {"batch_size": 4},
    }.items():
        (place / f"{name}.yaml").write_text(yaml.safe_dump({**plain, "feed": feed}))
    return place


def test_a_series_trains_tells_compares_and_goes_on(hpapipe: Any, folder: Path) -> None:
    """Runs are called like their files; a recipe that fails stops no other; a second series trains nothing again."""
    ended = hpapipe("series", folder, "--experiment", "all")
    assert ended.code == 3, ended.err
    assert "Not trained: b_too_large. `feed.batch_size` must not exceed the training fields." in ended.out
    trained = finished({"hpapipe.kind": "train"})
    assert [run.tags["mlflow.runName"] for run in trained] == ["c_balanced", "a_shuffled"]
    assert {run.tags["hpapipe.experiment"] for run in trained} == {"all"}
    compared = finished({"hpapipe.kind": "compare"})
    table = runs.read_table(Run(compared[0].id), "compare")
    assert list(table["run"]) == ["a_shuffled", "c_balanced"]
    again = hpapipe("series", folder, "--experiment", "all")
    assert again.out.count("Finished before, in run") == 2
    assert len(finished({"hpapipe.kind": "train"})) == 2


def test_every_recipe_is_read_before_any_is_trained(hpapipe: Any, folder: Path) -> None:
    """All faults at once, and nothing is begun."""
    (folder / "d.yaml").write_text("fit: {epocs: 3}")
    (folder / "e.yaml").write_text("feed: {draw: sorted}")
    ended = hpapipe("series", folder)
    assert ended.code == 2
    assert "`fit.epocs`" in ended.err
    assert "`feed.draw`" in ended.err
    assert finished({"hpapipe.kind": "train"}) == []


def test_a_series_without_recipes_or_with_one_name_twice_is_refused(hpapipe: Any, folder: Path, tmp_path: Path) -> None:
    """An empty folder, and two files that would give their runs one name."""
    empty = tmp_path / "empty"
    empty.mkdir()
    ended = hpapipe("series", empty)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "A series must have recipes." in ended.err
    ended = hpapipe("series", folder, folder / "a_shuffled.yaml")
    assert "a_shuffled twice" in ended.err


def test_a_series_of_which_none_is_trained_is_an_error(hpapipe: Any, folder: Path) -> None:
    """It names the first reason."""
    ended = hpapipe("series", folder / "b_too_large.yaml")
    assert ended.code == 2
    assert "At least one recipe must be trained to its end. Received none; b_too_large: `feed.batch_size`" in ended.err
