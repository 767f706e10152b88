"""What SQLite and PostgreSQL need where several processes, on several machines, work with one database."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from filelock import FileLock

BUSY = 60
"""Seconds that SQLite waits for another process to be done with writing."""


def sqlite_file(storage: str) -> Path | None:
    """The file of an SQLite database, however its address is written; none for other databases.

    Raises:
        sqlalchemy.exc.ArgumentError: no address.
    """
    url = sqlalchemy.make_url(storage)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def begin_at_once(engine: sqlalchemy.Engine) -> None:
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


def in_utc(engine: sqlalchemy.Engine) -> None:
    """Let PostgreSQL write times as UTC: Optuna compares those of machines, and of both sides of a summer's end."""

    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: Any, record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
        connection.commit()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a stop by the user wait until the block has ended.

    In the midst of a transaction it would leave the connection in the pool, and SQLite locked. A mask of signals would
    not do: other threads take them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda came_now, _: came.append(came_now))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for told in came:
            signal.raise_signal(told)


def file_lock(file: Path) -> FileLock:
    """What one process at a time holds, of those that use an SQLite database; where it is killed, it is free."""
    return FileLock(file.with_name(f".{file.name}.lock"))
