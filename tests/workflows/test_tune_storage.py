"""The database of studies: who shares it, what it sits out, and how it says that it is away."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError

from hpapipe.config import Tune
from hpapipe.errors import AwayError, UserError
from hpapipe.workflows import tune_database, tune_storage
from hpapipe.workflows.tune_database import sqlite_file, undisturbed
from hpapipe.workflows.tune_queue import Queue
from hpapipe.workflows.tune_storage import ExhaustedError, Storage, locked, open_storage, tables

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage")

Open = Callable[..., Queue]
SECONDS = 20
HELD = "select pg_advisory_lock(hashtext('cells'))"


@pytest.fixture
def timed(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock, in the place of the storage's and of Optuna's own."""
    monkeypatch.setattr(tune_storage, "time", clock)
    monkeypatch.setattr("optuna.storages._rdb.storage.time", clock)
    return clock


@pytest.fixture
def gone(
    shared_database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[Callable[[], None]]]:
    """For a block, the database does not answer, until what the block gets is called.

    PostgreSQL's server is stopped; in SQLite another process writes and does not end.
    """
    monkeypatch.setattr(tune_storage, "BUSY", 0)
    file = sqlite_file(shared_database)

    @contextmanager
    def away() -> Iterator[Callable[[], None]]:
        with contextlib.ExitStack() as until:
            if file is None:
                until.enter_context(request.getfixturevalue("postgres").away())
            else:
                other = sqlite3.connect(file, isolation_level=None)
                until.enter_context(contextlib.closing(other)).execute("begin exclusive")
            yield until.close

    return away


def lose_an_answer(storage: Storage) -> None:
    """Let the next commit arrive, and its answer not."""
    lost: list[bool] = []

    @sqlalchemy.event.listens_for(storage.engine, "commit")
    def _(connection: sqlalchemy.Connection) -> None:
        if not lost:
            lost.append(True)
            connection.connection.commit()
            raise OperationalError("commit", {}, Exception("server closed the connection unexpectedly"))


def waiting(queue: Queue) -> int:
    """The id of a new trial that waits."""
    queue.study.enqueue_trial({})
    return queue.trials[-1]._trial_id


def begun(queue: Queue) -> int:
    """The id of a new trial that is trained."""
    number = waiting(queue)
    assert queue.storage.set_trial_state_values(number, TrialState.RUNNING)
    return number


def heartbeats(storage: Storage, trial: int) -> int:
    with storage.engine.begin() as connection:
        found = connection.exec_driver_sql(f"select count(*) from trial_heartbeats where trial_id = {trial}").scalar()
    return int(found or 0)


def fall_silent(queue: Queue, trial: int, seconds: float) -> None:
    """Let the last sign of life of a trial be so much older."""
    with contextlib.closing(queue.storage.scoped_session()) as session:
        session.query(models.TrialHeartbeatModel).filter_by(trial_id=trial).one().heartbeat -= timedelta(0, seconds)
        session.commit()


def test_asking_makes_no_trials(opened: Open) -> None:
    """Neither by `ask` nor by `optimize`; what waits is begun all the same."""
    queue = opened()
    with pytest.raises(ExhaustedError):
        queue.study.ask()
    with pytest.raises(ExhaustedError):
        queue.study.optimize(lambda trial: 0.5, n_trials=1)
    assert queue.trials == []
    queue.study.enqueue_trial({})
    with pytest.raises(ExhaustedError):
        queue.study.optimize(lambda trial: 0.5, n_trials=2)
    assert [trial.value for trial in queue.trials] == [0.5]


