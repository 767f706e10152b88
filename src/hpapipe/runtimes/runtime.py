"""What a runtime is: how a network's file is written for it, and how such a file is opened."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from hpapipe.errors import UserError
from hpapipe.quiet import import_quietly


class Runner(Protocol):
    """A network that answers, whatever runs it. A Keras model is one as it is."""

    def predict_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Float32 `[images, ...]` for integers `[images, height, width, channels]`."""


@dataclass(frozen=True)
class Runtime:
    """A way to keep a network in a file and to run it.

    Args:
        suffix: of its files; a folder counts as a file.
        write: writes a Keras network to a path, whole or not at all. Between the two stand images as the network gets
            them, `[images, height, width, channels]`: their integer type becomes that of the file's input, and what
            rounds weights chooses its steps by them.
        open: the network in such a file.
        packages: distributions that decide what it answers.
        rounds: its weights have 8 bits, so that its answers differ from the network's own.
    """

    suffix: str
    write: Callable[[Any, np.ndarray, Path], None]
    open: Callable[[Path], Runner]
    packages: tuple[str, ...]
    rounds: bool = False


def library(name: str) -> ModuleType:
    """An optional library, imported.

    Raises:
        UserError: it is not installed.
    """
    try:
        import_quietly(name)
    except ImportError as error:
        raise UserError(
            f"`{name}` must be installed for this runtime.", f"“{error}”", 'Run pip install "hpapipe[export]".'
        ) from error
    return importlib.import_module(name)


def cores() -> int:
    """Threads for a network: as many as TensorFlow was told to take, or as this process may use."""
    told = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if told.isdigit() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to in the block. At its end all that was written there and beside it is at `path`, or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", suffix=".part") as place:
        yield Path(place) / path.name
        # What a file refers to comes before it: weights in .bin before .xml.
        for part in sorted(Path(place).iterdir()):
            there = path.parent / part.name
            if there.is_dir():
                shutil.rmtree(there)
            part.replace(there)
