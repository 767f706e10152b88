"""Work done in a process of its own, whose memory is given back: TensorFlow keeps the graphs of all its networks."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from hpapipe.errors import UserError
from hpapipe.quiet import import_quietly, quiet
from hpapipe.workflows.speed_cell import SPAWN, start_masked


def alone(work: Callable[..., str], *words: Any) -> str:
    """What `work(*words)` returns, called in a new process.

    Args:
        work: a function of a module.
        words: what can be sent to another process.

    Raises:
        UserError: that `work` raised, or the process died.
        KeyboardInterrupt: the user stopped it; the process was told, and has put its things in order.
    """
    receiver, sender = SPAWN.Pipe(duplex=False)
    # Named, not sent: to unpickle a function is to import its libraries before they can be quieted.
    process = SPAWN.Process(target=_work, args=(sender, work.__module__, work.__name__, words))
    start_masked(process)
    sender.close()
    try:
        with contextlib.suppress(EOFError):  # it died without a word
            answer, lines = receiver.recv()
            if lines:
                raise UserError.joined([_told(lines)])
            return str(answer)
    except KeyboardInterrupt:
        if process.pid:
            os.kill(process.pid, signal.SIGINT)
        raise
    finally:
        receiver.close()
        process.join()
    received = f"a process that ended with code {process.exitcode}"
    raise UserError("A training must come to its end.", received, "Give it more memory, or try again.")


def _told(lines: Sequence[str]) -> UserError:
    """A UserError that reads as it did in the other process."""
    fault = UserError("", "", "")
    fault.lines = tuple(lines)
    return fault


def _work(sender: Connection, module: str, name: str, words: Sequence[Any]) -> None:
    """In the process: the answer is sent, or the lines of a UserError."""
    quiet()
    import_quietly("keras")
    work = getattr(importlib.import_module(module), name)
    try:
        if hasattr(signal, "pthread_sigmask"):
            # In a group of its own, Ctrl-C reaches this process through its parent alone, and so only once.
            os.setpgrp()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        sender.send((work(*words), ()))
    except UserError as fault:
        sender.send(("", fault.lines))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
