"""`hpapipe report`: a page of a run, by its id or by its Version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpapipe.tracking import registry
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import COMPARE
from html_pages import Reader
from reported import log_run, log_scores

ABSENT = "0" * 32


@pytest.fixture
def recipe(store: Path, recipe_file: Callable[..., Path]) -> Path:
    """A recipe in an empty store; its images are not read."""
    return recipe_file(store / "images")


@pytest.fixture
def run(recipe: Path) -> str:
    """A run with scores and a registered Version that is champion."""
    made = log_run(recipe, scores=log_scores)
    registry.promote("small", registry.register(Run(made), f"runs:/{made}/version", "small", {}), Run(made), "a test")
    return made


def test_a_page_of_a_run(run: str, hpapipe: Any) -> None:
    """Its name is of the run's first digits; the last line is the next command."""
    ended = hpapipe("report", run)
    assert (ended.code, ended.err) == (0, "")
    first, second, last = ended.out.splitlines()
    assert first.startswith("Macro F1 0.600 (95 % interval 0.500 to 0.700) on 2 fields")
    assert second.startswith(f"report-{run[:8]}.html: one file of ")
    assert second.endswith(f"also report.html of run {run}")
    assert last == "Next: hpapipe predict FOLDER --register_as small"
    assert Reader(Path(f"report-{run[:8]}.html").read_text()).outside == []


@pytest.mark.parametrize("which", ["champion", "1"])
def test_a_run_by_its_version(run: str, recipe: Path, hpapipe: Any, which: str) -> None:
    """Alias or number, of the recipe's registered model; the file and its folder are made."""
    ended = hpapipe("report", which, "--config", recipe, "--out", "new/folder/page.html")
    assert (ended.code, ended.err) == (0, "")
    assert f"report.html of run {run}" in ended.out
    assert run in Path("new/folder/page.html").read_text()


@pytest.mark.parametrize("which", ["champion", "7", "nonsense", ABSENT])
def test_a_run_that_does_not_exist(recipe: Path, hpapipe: Any, which: str) -> None:
    """One line that says what was looked for; nothing is written."""
    ended = hpapipe("report", which, "--config", recipe)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert ended.err.startswith(f"A run must exist. Received `{which}`")
    assert list(Path().glob("*.html")) == []


def test_a_run_of_another_kind(recipe: Path, hpapipe: Any) -> None:
    """One line that says which kinds have a report."""
    ended = hpapipe("report", log_run(recipe, COMPARE))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("A report is of a run that trained or scored networks.")


def test_a_page_that_cannot_be_written(run: str, hpapipe: Any) -> None:
    """A folder of that name stays what it is."""
    Path("page.html").mkdir()
    ended = hpapipe("report", run, "--out", "page.html")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("The page must be written. Received “Is a directory” for page.html")
    assert sorted(path.name for path in Path().iterdir() if "page" in path.name) == ["page.html"]


def test_no_run_is_given(hpapipe: Any) -> None:
    """The command's usage."""
    ended = hpapipe("report")
    assert ended.code == 2
    assert "Traceback" not in ended.err