def test_two_never_begin_one_trial(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where both would have read that it waits before either writes that it does not."""
    queues = opened(), opened()
    trial = waiting(queues[0])
    both_have_read = threading.Barrier(2)

    def meet(*_: object) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_read.wait(0.3)

    monkeypatch.setattr(Storage, "check_trial_is_updatable", meet)
    with ThreadPoolExecutor(2) as workers:
        begin = [workers.submit(queue.storage.set_trial_state_values, trial, TrialState.RUNNING) for queue in queues]
        assert sorted(each.result(SECONDS) for each in begin) == [False, True]


def test_a_short_absence_is_sat_out(opened: Open, gone: Any, timed: Any) -> None:
    """Calls in between succeed once it is back; what they write is written once."""
    queue = opened(patience=60)
    with gone() as back:
        timed.then = lambda: back() if len(timed.slept) == 3 else None
        queue.study.set_user_attr("told", "yes")
    assert timed.slept == [0.2, 0.4, 0.8]
    assert queue.study.user_attrs == {"told": "yes"}


def test_a_long_absence_is_told(opened: Open, gone: Any, timed: Any, shared_database: str) -> None:
    """In one line without the password; then at once, so that stopping takes no time; and no more once it is back."""
    queue = opened(patience=60)
    trial = begun(queue)
    with gone():
        with pytest.raises(AwayError, match=r"^The database of studies must answer\. Received “.+” from") as fault:
            queue.storage.set_trial_user_attr(trial, "told", "yes")
        assert 60 < sum(timed.slept) <= 66
        timed.slept.clear()
        with pytest.raises(AwayError):
            _ = queue.trials
        with pytest.raises(AwayError):
            queue.storage.set_trial_state_values(trial, TrialState.FAIL)
        assert timed.slept == []
    assert len(fault.value.lines) == 1
    assert (sqlalchemy.make_url(shared_database).password or "a password") not in str(fault.value)
    assert [each.state for each in queue.trials] == [TrialState.RUNNING]
    with gone() as back:
        timed.then = back
        queue.study.set_user_attr("told", "yes")
    assert timed.slept == [0.2]


def test_a_missed_sign_of_life_ends_nothing(opened: Open, gone: Any, timed: Any) -> None:
    """Optuna's thread that gives them would die of an error, and the trial would be given to another worker."""
    queue = opened(patience=60)
    trial = begun(queue)
    with gone():
        queue.storage.record_heartbeat(trial)
    assert timed.slept == []
    assert not queue.storage.given_up
    queue.storage.record_heartbeat(trial)
    assert heartbeats(queue.storage, trial) == 1


@pytest.mark.parametrize(
    ("state", "values"),
    [
        (TrialState.COMPLETE, [0.1]),
        (TrialState.COMPLETE, [1 / 3]),
        (TrialState.PRUNED, [0.25]),
        (TrialState.PRUNED, None),
        (TrialState.FAIL, None),
    ],
)
def test_an_end_whose_answer_was_lost_is_no_error(
    opened: Open, timed: Any, state: TrialState, values: list[float] | None
) -> None:
    """It is told twice, and stands once."""
    queue = opened()
    trial = begun(queue)
    lose_an_answer(queue.storage)
    assert queue.storage.set_trial_state_values(trial, state, values)
    assert timed.slept == [0.2]
    kept = queue.storage.get_trial(trial)
    assert (kept.state, kept.values) == (state, values)


def test_an_end_that_differs_is_an_error(opened: Open) -> None:
    """Another value, another state, and another beginning."""
    queue = opened()
    trial = begun(queue)
    queue.storage.set_trial_state_values(trial, TrialState.COMPLETE, [0.5])
    for state, values in (
        (TrialState.COMPLETE, [0.25]),
        (TrialState.COMPLETE, None),
        (TrialState.PRUNED, [0.5]),
        (TrialState.FAIL, None),
        (TrialState.RUNNING, None),
    ):
        with pytest.raises(UpdateFinishedTrialError):
            queue.storage.set_trial_state_values(trial, state, values)
    assert queue.storage.get_trial(trial).values == [0.5]


def test_a_trial_whose_making_lost_its_answer_is_made_once(opened: Open, timed: Any) -> None:
    """A second one would be trained in the same run."""
    queue = opened()
    lose_an_answer(queue.storage)
    queue.study.enqueue_trial({"rate": 0.5}, user_attrs={"run": "0123"})
    queue.study.enqueue_trial({"rate": 0.5}, user_attrs={"run": "0123"})
    assert len(timed.slept) == 1
    assert [trial.number for trial in queue.trials] == [0, 1]
    assert [trial.number for trial in opened().trials] == [0, 1]


def test_a_sign_of_life_comes_before_the_beginning(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed in between has begun nothing; one that is killed after it is missed."""
    queue = opened()
    trial = waiting(queue)
    with monkeypatch.context() as patch:

        def killed(*_: object, **__: object) -> bool:
            raise SystemExit

        patch.setattr(RDBStorage, "set_trial_state_values", killed)
        with pytest.raises(SystemExit):
            queue.study.ask()
    assert heartbeats(queue.storage, trial) == 1
    assert queue.trials[0].state == TrialState.WAITING
    assert queue.study.ask()._trial_id == trial
    assert heartbeats(queue.storage, trial) == 1


@pytest.mark.parametrize(("seconds", "stale"), [(325, False), (335, True)])
def test_nobody_is_dead_who_may_be_sitting_out_an_absence(opened: Open, seconds: int, stale: bool) -> None:
    """A worker is waited for as long as it may wait for the database, and three signs of life more."""
    queue = opened(heartbeat=10, patience=300)
    trial = begun(queue)
    fall_silent(queue, trial, seconds)
    assert queue.storage._get_stale_trial_ids(queue.study._study_id) == [trial] * stale


def test_nobody_is_dead_because_this_machine_has_slept(opened: Open, timed: Any) -> None:
    """A laptop's own workers give signs of life again a moment after it wakes; who gives none then is dead."""
    queue = opened(heartbeat=10, patience=0)
    study = queue.study._study_id
    trial = begun(queue)
    fall_silent(queue, trial, 3600)
    timed.ahead += 3600
    assert queue.storage._get_stale_trial_ids(study) == []
    timed.sleep(19)
    assert queue.storage._get_stale_trial_ids(study) == []
    timed.sleep(2)
    assert queue.storage._get_stale_trial_ids(study) == [trial]
    timed.ahead += 9  # a clock that is set right is no sleep
    assert queue.storage._get_stale_trial_ids(study) == [trial]


def test_signs_of_life_are_told_in_one_time(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL tells the time of whoever asks: nine hours to Tokyo are not nine hours of silence."""
    wanted = Tune(storage=postgres.url("times"))
    monkeypatch.setenv("PGTZ", "UTC")
    here = open_storage(wanted)
    study = optuna.create_study(storage=here)
    study.enqueue_trial({})
    study.ask()
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    there = open_storage(wanted)
    assert there._get_stale_trial_ids(study._study_id) == []
    for storage in (here, there):
        storage.engine.dispose()


@pytest.mark.parametrize(
    ("studies", "mlflow"),
    [
        ("postgresql+psycopg://u:w@127.0.0.1/x", "postgresql://localhost:5432/x"),
        ("postgresql://u:w@localhost/x?sslmode=disable", "postgresql+psycopg://u@127.0.0.1/x"),
        ("postgresql://HOST:5433/x?connect_timeout=3", "postgresql+psycopg2://other@HOST:5433/x"),
        ("sqlite:///mlflow.db?timeout=3", "sqlite:///mlflow.db"),
        ("sqlite+pysqlite:///./mlflow.db", "sqlite:///mlflow.db"),
    ],
)
def test_the_database_of_mlflow_is_refused_by_its_address(
    studies: str, mlflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is written, and before anybody connects to it: it may be empty still. The password is not told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow)
    monkeypatch.setattr(tune_storage, "_opened", lambda wanted: pytest.fail("opened"))
    with pytest.raises(UserError, match=r"^Studies must have a database of their own\. Received MLflow's") as fault:
        open_storage(Tune(storage=studies))
    assert ":w@" not in str(fault.value)


@pytest.mark.parametrize(
    ("studies", "mlflow"),
    [
        ("postgresql://localhost/optuna", "postgresql://localhost/mlflow"),
        ("postgresql://localhost:5433/x", "postgresql://localhost/x"),
        ("postgresql://localhost/x", "postgresql://elsewhere/x"),
        ("sqlite:///optuna.db", "sqlite:///mlflow.db"),
        ("sqlite:///optuna.db", "http://localhost:5000"),
    ],
)
def test_a_database_beside_that_of_mlflow_is_not_refused(
    studies: str, mlflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow)
    monkeypatch.setattr(tune_storage, "_opened", lambda wanted: wanted.storage)
    assert open_storage(Tune(storage=studies)) == studies


def test_the_database_of_mlflow_is_refused_by_its_tables(
    shared_database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Under any address; nothing is written to it. One of studies may hold such a table of the user's own."""
    address = f"sqlite:///{tmp_path / 'x.db'}"
    if shared_database.startswith("postgresql"):
        address = request.getfixturevalue("postgres").url("foreign")
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table experiments (name text)")
    with pytest.raises(UserError, match="a database of their own"):
        open_storage(Tune(storage=address))
    assert sqlalchemy.inspect(engine).get_table_names() == ["experiments"]
    with engine.begin() as connection:
        connection.exec_driver_sql("create table studies (name text)")
    assert sorted(tables(address)) == ["experiments", "studies"]
    engine.dispose()


def test_looking_for_tables_makes_none(tmp_path: Path) -> None:
    """Optuna's own way to open a database would."""
    address = f"sqlite:///{tmp_path / 'x.db'}"
    assert tables(address) == []
    assert tables(address) == []
    open_storage(Tune(storage=address)).engine.dispose()
    assert {"studies", "trials", "trial_heartbeats"} <= set(tables(address))


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite://"])
def test_a_database_in_memory_is_refused(address: str) -> None:
    """Its workers would each have another one."""
    with pytest.raises(UserError, match="a database that processes share"):
        open_storage(Tune(storage=address))


def test_a_name_in_braces_is_taken_literally(tmp_path: Path) -> None:
    """Optuna would fill in something; a password may have them too."""
    open_storage(Tune(storage=f"sqlite:///{tmp_path / 'a{b}{0}.db'}")).engine.dispose()
    assert (tmp_path / "a{b}{0}.db").exists()


def test_a_missing_driver_names_what_installs_it(monkeypatch: pytest.MonkeyPatch, timed: Any) -> None:
    """At once, and without the password."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UserError, match=r"pip install hpapipe\[postgres\]") as fault:
        open_storage(Tune(storage="postgresql+psycopg://somebody:secret@127.0.0.1/x"))
    assert "secret" not in str(fault.value)
    assert (len(fault.value.lines), timed.slept) == (1, [])


@pytest.mark.parametrize("address", ["optuna.db", "mysqlx://somebody:secret@host/x", "postgresql://somebody:secret@[x"])
def test_what_is_no_address_is_told_in_one_line(address: str, timed: Any) -> None:
    with pytest.raises(AwayError, match=r"mend the address with --tune\.storage") as fault:
        open_storage(Tune(storage=address))
    assert len(fault.value.lines) == 1
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize("revision", ["v0.9.0.a", "unheard-of"])
def test_the_database_of_another_optuna_is_refused(tmp_path: Path, revision: str) -> None:
    """An older one names Optuna's own command that mends it."""
    wanted = Tune(storage=f"sqlite:///{tmp_path / 'x.db'}")
    storage = open_storage(wanted)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql(f"update alembic_version set version_num = '{revision}'")
    storage.engine.dispose()
    with pytest.raises(UserError, match="of this Optuna") as fault:
        open_storage(wanted)
    assert len(fault.value.lines) == 1
    assert ("optuna storage upgrade" in str(fault.value)) == (revision == "v0.9.0.a")


@pytest.mark.parametrize(("trips", "opens"), [(2, True), (3, False)])
def test_two_that_make_the_tables_at_once_trip_and_go_on(
    trips: int, opens: bool, timed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times it is tried."""
    left = [OperationalError("create table", {}, Exception("there is one")) for _ in range(trips)]

    def tripping(wanted: Tune) -> str:
        if left:
            raise left.pop()
        return wanted.storage

    monkeypatch.setattr(tune_storage, "_opened", tripping)
    with contextlib.nullcontext() if opens else pytest.raises(AwayError, match="there is one"):
        open_storage(Tune())
    assert timed.slept == [1, 1]


def test_several_may_make_the_tables_at_once(
    shared_database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Real ones."""
    address = f"sqlite:///{tmp_path / 'x.db'}"
    if shared_database.startswith("postgresql"):
        address = request.getfixturevalue("postgres").url("empty")
    with ThreadPoolExecutor(2) as machines:
        made = list(machines.map(open_storage, [Tune(storage=address)] * 2))
    assert [storage.get_all_studies() for storage in made] == [[], []]
    for storage in made:
        storage.engine.dispose()


def test_one_at_a_time_holds_the_lock(opened: Open) -> None:
    """Of two that share the database; another study's is free, except in SQLite, where one file has one lock."""
    first, second = opened(), opened()
    inside = threading.Event()

    def enter() -> bool:
        with locked(second.storage, "cells"):
            inside.set()
        return True

    with ThreadPoolExecutor(1) as other:
        with locked(first.storage, "cells"):
            entered = other.submit(enter)
            assert not inside.wait(0.2)
            if first.storage.engine.dialect.name == "postgresql":
                with locked(first.storage, "other cells"):
                    pass
        assert entered.result(SECONDS)
    with pytest.raises(ZeroDivisionError), locked(first.storage, "cells"):
        _ = 1 / 0
    assert enter()


def test_the_lock_of_a_process_that_is_killed_is_free(opened: Open, shared_database: str) -> None:
    """The system takes its file, or the server sees its connection end; until then nobody else gets in."""
    file = sqlite_file(shared_database)
    if file:
        take = f"kept = tune_database.file_lock(Path({str(file)!r})); kept.acquire()"
    else:
        take = (
            f"kept = sqlalchemy.create_engine({shared_database!r}).connect(); kept.execute(sqlalchemy.text({HELD!r}))"
        )
    script = f"import time, sqlalchemy; from pathlib import Path; from hpapipe.workflows import tune_database; {take}"
    words = [sys.executable, "-c", f"{script}; print('held', flush=True); time.sleep(60)"]
    queue, inside = opened(), threading.Event()

    def enter() -> bool:
        with locked(queue.storage, "cells"):
            inside.set()
        return True

    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=path) as process, ThreadPoolExecutor(1) as other:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"held\n"
            entered = other.submit(enter)
            assert not inside.wait(0.2)
        finally:
            process.kill()
        assert entered.result(SECONDS)


def test_a_lock_whose_connection_is_cut_is_free(postgres: Any) -> None:
    """Whoever held it goes on without an error: what it does is written by connections of their own."""
    storage = open_storage(Tune(storage=postgres.url("cut")))
    study = optuna.create_study(storage=storage)
    with locked(storage, "cells"):
        postgres.kill_connections()
        with locked(storage, "cells"):
            study.set_user_attr("told", "yes")
    assert study.user_attrs == {"told": "yes"}
    storage.engine.dispose()


def test_a_lock_that_cannot_be_had_is_told(opened: Open, gone: Any, tmp_path: Path) -> None:
    """In one line, like all else that needs the database."""
    queue = opened(patience=0)
    if queue.storage.engine.dialect.name == "sqlite":
        place = tmp_path / "place"
        place.mkdir()
        queue = Queue(queue.study, open_storage(Tune(storage=f"sqlite:///{place / 'x.db'}", patience=0)), 0)
        shutil.rmtree(place)
        place.write_text("a file, no folder")
    with gone(), pytest.raises(AwayError, match="must answer") as fault, locked(queue.storage, "cells"):
        pytest.fail("nobody holds it")
    assert len(fault.value.lines) == 1
    queue.storage.engine.dispose()


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("sqlite:///optuna.db", Path("optuna.db")),
        ("sqlite:////data/optuna.db?timeout=3", Path("/data/optuna.db")),
        ("sqlite+pysqlite:///optuna.db", Path("optuna.db")),
        ("postgresql://host/optuna.db", None),
    ],
)
def test_one_file_has_one_lock_however_its_address_is_written(address: str, file: Path | None) -> None:
    assert sqlite_file(address) == file
    if file:
        assert Path(tune_database.file_lock(file).lock_file) == file.with_name(".optuna.db.lock")


def stopped_within(ended: list[str]) -> None:
    """Two blocks, in the inner of which the user stops."""
    with undisturbed():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            ended.append("inner")
        ended.append("outer")
    ended.append("after")


def test_a_stop_waits_for_the_end_of_a_transaction() -> None:
    """In its midst it would leave the database locked; the handlers are there again afterwards."""
    before = signal.getsignal(signal.SIGINT)
    ended: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        stopped_within(ended)
    assert ended == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is before
