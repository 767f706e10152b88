"""Tracked runs: params, metrics, figures with tables, status, and what is told of runs that are not there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient

from hpapipe.errors import UserError
from hpapipe.tracking import runs
from hpapipe.tracking.runs import metric_name, running
from hpapipe.tracking.store import experiment


def status(run: runs.Run) -> str:
    return str(MlflowClient().get_run(run.id).info.status)


def test_params_that_stand_already_are_left(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mlflow run -P fit.learning_rate=1e-3` logs the text as typed; logging 0.001 over it would fail the run."""
    client = MlflowClient()
    given = client.create_run(experiment("cells")).info.run_id
    client.log_param(given, "fit.learning_rate", "1e-3")
    monkeypatch.setenv("MLFLOW_RUN_ID", given)
    with running("another experiment", {"hpapipe.kind": "train"}) as run:
        run.params({"fit.learning_rate": 0.001, "fit.epochs": 3})
    assert run.id == given
    params, tags, _ = runs.facts(run)
    assert params == {"fit.learning_rate": "1e-3", "fit.epochs": "3"}
    assert tags["hpapipe.kind"] == "train"
    assert client.get_experiment_by_name("another experiment") is None


def test_more_params_than_mlflow_takes_at_once(store: Path) -> None:
    """MLflow takes 100 params a call."""
    with running("cells", {}) as run:
        run.params({f"p{number}": number for number in range(250)})
        run.params({f"p{number}": number for number in range(251)})
    assert len(runs.facts(run)[0]) == 251


def test_metrics_keep_their_steps_and_leave_out_what_is_unknown(store: Path) -> None:
    """A number that is no number is not logged; a name with `&` is written out."""
    with running("cells", {}) as run:
        run.metrics({"f1/Rods & rings": 0.5, "nothing": float("nan")}, step=1)
        run.metrics({"f1/Rods & rings": 0.6}, step=2)
    assert runs.facts(run)[2] == {"f1/Rods and rings": 0.6}
    assert run.steps_logged("f1/Rods & rings") == {1, 2}
    assert run.steps_logged("never") == set()


def test_names_that_mlflow_takes() -> None:
    """Letters, digits, and some signs stay; all others become `_`."""
    assert metric_name("f1/Rods & rings") == "f1/Rods and rings"
    assert metric_name("f1/a+b (c)") == "f1/a_b _c_"


def test_a_figure_lies_beside_its_table(store: Path) -> None:
    """Both come back as they were logged."""
    table = pd.DataFrame({"id": ["007"], "f1": [0.5]})
    with running("cells", {}) as run:
        run.figure("curve", table, Figure())
        run.text("note.txt", "naïve")
    names = [entry.path for entry in MlflowClient().list_artifacts(run.id, "figures")]
    assert names == ["figures/curve.csv", "figures/curve.png"]
    pd.testing.assert_frame_equal(runs.read_table(run, "figures/curve"), table)
    assert runs.read_text(run, "note.txt") == "naïve"


def test_a_dataset_is_an_input_and_stands_once(store: Path) -> None:
    """A resumed run logs its set again; the run still has one."""
    table = pd.DataFrame({"id": ["a"], "target": ["0"]})
    with running("cells", {}) as run:
        for _ in range(2):
            run.dataset(table, "/images", "images", "0123456789ab")
    (described,) = MlflowClient().get_run(run.id).inputs.dataset_inputs
    assert (described.dataset.name, described.dataset.digest) == ("images", "0123456789ab")
    assert described.tags[0].value == "training"


@pytest.mark.parametrize(
    ("error", "ended"),
    [(None, "FINISHED"), (ValueError, "FAILED"), (UserError, "FAILED"), (KeyboardInterrupt, "KILLED")],
)
def test_status_says_how_a_run_ended(store: Path, error: type[BaseException] | None, ended: str) -> None:
    """Finished, failed by any error, killed by Ctrl-C; a resumed one is finished in the end."""
    kept = []

    def work(resume: str | None = None) -> None:
        with running("cells", {"hpapipe.kind": "train"}, resume) as run:
            kept.append(run)
            assert status(run) == "RUNNING"
            if error and not resume:
                raise error("a", "b", "c") if error is UserError else error("a")

    if error:
        with pytest.raises(error):
            work()
        assert status(kept[0]) == ended
        work(kept[0].id)
        assert kept[1].id == kept[0].id
    else:
        work()
    assert status(kept[-1]) == "FINISHED"


def test_a_part_is_a_run_below_its_parent(store: Path) -> None:
    """Parts are found by their parent, in the parent's experiment, oldest first."""
    with running("cells", {}) as parent:
        for fold in "01":
            with running("ignored", {"hpapipe.fold": fold, "mlflow.runName": f"fold {fold}"}, parent=parent):
                pass
    folds = [(runs.facts(child)[1]["hpapipe.fold"], status(child)) for child in runs.children(parent)]
    assert folds == [("0", "FINISHED"), ("1", "FINISHED")]
    assert MlflowClient().get_run(runs.children(parent)[0].id).info.run_name == "fold 0"
    assert MlflowClient().get_experiment_by_name("ignored") is None


def test_the_newest_run_is_a_finished_one_of_its_kind(store: Path) -> None:
    """Runs of another kind or experiment, and those that failed, are passed over."""
    tags = {"hpapipe.kind": "train", "hpapipe.experiment": "cells"}
    with running("cells", tags) as wanted:
        pass
    for other in ({**tags, "hpapipe.kind": "fold"}, {**tags, "hpapipe.experiment": "others"}):
        with running("cells", other):
            pass
    with pytest.raises(ValueError, match="stop"), running("cells", tags):
        raise ValueError("stop")
    assert runs.newest("cells", "train").id == wanted.id
    with pytest.raises(UserError, match="There must be a finished run of `none`"):
        runs.newest("none", "train")


def test_what_is_not_there_is_told(store: Path) -> None:
    """An unknown run, and a table that a run does not hold."""
    with pytest.raises(UserError, match=r"A run must exist\. Received `0123` in sqlite:"):
        runs.find("0123")
    with running("cells", {}) as run, pytest.raises(UserError, match=r"The run must hold none\.csv"):
        runs.read_table(run, "none")


def test_a_store_that_goes_away_is_told_in_one_line(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a run, and while its end is written."""
    from mlflow.exceptions import MlflowException

    def away(*words: object, **options: object) -> None:
        raise MlflowException("connection refused")

    def work() -> None:
        with running("cells", {}) as run:
            monkeypatch.setattr(MlflowClient, "log_batch", away)
            monkeypatch.setattr(MlflowClient, "set_terminated", away)
            run.metrics({"loss": 1.0})

    with pytest.raises(UserError, match="The tracking store must answer"):
        work()


def test_the_code_version_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's version stands first; without git it stands alone."""
    from hpapipe import __version__

    assert runs.code_version().startswith(__version__)
    monkeypatch.setenv("PATH", "")
    assert runs.code_version() == __version__
