"""Work done in a process of its own, whose memory is given back: TensorFlow keeps the graphs of all its networks."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hpapipe.errors import AwayError, UserError
from hpapipe.quiet import import_quietly, quiet
from hpapipe.workflows.speed_cell import SPAWN, start_masked


class Other:
    """A new process in which `work(*words)` is called. Ctrl-C does not reach it, but through `stop`.

    Args:
        work: a function of a module.
        words: what can be sent to another process.
        log: file that takes what it writes to the terminal; none: the terminal.
        environment: variables that it sets before it imports anything heavy.
    """

    def __init__(
        self,
        work: Callable[..., str],
        *words: Any,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._receiver, sender = SPAWN.Pipe(duplex=False)
        # Named, not sent: to unpickle a function is to import its libraries before they can be quieted.
        told = (sender, log, dict(environment or {}), work.__module__, work.__name__, words)
        self.process = SPAWN.Process(target=_work, args=told)
        try:
            start_masked(self.process)
        except KeyboardInterrupt:  # it came meanwhile, and who would stop the process does not have it yet
            self.stop()
            raise
        finally:
            sender.close()

    def stop(self) -> None:
        """Let KeyboardInterrupt be raised in it."""
        if self.process.pid and self.process.is_alive():
            os.kill(self.process.pid, signal.SIGINT)

    def result(self) -> str | None:
        """What the function returned, once it did; none where the process died, or was stopped.

        Raises:
            UserError: that the function raised.
        """
        told = None
        with self._receiver, contextlib.suppress(EOFError, OSError):  # it died without a word, or in the midst of one
            told = self._receiver.recv()
        self.process.join()
        if told is None:
            return None
        answer, lines, is_away = told
        if lines:
            raise _told(lines, is_away)
        return str(answer)


def alone(work: Callable[..., str], *words: Any) -> str:
    """What `work(*words)` returns, called in a new process.

    Args:
        work: a function of a module.
        words: what can be sent to another process.

    Raises:
        UserError: that `work` raised, or the process died.
        KeyboardInterrupt: the user stopped it; the process was told, and has put its things in order.
    """
    other = Other(work, *words)
    try:
        answer = other.result()
    except KeyboardInterrupt:
        other.stop()
        other.process.join()
        raise
    if answer is None:
        received = f"a process that ended with code {other.process.exitcode}"
        raise UserError("A training must come to its end.", received, "Give it more memory, or try again.")
    return answer


def is_abandoned() -> bool:
    """Whether the process that began this one is gone."""
    parent = multiprocessing.parent_process()
    return parent is not None and parent.pid != os.getppid()


def _told(lines: Sequence[str], is_away: bool) -> UserError:
    """A UserError that reads as it did in the other process."""
    fault = (AwayError if is_away else UserError)("", "", "")
    fault.lines = tuple(lines)
    return fault


def _work(
    sender: Connection, log: Path | None, environment: Mapping[str, str], module: str, name: str, words: Sequence[Any]
) -> None:
    """In the process: the answer is sent, or the lines of a UserError."""
    os.environ.update(environment)
    if log:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    quiet()
    import_quietly("keras")
    work = getattr(importlib.import_module(module), name)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it begins with `&` pass over it
    try:
        if hasattr(signal, "pthread_sigmask"):
            # In a group of its own, Ctrl-C reaches this process through its parent alone, and so only once.
            os.setpgrp()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        sender.send((work(*words), (), False))
    except UserError as fault:
        sender.send(("", fault.lines, isinstance(fault, AwayError)))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
