"""Child processes that measure a cell: how they end, and what is made of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from hpapipe import config
from hpapipe.workflows import speed_cell
from hpapipe.workflows.speed_cell import FAILED, OUT_OF_MEMORY, Outcome, measure_cell

here = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")


@pytest.fixture
def cell(image_folder: Callable[..., Any], tmp_path: Path) -> Callable[..., tuple[config.Recipe, Any, int]]:
    """What `measure_cell` takes, of eight fields."""
    images = image_folder()

    def make(**sections: Any) -> tuple[config.Recipe, Any, int]:
        own = {"workspace": str(tmp_path / "workspace"), "data": images.data.model_dump(), "feed": {"batch_size": 2}}
        return config.parse({**own, "speed": {"seconds": 0.02}, **sections}), images, 4

    return make


@pytest.mark.parametrize(
    ("code", "told", "word"),
    [
        (-9, "", OUT_OF_MEMORY),
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'\n\n", OUT_OF_MEMORY),
        (-11, "Segmentation fault\n", FAILED),
        (1, "", FAILED),
    ],
)
def test_a_process_without_a_word_is_judged_by_its_end(code: int, told: str, word: str, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    errors.write_text(told)
    outcome = speed_cell._judged(code, errors)
    assert outcome.word == word
    assert "signal 9" in outcome.reason if code == -9 else outcome.reason.startswith(f"ended with code {code}: ")


def test_the_reason_is_the_last_line_that_was_told(tmp_path: Path) -> None:
    """And that nothing was, where the process ended before it could write."""
    errors = tmp_path / "stderr"
    errors.write_text("first\nlast\n\n")
    assert speed_cell._judged(3, errors) == Outcome(FAILED, "ended with code 3: last")
    assert speed_cell._judged(3, tmp_path / "none") == Outcome(FAILED, "ended with code 3: no word on stderr")


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("ResourceExhaustedError: OOM when allocating tensor with shape[32,9]", True),
        ("XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate", True),
        ("torch.OutOfMemoryError: CUDA out of memory.", True),
        ("ValueError: shapes do not fit", False),
    ],
)
def test_the_words_of_each_backend_for_memory_that_ran_out(text: str, out: bool) -> None:
    assert speed_cell.runs_out(text) is out


@here
def test_a_killed_child_ran_out_of_memory(cell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real process, ended by the signal that the system sends."""
    started: list[BaseProcess] = []
    plain = speed_cell.start_masked

    def start(process: BaseProcess) -> None:
        plain(process)
        started.append(process)
        os.kill(process.pid or 0, signal.SIGKILL)

    monkeypatch.setattr(speed_cell, "start_masked", start)
    assert measure_cell(*cell()).word == OUT_OF_MEMORY
    assert started[0].exitcode == -9


@here
def test_ctrl_c_ends_the_child(cell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[BaseProcess] = []
    plain = speed_cell.start_masked

    def start(process: BaseProcess) -> None:
        plain(process)
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(speed_cell, "start_masked", start)
    with pytest.raises(KeyboardInterrupt):
        measure_cell(*cell())
    assert started[0].exitcode == -9


@pytest.mark.whole
def test_a_real_child_measures_and_runs_out_of_memory_and_fails(cell: Any, capfd: Any) -> None:
    """Three processes: a tiny network, one with 10 TB of weights, one whose images are gone. None of them is heard."""
    done = measure_cell(*cell(model={"options": {"width": 4, "blocks": [1]}}))
    assert (done.word, done.reason) == ("measured", "")
    assert done.numbers["images_per_second"] > 0
    assert done.facts["hpapipe.device"] in ("cpu", "gpu")
    exhausted = measure_cell(*cell(model={"name": "model5", "options": {"units": 10**11}}))
    assert exhausted.word == OUT_OF_MEMORY
    recipe, images, most = cell(feed={"batch_size": 2, "source": "files"})
    images.paths(0)[0].unlink()
    failed = measure_cell(recipe, images, most)
    assert failed.word == FAILED
    assert images.paths(0)[0].name in failed.reason
    assert capfd.readouterr() == ("", "")
