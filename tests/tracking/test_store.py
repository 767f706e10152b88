"""The door to MLflow: experiments, and stores that do not answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from sqlalchemy.exc import OperationalError

from hpapipe.errors import UserError
from hpapipe.tracking.store import answering, experiment, is_absent, reachable


def test_an_experiment_is_made_once(store: Path) -> None:
    """The second call finds what the first one made."""
    first = experiment("cells")
    assert experiment("cells") == first
    assert mlflow.get_experiment(first).name == "cells"


def test_several_may_make_an_experiment_at_once(store: Path) -> None:
    """Eight at once get one experiment."""
    with ThreadPoolExecutor(8) as workers:
        assert len(set(workers.map(experiment, ["cells"] * 8))) == 1


def test_a_deleted_experiment_is_refused(store: Path) -> None:
    """MLflow would only say that its life cycle is wrong."""
    number = experiment("cells")
    MlflowClient().delete_experiment(number)
    with pytest.raises(UserError, match=f"must not be deleted.*mlflow experiments restore -x {number}"):
        experiment("cells")


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("sqlite:///{here}/file/mlflow.db", id="below a file"),
        pytest.param("sqlite:///{here}", id="a folder"),
        pytest.param("nonsense://somewhere", id="no known kind"),
        pytest.param("postgresql+nothing://somewhere/x", id="no such driver"),
        pytest.param("file://{here}/mlruns", id="the file store, which MLflow has given up"),
    ],
)
def test_a_store_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """One line that names the store and says what to set."""
    (tmp_path / "file").touch()
    named = uri.format(here=tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    with pytest.raises(UserError) as fault:
        experiment("cells")
    (line,) = fault.value.lines
    assert line.startswith("The tracking store must answer. Received “")
    assert named in line
    assert "MLFLOW_TRACKING_URI" in line


@pytest.mark.parametrize(
    "error",
    [
        MlflowException("away"),
        MlflowException("busy", TEMPORARILY_UNAVAILABLE),
        OperationalError("select", {}, Exception("disk I/O error")),
    ],
    ids=["internal", "busy", "database"],
)
def test_what_a_store_raises_is_told_in_one_line(store: Path, error: Exception) -> None:
    """A store that goes away later is told like one that never answered."""
    with pytest.raises(UserError, match="The tracking store must answer") as fault, answering():
        raise error
    assert len(fault.value.lines) == 1


def test_other_errors_pass(store: Path) -> None:
    """A wrong request is a fault of the program, a full disk none of the store's."""
    with pytest.raises(MlflowException, match="wrong"), reachable():
        raise MlflowException.invalid_parameter_value("wrong")
    with pytest.raises(OSError, match="full"), answering():
        raise OSError(28, "full")


def test_what_is_absent(store: Path) -> None:
    """A run, a model and an alias that do not exist; a server that is away is something else."""
    client = MlflowClient()
    client.create_registered_model("cells")
    for ask in (
        lambda: client.get_run("0123"),
        lambda: client.get_registered_model("none"),
        lambda: client.get_model_version("cells", "1"),
        lambda: client.get_model_version_by_alias("cells", "champion"),
    ):
        with pytest.raises(MlflowException) as fault:
            ask()
        assert is_absent(fault.value)
    assert not is_absent(MlflowException("away"))
