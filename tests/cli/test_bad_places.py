"""Servers that are away, folders that cannot be written, full disks: a line, exit code 2, and nothing lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_a_tracking_server_that_is_away(
    recipe: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    """One line, before images are measured or simulated cells are drawn."""
    # Tries again twice as in use, but without the pauses between them.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    run = "0" * 32
    for words in (
        ("train", "--config", recipe),
        ("train",),
        ("train", "--resume", run),
        ("promote", run),
        ("predict", store / "images" / "train"),
        ("evaluate", "--config", recipe),
        ("history",),
        ("rollback",),
    ):
        ended = hpapipe(*words)
        assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, ""), words
        assert ended.err.startswith("The tracking store must answer. Received “")
        assert "http://127.0.0.1:9" in ended.err
    assert not Path("workspace").exists()


def test_mlflow_gives_up_soon() -> None:
    """Its own five tries with pauses would take minutes; two take seconds."""
    import hpapipe.tracking.store  # noqa: F401

    assert int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) <= 2
    assert int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 30


def test_a_workspace_that_cannot_be_written(recipe: Path, hpapipe: Any) -> None:
    """A path below a regular file, for packs, measurements and simulated cells."""
    Path("file").write_text("kept")
    for words in (("check",), ("train",)):
        ended = hpapipe(*words, "--config", recipe, "--workspace", "file/workspace")
        assert (ended.code, len(ended.err.splitlines())) == (2, 1)
        assert "“Not a directory” at file/workspace" in ended.err
        assert "--workspace" in ended.err
    assert hpapipe("simulate", "--workspace", "file/workspace", "--simulate.fields", "2").code == 2
    assert Path("file").read_text() == "kept"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("imageset.measure", "measure"),
        ("imageset.pack", "_reserve"),
        ("training.state", "save"),
    ],
    ids=["measurements", "pack", "state of training"],
)
def test_a_full_disk(
    recipe: Path,
    contents: Callable[[], dict[str, bytes]],
    hpapipe: Any,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    name: str,
) -> None:
    """One line wherever it happens; with space again the same command works."""

    def full(*words: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents()
    with monkeypatch.context() as patch:
        patch.setattr(f"hpapipe.{module}.{name}", full)
        ended = hpapipe("train", "--config", recipe)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "“No space left on device”" in ended.err
    assert contents() == before
    if name == "_reserve":
        assert hpapipe("train", "--config", recipe).code == 0


def test_a_fault_of_the_program_keeps_its_traceback(
    recipe: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what a user can mend is told in a line."""

    def fault(*words: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "a fault of the program")

    monkeypatch.setattr("hpapipe.imageset.measure.measure", fault)
    with pytest.raises(FileNotFoundError):
        hpapipe("check", "--config", recipe)


def test_nothing_is_written_beside_the_images(
    recipe: Path, hpapipe: Any, contents: Callable[[], dict[str, bytes]]
) -> None:
    """A folder that can only be read is enough."""
    before = contents()
    assert hpapipe("check", "--config", recipe).code == 0
    assert contents() == before
