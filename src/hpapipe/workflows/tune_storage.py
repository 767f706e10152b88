"""The database of studies: opened once, with errors a user can act on, and with a fixed number of trials."""

from __future__ import annotations

import warnings
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from hpapipe.config import Tune
from hpapipe.errors import UserError
from hpapipe.tracking.store import address

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

AWAY = (SQLAlchemyError, optuna.exceptions.StorageInternalError, OSError)


class ExhaustedError(Exception):
    """No trial is waiting: all there are to be are begun."""


class Storage(RDBStorage):
    """Optuna's database, in which asking makes no new trials: those of a study are made at its start, and wait.

    So several workers, on several machines, cannot begin more of them than were asked for.
    """

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        # Optuna's cache goes past `create_new_trial`.
        if template_trial is None:
            raise ExhaustedError
        return super()._create_new_trial(study_id, template_trial)


def open_storage(wanted: Tune) -> Storage:
    """The database that `tune.storage` names, made where it does not exist yet.

    Raises:
        UserError: it is MLflow's own, or cannot be reached.
    """
    if address(wanted.storage) == address():
        rule = "Studies must have a database of their own."
        raise UserError(rule, f"MLflow's, {wanted.storage}", "Give another with --tune.storage.")
    retry = RetryHeartbeatStaleTrialCallback(max_retry=wanted.retries, inherit_intermediate_values=True)
    try:
        with _alone(wanted.storage):
            return Storage(
                wanted.storage,
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=wanted.heartbeat,
                grace_period=3 * wanted.heartbeat,
                heartbeat_stale_trial_callback=retry,
            )
    except (*AWAY, ImportError, ValueError) as error:
        raise away(wanted.storage, error) from error


def away(storage: str, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200]
    remedy = "Start the server, or give another address with --tune.storage; the same command goes on then."
    return UserError("The database of studies must answer.", f"“{reason}” from {_without_password(storage)}", remedy)


def give_up_stale(study: optuna.Study) -> None:
    """Fail the trials whose workers died, and let them be tried again."""
    optuna.storages.fail_stale_trials(study)


def again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Let a stopped trial be tried again, from its last epoch where it can."""
    retry = study._storage.get_heartbeat_stale_trial_callback()  # type: ignore[attr-defined]
    retry(study, trial)


def is_settled(trial: FrozenTrial) -> bool:
    """Whether a trial counts: it came to an end of its own, or will."""
    return trial.state != TrialState.FAIL or "hpapipe.reason" in trial.user_attrs


def _alone(storage: str) -> FileLock:
    """Two processes that make the tables at once trip over each other."""
    place = Path(storage.removeprefix("sqlite:///")) if storage.startswith("sqlite:///") else Path(".optuna")
    return FileLock(place.with_name(f".{place.name}.lock"))


def _without_password(storage: str) -> str:
    before, at, after = storage.rpartition("@")
    return f"{before.split('://')[0]}://…@{after}" if at else storage
