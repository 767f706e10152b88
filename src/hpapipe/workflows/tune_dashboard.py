"""Optuna's dashboard on the database of studies, for this machine alone."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, TextIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from optuna.storages import RDBStorage
from optuna_dashboard import wsgi

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.tracking.store import without_password
from hpapipe.workflows.tune_database import sqlite_file
from hpapipe.workflows.tune_notes import artifact_store
from hpapipe.workflows.tune_storage import FAULTS, away, tables

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"
"""The dashboard asks nobody for a password, so no other machine may reach it."""


def dashboard(recipe: Recipe, port: int) -> WSGIServer:
    """A server of Optuna's dashboard, bound to its port; `serve_forever` answers until it is interrupted.

    Args:
        recipe: names the database and the folder of figures in its section `tune`.
        port: on this machine.

    Raises:
        UserError: there is no study yet, the database is away or no database of studies, or the port is taken.
    """
    storage = _existing(recipe.tune.storage)
    app = wsgi(storage, artifact_store=artifact_store(Path(recipe.tune.artifacts)))
    try:
        return _Server(port, app)
    except OSError as error:
        received = f"“{error.strerror}” from port {port}"
        raise UserError("The port must be free.", received, "Give another with --port.") from error


def _existing(address: str) -> RDBStorage:
    """The database at `address`, which is never made or changed here."""
    # SQLite makes the file that it is to open.
    try:
        file = sqlite_file(address)
        if file is not None and not file.is_file():
            raise _no_study(f"no file {file}")
        if "studies" in tables(address):
            return RDBStorage(
                address, engine_kwargs={"pool_pre_ping": True}, skip_compatibility_check=True, skip_table_creation=True
            )
    except (*FAULTS, ImportError, ValueError) as error:
        raise away(address, error) from error
    raise _no_study(f"{without_password(address)} without any")


def _no_study(received: str) -> UserError:
    remedy = "Run `hpapipe tune` first, or give another database with --tune.storage."
    return UserError("There must be a study to show.", received, remedy)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # Ctrl-C does not wait for a browser that keeps its connection open

    def __init__(self, port: int, app: WSGIApplication) -> None:
        super().__init__((HOST, port), _Handler)
        self.set_app(app)
        self.faults = _Faults()
        log = logging.getLogger("optuna_dashboard")
        log.handlers = [logging.StreamHandler(self.faults)]
        log.propagate = False
        log.setLevel(logging.ERROR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a browser that went away."""


class _Handler(WSGIRequestHandler):
    server: _Server

    def log_message(self, format: str, *words: object) -> None:
        """Write no line for each request."""

    def get_stderr(self) -> TextIO:
        return self.server.faults


class _Faults(io.StringIO):
    """Takes tracebacks, and tells what was wrong on stderr, each fault in one line and once.

    A page that is open asks every few seconds, so a database that goes away would fill the terminal.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def write(self, text: str) -> int:
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith((" ", "Traceback "))]
        if lines and lines[0] not in self.told:
            self.told.add(lines[0])
            sys.stderr.write(f"{lines[0]}\n")
        return len(text)
