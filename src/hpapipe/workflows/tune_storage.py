"""The database of studies: patient, with errors a user can act on, and with a fixed number of trials."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from hpapipe.config import Tune
from hpapipe.errors import AwayError, UserError
from hpapipe.tracking.store import address, without_password
from hpapipe.workflows.tune_database import BUSY, begin_at_once, file_lock, in_utc, sqlite_file, undisturbed

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

FAULTS = (SQLAlchemyError, optuna.exceptions.StorageInternalError, OSError)
"""What a database that is away ends in."""

MADE = "hpapipe.made"
"""System attribute of a trial: a word of its own, by which one that was made is known again."""

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
        sqlite = sqlite_file(wanted.storage) is not None
        engine = {"connect_args": {"timeout": BUSY}} if sqlite else {"pool_pre_ping": True}
        literally = wanted.storage.replace("{", "{{").replace("}", "}}")  # Optuna fills in what stands in braces
        super().__init__(literally, engine_kwargs=engine, **options)
        if sqlite:
            begin_at_once(self.engine)
        if self.engine.dialect.name == "postgresql":
            in_utc(self.engine)
        self.engine.dispose()  # connections from before
        self.patience = wanted.patience
        self.ahead, self.woken = _ahead(), float("-inf")

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        # Optuna's cache goes past `create_new_trial`.
        if template_trial is None:
            raise ExhaustedError
        named = copy.copy(template_trial)
        named.system_attrs = {**template_trial.system_attrs, MADE: uuid.uuid4().hex}
        return self._create_named_trial(study_id, named)

    def _create_named_trial(self, study_id: int, template_trial: FrozenTrial) -> FrozenTrial:
        return super()._create_new_trial(study_id, template_trial)

    def _get_prepared_new_trial(self, study_id: int, template_trial: FrozenTrial | None, session: Any) -> Any:
        # Optuna tries again too. An earlier try may have arrived, and only its answer did not.
        assert template_trial
        told = {"key": MADE, "value_json": json.dumps(template_trial.system_attrs[MADE])}
        made = session.query(models.TrialSystemAttributeModel).filter_by(**told).first()
        return made.trial if made else super()._get_prepared_new_trial(study_id, template_trial, session)

    def held(self, name: str) -> sqlalchemy.Connection:
        """A connection that keeps all others from the lock `name` until it is closed; PostgreSQL alone has such."""
        connection = self.engine.connect()
        connection.detach()  # in the pool it would go on holding the lock
        if connection.dialect.name == "postgresql":
            connection.execute(sqlalchemy.text("select pg_advisory_lock(hashtext(:name))"), {"name": name})
        return connection

    def record_heartbeat(self, trial_id: int) -> None:
        # One that is missed is followed by others, unless Optuna's thread that gives them dies of the error.
        with contextlib.suppress(*FAULTS):
            super().record_heartbeat(trial_id)

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        # Where this machine has slept, the last signs of life of its own workers are old too: theirs come first.
        assert self.heartbeat_interval
        slept, self.ahead = _ahead() - self.ahead, _ahead()
        if slept > self.heartbeat_interval:
            self.woken = time.monotonic()
        if time.monotonic() - self.woken < 2 * self.heartbeat_interval:
            return []
        return super()._get_stale_trial_ids(study_id)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        if state == TrialState.RUNNING:
            # A worker that is killed right after it took a trial must leave a sign by which its end is noticed.
            super().record_heartbeat(trial_id)
        try:
            return super().set_trial_state_values(trial_id, state, values)
        except optuna.exceptions.UpdateFinishedTrialError:
            trial = self.get_trial(trial_id)
            if trial.state == state and trial.values == (list(values) if values else None):
                return True  # an earlier try arrived, only its answer did not
            raise


def _ahead() -> float:
    """Seconds that the clock is ahead of the time for which this machine has been awake."""
    return time.time() - time.monotonic()


def _patient(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def tried(self: Storage, *words: Any, **options: Any) -> Any:
        begun, pause = time.monotonic(), 0.2
        while True:
            try:
                with undisturbed():
                    answer = call(self, *words, **options)
                self.given_up = False
                return answer
            except FAULTS as error:
                if self.given_up or time.monotonic() - begun > self.patience:
                    self.given_up = True
                    raise away(self.address, error) from error
                time.sleep(pause)
                pause = min(2 * pause, 5.0)

    return tried


_CALLS = (
    "create_new_study get_study_id_from_name get_study_name_from_id get_study_directions get_study_user_attrs "
    "get_study_system_attrs set_study_user_attr set_study_system_attr _create_named_trial _get_trials get_trial "
    "_set_trial_param set_trial_state_values set_trial_intermediate_value set_trial_user_attr set_trial_system_attr "
    "_get_stale_trial_ids _get_best_trial_id held"
)
for _name in _CALLS.split():
    setattr(Storage, _name, _patient(getattr(Storage, _name)))


def open_storage(wanted: Tune) -> Storage:
    """The database that `tune.storage` names, made where it does not exist yet.

    Raises:
        UserError: it is MLflow's own, of another Optuna, in this process's memory, or cannot be reached.
    """
    if address(wanted.storage) == address():
        raise _mlflows(wanted.storage)
    for left in reversed(range(TRIES)):
        try:
            return _opened(wanted)
        except RuntimeError as error:
            rule, remedy = "The database of studies must be of this Optuna.", "Or give another with --tune.storage."
            raise UserError(rule, f"“{error}” from {without_password(wanted.storage)}", remedy) from error
        except (*FAULTS, ImportError, ValueError) as error:
            # Two machines that make the tables at once trip over each other; once more, and they are there.
            if not left or not isinstance(error, FAULTS):
                raise away(wanted.storage, error) from error
            time.sleep(1)
    raise AssertionError


def _opened(wanted: Tune) -> Storage:
    file = sqlite_file(wanted.storage)
    if file is not None and file.name in ("", ":memory:"):
        rule, remedy = "Studies must have a database that processes share.", "Give a file, as sqlite:///optuna.db does."
        raise UserError(rule, f"`{wanted.storage}`, which is in memory", remedy)
    # After an outage that a worker may sit out, nobody takes it for dead before it has given a sign of life again.
    grace = 3 * wanted.heartbeat + wanted.patience
    with file_lock(file) if file else nullcontext():
        tables(wanted.storage)
        return Storage(wanted, heartbeat_interval=wanted.heartbeat, grace_period=grace)


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
    """Let one process at a time, of all machines, change which trials the study `name` has.

    Raises:
        AwayError: the database does not answer.
    """
    file = sqlite_file(storage.address)
    if file is None:
        release = storage.held(name).close
    else:
        lock = file_lock(file)
        try:
            lock.acquire()
        except OSError as error:
            raise away(storage.address, error) from error
        release = lock.release
    try:
        yield
    finally:
        with contextlib.suppress(*FAULTS):  # a connection that was cut holds the lock no longer
            release()


def away(storage: str, error: Exception) -> AwayError:
    """The error that says that a database does not answer."""
    reason = without_password(" ".join(str(error.__cause__ or error).split()))[:200]
    remedy = "Start the server, or mend the address with --tune.storage; the same command goes on then."
    if isinstance(error, ImportError):
        remedy = "Install the database's driver, such as `pip install hpapipe[postgres]`."
    return AwayError("The database of studies must answer.", f"“{reason}” from {without_password(storage)}", remedy)


def _mlflows(storage: str) -> UserError:
    rule = "Studies must have a database of their own."
    return UserError(rule, f"MLflow's, {without_password(storage)}", "Give another with --tune.storage.")
