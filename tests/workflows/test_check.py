"""`hpapipe check`: what it prints, and that it begins no run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient


@pytest.fixture
def check(store: Path, recipe_file: Callable[..., Path], hpapipe: Any) -> Callable[..., Any]:
    """`hpapipe check` of a folder."""
    return lambda folder, *words: hpapipe("check", "--config", recipe_file(folder), *words)


def test_a_good_folder(check: Any, image_folder: Callable[..., Any], store: Path) -> None:
    """How many rows and checks, and the next command; no run, no pack."""
    ended = check(image_folder().folder)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith("label_table: 4 rows, ")
    assert lines[0].endswith(" 0 failed")
    assert [line for line in lines if line.startswith("images: 8 rows, ")]
    assert lines[-1] == f"Next: hpapipe train --config {store / 'recipe.yaml'}"
    client = MlflowClient()
    assert client.search_runs([each.experiment_id for each in client.search_experiments()]) == []
    assert {path.name for path in Path("workspace").iterdir()} == {"measurements"}


def test_a_faulty_folder(check: Any, image_folder: Callable[..., Any]) -> None:
    """What failed, for which ids, what to do, and how many fields it concerns."""
    folder = image_folder().folder
    (folder / "train.csv").write_text("Id,Target\nf00,0\nf01,9\nf02,0 1\nf03,0\n")
    (folder / "train" / "f03_red.png").write_bytes(b"")
    ended = check(folder)
    assert ended.code == 2
    assert "`Target` must hold indices 0 to 2" in ended.out
    assert "f03 (channel red" in ended.out
    assert ended.out.splitlines()[-1] == f"Critical checks failed for 2 fields of {folder}"


def test_near_duplicates_are_told_and_stop_nothing(check: Any, image_folder: Callable[..., Any]) -> None:
    """Two fields of the same pixels."""
    folder = image_folder().folder
    for channel in ("red", "green"):
        (folder / "train" / f"f02_{channel}.png").write_bytes((folder / "train" / f"f00_{channel}.png").read_bytes())
    ended = check(folder)
    assert ended.code == 0
    assert "near-duplicates: 2 fields in 1 groups; a split keeps each together" in ended.out
