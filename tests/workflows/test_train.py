"""Training runs that are stopped, resumed, cross-validated or given from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run

TARGETS = ("0", "1", "2", "0 1") * 3

# A training that stops to wait in the middle of its second epoch.
HELD = """
import pathlib, time
from hpapipe.quiet import import_quietly, quiet
quiet()
import_quietly("keras")
from hpapipe.training import fit
plain = fit._Epochs.on_train_batch_end
def held(self, batch, logs=None):
    plain(self, batch, logs)
    if self.state.epoch == 1:
        pathlib.Path("held").touch()
        time.sleep(300)
fit._Epochs.on_train_batch_end = held
from hpapipe.cli.main import main
main()
"""


@pytest.fixture
def recipe(store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path]) -> Path:
    """A recipe of three epochs on twelve fields."""
    return recipe_file(image_folder(TARGETS).folder, fit={"epochs": 3})


@pytest.fixture
def train_until(hpapipe: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Stops `hpapipe train` after an epoch was saved, before or after it is logged; returns the run's id."""

    def train(epoch: int, *words: object, logged: bool = True) -> str:
        from hpapipe.workflows import fold

        plain = fold.log_epoch

        def log(run: Run, row: Any) -> None:
            if row["epoch"] < epoch or logged:
                plain(run, row)
            if row["epoch"] == epoch:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(fold, "log_epoch", log)
            assert hpapipe("train", *words).code == 130
        run, status = only_run()
        assert status == "KILLED"
        return run

    return train


def only_run() -> tuple[str, str]:
    """(id, status) of the only training run in the store."""
    client = MlflowClient()
    everything = [each.experiment_id for each in client.search_experiments()]
    (run,) = client.search_runs(everything, "tags.`hpapipe.kind` = 'train'")
    return run.info.run_id, run.info.status


def steps(run: str, name: str = "train/loss") -> list[int]:
    return [point.step for point in MlflowClient().get_metric_history(run, name)]


def versions() -> list[str]:
    return [found.run_id for found in MlflowClient().search_model_versions("name = 'small'")]


def check_finished(run: str, epochs: int = 3) -> None:
    """A finished run has each number once, one data set and one Version."""
    assert only_run() == (run, "FINISHED")
    everything = MlflowClient().get_run(run)
    for name in everything.data.metrics:
        many = name.startswith(("train/", "val/"))
        assert steps(run, name) == (list(range(1, epochs + 1)) if many else [0]), name
    assert len(everything.inputs.dataset_inputs) == 1
    assert versions() == [run]


