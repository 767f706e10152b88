"""The door to MLflow: quiet, without telemetry, and with errors a user can act on."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Read when mlflow is first imported; a server that is away is reported after seconds, not minutes.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import mlflow.store.db.utils as database
import sqlalchemy
from alembic.util.exc import CommandError
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from hpapipe.errors import AwayError, UserError

database.MAX_RETRY_COUNT = 4  # MLflow's own ten tries at a database that is away take 100 seconds

for noisy in ("alembic", "mlflow.store", "mlflow.utils", "mlflow.models", "mlflow.pyfunc", "mlflow.tracking"):
    logging.getLogger(noisy).setLevel(logging.ERROR)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # a database that is away is told in one line


@contextmanager
def reachable() -> Iterator[MlflowClient]:
    """A client for the block; what fails there because the store cannot be used becomes a UserError."""
    try:
        client = MlflowClient()
    except (
        MlflowException,
        SQLAlchemyError,
        CommandError,
        ImportError,
        OSError,
    ) as error:  # also an address of no known kind
        raise _away(error) from error
    try:
        with answering():
            yield client
    except OSError as error:
        raise _away(error) from error


@contextmanager
def answering() -> Iterator[None]:
    """As `reachable`, for a block that also works with files of its own: their errors stay what they are."""
    try:
        yield
    except MlflowException as error:
        if error.error_code not in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):
            raise
        raise _away(error) from error
    except (SQLAlchemyError, CommandError) as error:
        raise _away(error) from error


def address(uri: str | None = None) -> str:
    """An address in one form, so that those of one database are equal; none: that of the tracking store."""
    uri = mlflow.get_tracking_uri() if uri is None else uri
    try:
        url = sqlalchemy.make_url(uri)
    except sqlalchemy.exc.ArgumentError:
        return uri
    backend = url.get_backend_name()
    if backend == "sqlite":
        return f"sqlite:///{Path(url.database or '').absolute()}"
    host = "127.0.0.1" if url.host in (None, "localhost", "::1") else url.host
    return f"{backend}://{host}:{url.port or PORTS.get(backend, '')}/{url.database}"


def without_password(uri: str) -> str:
    """An address as it may be shown and logged."""
    return re.sub(r"(password=)[^&\s]*", r"\1…", re.sub(r"//[^@\s]*@", "//…@", uri))


PORTS = {"postgresql": 5432, "mysql": 3306}
"""Backend -> its port where an address names none."""


def is_absent(error: MlflowException) -> bool:
    """Whether what was asked for does not exist; any other error is a fault of the store."""
    return error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


KIND = {"mlflow.experimentKind": "custom_model_development"}
"""What MLflow's pages show an experiment as: model training. Without it they open on language-model traces."""


def experiment(name: str) -> str:
    """The id of the experiment `name`, made where it does not exist; safe to call from several processes at once.

    Raises:
        UserError: the tracking store cannot be reached or written.
    """
    # Two processes that create the schema or an experiment at once trip over each other.
    with reachable() as client, _lock():
        found = client.get_experiment_by_name(name)
        if found is None:
            try:
                return client.create_experiment(name, tags=KIND)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = client.get_experiment_by_name(name)  # another machine was faster
                assert found
        if found.lifecycle_stage != "active":
            remedy = f"Restore it with `mlflow experiments restore -x {found.experiment_id}`, or change `experiment`."
            raise UserError("The experiment must not be deleted.", f"`{name}`, which is in the bin", remedy)
        return found.experiment_id


@contextmanager
def _lock() -> Iterator[None]:
    uri = mlflow.get_tracking_uri()
    if not uri.startswith("sqlite:///"):
        yield
        return
    database = Path(uri.removeprefix("sqlite:///")).absolute()
    with FileLock(database.with_name(f".{database.name}.lock")):
        yield


def _away(error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200]
    remedy = "Start the server, or set MLFLOW_TRACKING_URI to a store you can write, such as sqlite:///mlflow.db."
    store = without_password(mlflow.get_tracking_uri())
    if isinstance(error, CommandError):  # Alembic's: the tables that are there are not MLflow's
        rule, remedy = "The tracking store must be a database of its own.", "Set MLFLOW_TRACKING_URI to another."
        return UserError(rule, f"tables of another program in {store}", remedy)
    return AwayError("The tracking store must answer.", f"“{without_password(reason)}” from {store}", remedy)
