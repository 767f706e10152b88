"""Processes that draw side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any


@contextmanager
def mapped(workers: int, chunk: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """A `map` over so many processes that gives results in order; over none where `workers` is 1.

    Processes are spawned: a fork of a process with TensorFlow's threads in it can hang.

    Args:
        workers: how many.
        chunk: jobs that a process takes at once.
    """
    if workers == 1:
        yield map
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_follow_parent)
    try:
        yield partial(pool.map, chunksize=chunk)
    finally:
        pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """End when the parent does, even if it is killed; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
