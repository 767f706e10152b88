"""The database of studies: patient, with errors a user can act on, and with a fixed number of trials."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from hpapipe.config import Tune
from hpapipe.errors import AwayError, UserError
from hpapipe.tracking.store import address, without_password

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

FAULTS = (SQLAlchemyError, optuna.exceptions.StorageInternalError, OSError)
"""What a database that is away ends in."""

SQLITE = "sqlite:///"
BUSY = 60
"""Seconds that SQLite waits for another process to be done with writing."""


TRIES = 3
"""Times that a database is tried to be opened."""


class ExhaustedError(Exception):
    """No trial is waiting: all there are to be are begun."""


class Storage(RDBStorage):
    """Optuna's database, in which asking makes no new trials: those of a study are made at its start, and wait.

    So several workers, on several machines, cannot begin more of them than were asked for. A call that fails is tried
    again for `patience` seconds.
    """

    def __init__(self, wanted: Tune, **options: Any) -> None:
        self.address, self.patience, self.given_up = wanted.storage, 0, False
        sqlite = wanted.storage.startswith(SQLITE)
        engine = {"connect_args": {"timeout": BUSY}} if sqlite else {"pool_pre_ping": True}
        super().__init__(wanted.storage, engine_kwargs=engine, **options)
        if sqlite:
            _begin_at_once(self.engine)
        self.patience = wanted.patience

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        # Optuna's cache goes past `create_new_trial`.
        if template_trial is None:
            raise ExhaustedError
        return super()._create_new_trial(study_id, template_trial)

    def held(self, name: str) -> sqlalchemy.Connection:
        """A connection that keeps all others from the lock `name` until it is closed; PostgreSQL alone has such."""
        connection = self.engine.connect()
        connection.detach()  # in the pool it would go on holding the lock
        if connection.dialect.name == "postgresql":
            connection.execute(sqlalchemy.text("select pg_advisory_lock(hashtext(:name))"), {"name": name})
        return connection

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        if state == TrialState.RUNNING:
            # A worker that is killed right after it took a trial must leave a sign by which its end is noticed.
            self.record_heartbeat(trial_id)
        try:
            return super().set_trial_state_values(trial_id, state, values)
        except optuna.exceptions.UpdateFinishedTrialError:
            trial = self.get_trial(trial_id)
            if trial.state == state == TrialState.COMPLETE and trial.values == list(values or ()):
                return True  # an earlier try arrived, only its answer did not
            raise


def _patient(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def tried(self: Storage, *words: Any, **options: Any) -> Any:
        begun, pause = time.monotonic(), 0.2
        while True:
            try:
                return call(self, *words, **options)
            except FAULTS as error:
                if self.given_up or time.monotonic() - begun > self.patience:
                    self.given_up = True
                    raise away(self.address, error) from error
                time.sleep(pause)
                pause = min(2 * pause, 5.0)

    return tried


_CALLS = (
    "create_new_study get_study_id_from_name get_study_name_from_id get_study_directions get_study_user_attrs "
    "get_study_system_attrs set_study_user_attr set_study_system_attr _create_new_trial _get_trials get_trial "
    "_set_trial_param set_trial_state_values set_trial_intermediate_value set_trial_user_attr set_trial_system_attr "
    "record_heartbeat _get_stale_trial_ids _get_best_trial_id held"
)
for _name in _CALLS.split():
    setattr(Storage, _name, _patient(getattr(Storage, _name)))


def open_storage(wanted: Tune) -> Storage:
    """The database that `tune.storage` names, made where it does not exist yet.

    Raises:
        UserError: it is MLflow's own, or cannot be reached.
    """
    if address(wanted.storage) == address():
        raise _mlflows(wanted.storage)
    for left in reversed(range(TRIES)):
        try:
            with _file_lock(wanted.storage) if wanted.storage.startswith(SQLITE) else nullcontext():
                tables(wanted.storage)
                return Storage(wanted, heartbeat_interval=wanted.heartbeat, grace_period=3 * wanted.heartbeat)
        except (*FAULTS, ImportError, ValueError) as error:
            # Two machines that make the tables at once trip over each other; once more, and they are there.
            if not left or not isinstance(error, FAULTS):
                raise away(wanted.storage, error) from error
            time.sleep(1)
    raise AssertionError


def tables(storage: str) -> list[str]:
    """The names of a database's tables.

    Raises:
        UserError: they are MLflow's.
    """
    # Not by way of Optuna, which writes to a database that it opens.
    engine = sqlalchemy.create_engine(storage)
    try:
        found = sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if "experiments" in found and "studies" not in found:
        raise _mlflows(storage)
    return found


@contextmanager
def locked(storage: Storage, name: str) -> Iterator[None]:
    """Let one process at a time, of all machines, change which trials the study `name` has."""
    if storage.address.startswith(SQLITE):
        with _file_lock(storage.address):
            yield
        return
    connection = storage.held(name)
    try:
        yield
    finally:
        connection.close()


def away(storage: str, error: Exception) -> AwayError:
    """The error that says that a database does not answer."""
    reason = without_password(" ".join(str(error.__cause__ or error).split())[:200])
    remedy = "Start the server, or mend the address with --tune.storage; the same command goes on then."
    if isinstance(error, ImportError):
        remedy = "Install the database's driver, such as `pip install hpapipe[postgres]`."
    return AwayError("The database of studies must answer.", f"“{reason}” from {without_password(storage)}", remedy)


def _mlflows(storage: str) -> UserError:
    rule = "Studies must have a database of their own."
    return UserError(rule, f"MLflow's, {without_password(storage)}", "Give another with --tune.storage.")


def _begin_at_once(engine: sqlalchemy.Engine) -> None:
    """Let each transaction of SQLite shut out other writers from its start.

    As it comes, two workers that read at once that a trial is waiting would both begin it.
    Source: SQLAlchemy's documentation of its pysqlite dialect, “Serializable isolation, savepoints, transactional DDL”.
    """

    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: Any, record: object) -> None:
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def _(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _file_lock(storage: str) -> FileLock:
    place = Path(storage.removeprefix(SQLITE))
    return FileLock(place.with_name(f".{place.name}.lock"))
