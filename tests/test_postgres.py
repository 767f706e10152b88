"""A real PostgreSQL server: runs and Versions in one of its databases, studies in another, and its absences."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState
from sqlalchemy import Connection, NullPool, create_engine, inspect
from sqlalchemy.exc import OperationalError

from hpapipe.config import Tune
from hpapipe.errors import UserError
from hpapipe.tracking import registry
from hpapipe.tracking.runs import children, facts, find, newest, running
from hpapipe.tracking.search import finished
from hpapipe.tracking.store import experiment
from hpapipe.workflows.tune_storage import ExhaustedError, open_storage
from postgres_server import Postgres


@pytest.fixture(scope="module")
def runs_database(postgres: Postgres) -> str:
    """The address of a database for MLflow, which makes its tables once."""
    return postgres.url("runs")


@pytest.fixture
def tracked(store: Path, runs_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tracking store is in PostgreSQL; its address."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs_database)
    return runs_database


@pytest.fixture
def studies(postgres: Postgres) -> Callable[..., Tune]:
    """The section `tune` with an empty database for studies."""
    return lambda **options: Tune(storage=postgres.url("studies"), **options)


@contextlib.contextmanager
def connected(address: str) -> Iterator[Connection]:
    """One connection, closed after the block."""
    with create_engine(address, poolclass=NullPool).begin() as connection:
        yield connection


def asked(address: str, question: str) -> object:
    """The first value that a database answers."""
    with connected(address) as connection:
        return connection.exec_driver_sql(question).scalar()


def test_a_new_database_is_empty(postgres: Postgres) -> None:
    """What an earlier test left under the same name is gone."""
    for _ in range(2):
        address = postgres.url("some")
        with connected(address) as connection:
            assert inspect(connection).get_table_names() == []
            connection.exec_driver_sql("create table left_over ()")


def test_the_server_goes_and_comes_back(postgres: Postgres) -> None:
    """Away it refuses connections, and what was written before is there after."""
    address = postgres.url("some")
    with connected(address) as connection:
        connection.exec_driver_sql("create table kept as select 7 as value")
    with postgres.away(), pytest.raises(OperationalError, match="Connection refused"):
        asked(address, "select 1")
    assert asked(address, "select value from kept") == 7


def test_connections_are_cut(postgres: Postgres) -> None:
    """The one that was open fails, a new one does not."""
    address = postgres.url("some")
    with create_engine(address, poolclass=NullPool).connect() as connection:
        postgres.kill_connections()
        with pytest.raises(OperationalError):
            connection.exec_driver_sql("select 1")
    assert asked(address, "select 1") == 1


def test_a_run_is_kept_in_postgresql(tracked: str) -> None:
    """Its params, tags, metrics with their steps, and its part come back from the server's own tables."""
    tags = {"hpapipe.kind": "train", "hpapipe.experiment": "cells"}
    with running("cells", tags) as run:
        run.params({"fit.epochs": 3, "name": "Rods & rings"})
        run.metrics({"macro_f1": 0.25}, step=1)
        run.metrics({"macro_f1": 0.5}, step=2)
        with running("cells", {"hpapipe.kind": "fold"}, parent=run) as part:
            pass
    assert mlflow.get_tracking_uri() == tracked
    params, told, metrics = facts(find(run.id))
    assert params == {"fit.epochs": "3", "name": "Rods & rings"}
    assert told["hpapipe.ended"] == "FINISHED"
    assert metrics == {"macro_f1": 0.5}
    assert run.steps_logged("macro_f1") == {1, 2}
    assert [child.id for child in children(run)] == [part.id]
    assert newest("cells", "train").id == run.id
    assert [each.id for each in finished(tags)] == [run.id]
    assert asked(tracked, f"select count(*) from metrics where run_uuid = '{run.id}'") == 2


def test_a_run_that_does_not_exist(tracked: str) -> None:
    """PostgreSQL has stricter types than SQLite: the answer is one line all the same."""
    with pytest.raises(UserError, match="A run must exist"):
        find("0123")