def start_held(recipe: Path) -> tuple[subprocess.Popen[str], str]:
    """A training process that waits in the middle of its second epoch, and its run."""
    words = [sys.executable, "-c", HELD, "train", "--config", str(recipe)]
    source = str(Path(__file__).parents[2] / "src")
    process = subprocess.Popen(
        words, env=os.environ | {"PYTHONPATH": source}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not Path("held").exists() and process.poll() is None:
        time.sleep(0.05)
    if process.poll() is not None:
        pytest.fail(process.communicate()[1])
    return process, only_run()[0]


@pytest.mark.whole
def test_a_killed_training_goes_on(recipe: Path, hpapipe: Any) -> None:
    """SIGKILL in mid-epoch, then --resume: the same run, the epochs go on, nothing stands twice."""
    process, run = start_held(recipe)
    process.kill()
    process.communicate()
    assert only_run() == (run, "RUNNING")
    assert (steps(run), versions()) == ([1], [])
    ended = hpapipe("train", "--resume", run)
    assert (ended.code, ended.err) == (0, "")
    assert "Going on after epoch 1" in ended.out
    assert "12 before" in ended.out
    check_finished(run)


@pytest.mark.whole
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process")
def test_ctrl_c_keeps_the_best_weights(recipe: Path, hpapipe: Any) -> None:
    """The run is KILLED and holds its best weights, the exit code is 130, the next command is told, and works."""
    process, run = start_held(recipe)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[-1] == f"Next: hpapipe train --resume {run}"
    assert only_run() == (run, "KILLED")
    (kept,) = MlflowClient().list_artifacts(run, "best_weights")
    assert kept.path == "best_weights/best-0001.weights.h5"
    assert hpapipe("train", "--resume", run).code == 0
    check_finished(run)


def test_an_epoch_that_was_saved_but_not_logged_is_logged_later(
    recipe: Path, hpapipe: Any, train_until: Callable[..., str]
) -> None:
    """A kill may fall between both; each epoch still stands once. A finished run can be resumed without harm."""
    run = train_until(2, "--config", recipe, logged=False)
    assert steps(run) == [1]
    assert hpapipe("train", "--resume", run).code == 0
    check_finished(run)
    assert hpapipe("train", "--resume", run).code == 0
    check_finished(run)


def test_a_full_disk_ends_in_one_line_and_nothing_is_lost(
    recipe: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is FAILED with what it had; with space again it goes on."""
    from hpapipe.training import state

    plain = state.save

    def full(kept: Any, *words: Any) -> None:
        if kept.epoch == 2:
            raise OSError(28, "No space left on device", "last-0002.npz")
        plain(kept, *words)

    with monkeypatch.context() as patch:
        patch.setattr(state, "save", full)
        ended = hpapipe("train", "--config", recipe)
    assert ended.code == 2
    assert ended.err.startswith("The disk must take what is written. Received “No space left on device” at last-0002")
    assert len(ended.err.splitlines()) == 1
    run, status = only_run()
    assert (status, steps(run)) == ("FAILED", [1])
    assert hpapipe("train", "--resume", run).code == 0
    check_finished(run)


def test_resume_refuses_other_data_and_goes_on_with_the_old(
    recipe: Path, hpapipe: Any, train_until: Callable[..., str], store: Path
) -> None:
    """A changed label is other data; the run stays resumable when the old table is back."""
    run = train_until(1, "--config", recipe)
    table = store / "images" / "train.csv"
    before = table.read_text()
    table.write_text(before.replace("f00,0", "f00,2"))
    ended = hpapipe("train", "--resume", run)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("A resumed run must find the data that it was started with. Received other data")
    assert versions() == []
    table.write_text(before)
    assert hpapipe("train", "--resume", run).code == 0
    check_finished(run)


def test_cross_validation_makes_a_run_below_the_run_for_each_fold(
    recipe: Path, hpapipe: Any, train_until: Callable[..., str]
) -> None:
    """Stopped in the first fold and resumed: two parts with all epochs, one Version that averages both networks."""
    run = train_until(1, "--config", recipe, "--split.validate_on", "each", "--fit.epochs", "2")
    assert [MlflowClient().get_run(part.id).info.status for part in runs.children(Run(run))] == ["KILLED"]
    ended = hpapipe("train", "--resume", run)
    assert ended.code == 0
    check_finished(run)
    parts = runs.children(Run(run))
    assert [runs.facts(part)[1]["hpapipe.fold"] for part in parts] == ["0", "1"]
    for part in parts:
        assert MlflowClient().get_run(part.id).info.status == "FINISHED"
        assert steps(part.id) == [1, 2]
        assert runs.facts(part)[0]["fit.epochs"] == "2"
    assert sorted(runs.read_table(Run(run), "predictions")["id"]) == [f"f{number:02d}" for number in range(12)]

    from hpapipe.tracking import registry

    classifier = registry.load("small", "1")[0].unwrap_python_model().version
    assert len(classifier.networks) == 2
    hpapipe("promote", run)
    ended = hpapipe("evaluate", "--config", recipe)
    assert ended.code == 2
    assert ended.err.startswith("A Version must be evaluated on fields that it never saw.")


def test_under_mlflow_run_the_given_run_is_used(recipe: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mlflow run` made the run and logged what was typed, in its own spelling."""
    client = MlflowClient()
    number = client.create_experiment("of mlflow run")
    given = client.create_run(number).info.run_id
    for name, typed in {"fit.learning_rate": "2e-3", "config": str(recipe), "fit.epochs": "1"}.items():
        client.log_param(given, name, typed)
    monkeypatch.setenv("MLFLOW_RUN_ID", given)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", number)
    ended = hpapipe("train", "--config", recipe, "--fit.learning_rate", "2e-3", "--fit.epochs", "1")
    assert (ended.code, ended.err) == (0, "")
    check_finished(given, epochs=1)
    assert client.get_run(given).data.params["fit.learning_rate"] == "2e-3"
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)  # MLflow takes it away once it was used
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID")
    ended = hpapipe("promote", "newest", "--experiment", "small")
    assert (ended.code, ended.out.splitlines()[0][:21]) == (0, "Version 1 is champion")