def test_a_champion_is_kept_in_postgresql(tracked: str) -> None:
    """Promoted, replaced and rolled back, as in SQLite."""
    client = MlflowClient()
    client.create_registered_model("cells")
    with running("cells", {}) as run:
        pass
    for number in ("1", "2"):
        assert str(client.create_model_version("cells", f"runs:/{run.id}/version", run_id=run.id).version) == number
        registry.promote("cells", number, run, f"reason {number}")
    registry.rollback("cells", "worse")
    found = registry.champion("cells")
    assert found
    assert (found[0], found[1].id) == ("1", run.id)
    assert [(change.kind, change.version) for change in registry.history("cells")] == [
        ("promote", "1"),
        ("promote", "2"),
        ("rollback", "1"),
    ]


def test_an_experiment_in_the_bin(tracked: str) -> None:
    """Refused, as in SQLite."""
    number = experiment("binned")
    MlflowClient().delete_experiment(number)
    with pytest.raises(UserError, match="must not be deleted"):
        experiment("binned")


def test_a_study_is_kept_in_postgresql(tracked: str, studies: Callable[..., Tune]) -> None:
    """A trial written by one process's storage is read through another; MLflow's database gets no table of it."""
    wanted = studies()
    study = optuna.create_study(study_name="cells", storage=open_storage(wanted), direction="maximize")
    study.enqueue_trial({"rate": 0.01}, user_attrs={"run": "0123"})
    trial = study.ask()
    assert trial.suggest_float("rate", 1e-4, 1, log=True) == 0.01
    trial.report(0.25, step=1)
    study.tell(trial, 0.5)
    (kept,) = optuna.load_study(study_name="cells", storage=open_storage(wanted)).trials
    assert (kept.state, kept.value, kept.params) == (TrialState.COMPLETE, 0.5, {"rate": 0.01})
    assert (kept.intermediate_values, kept.user_attrs) == ({1: 0.25}, {"run": "0123"})
    assert asked(wanted.storage, "select count(*) from trials") == 1
    experiment("cells")
    assert asked(tracked, "select count(*) from pg_tables where tablename = 'trials'") == 0


def test_workers_share_the_trials(studies: Callable[..., Tune]) -> None:
    """Three that ask at once begin each waiting trial once."""
    wanted = studies()
    study = optuna.create_study(study_name="cells", storage=open_storage(wanted))
    for number in range(12):
        study.enqueue_trial({"rate": number / 12})

    def work(_: int) -> list[int]:
        mine, begun = optuna.load_study(study_name="cells", storage=open_storage(wanted)), []
        with contextlib.suppress(ExhaustedError):
            while True:
                begun.append(mine.ask().number)
        return begun

    with ThreadPoolExecutor(3) as workers:
        assert sorted(number for begun in workers.map(work, range(3)) for number in begun) == list(range(12))


@pytest.mark.parametrize("kind", ["postgresql+psycopg", "postgresql", "postgresql+psycopg2"])
def test_the_database_of_mlflow_is_refused_for_studies(tracked: str, kind: str) -> None:
    """Both libraries number their tables' revisions in a table of one name; no driver in the address hides that."""
    wanted = Tune(storage=tracked.replace("postgresql+psycopg", kind))
    with pytest.raises(UserError, match="a database of their own"):
        open_storage(wanted)
    assert asked(tracked, "select count(*) from pg_tables where tablename = 'studies'") == 0


def test_no_server(tracked: str, postgres: Postgres, studies: Callable[..., Tune]) -> None:
    """Both databases are told to be away in a line of their own, and are used again once the server is back."""
    wanted = studies(patience=0)
    with postgres.away():
        with pytest.raises(UserError, match="The tracking store must answer"):
            experiment("cells")
        with pytest.raises(UserError, match="The database of studies must answer") as fault:
            open_storage(wanted)
    password = wanted.storage.partition("@")[0].rpartition(":")[2]
    assert password not in str(fault.value)
    with running("cells", {}) as run:
        pass
    assert find(run.id).id == run.id
    assert open_storage(wanted).get_all_studies() == []


def test_a_cut_connection_is_made_anew(tracked: str, postgres: Postgres, studies: Callable[..., Tune]) -> None:
    """A server that was restarted between two writes costs neither of them."""
    storage = open_storage(studies())
    study = optuna.create_study(study_name="cells", storage=storage)
    with running("cells", {}) as run:
        run.metrics({"loss": 1.0}, step=1)
        postgres.kill_connections()
        run.metrics({"loss": 0.5}, step=2)
        study.set_user_attr("told", "yes")
    assert run.steps_logged("loss") == {1, 2}
    assert study.user_attrs == {"told": "yes"}
