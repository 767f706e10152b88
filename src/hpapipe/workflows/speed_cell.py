"""One cell of a speed study, measured in a process of its own.

A fresh process for each cell costs some seconds to start. It is the only way in which its peak of memory is its own,
all cells begin alike, on a GPU too, and nothing else dies where memory runs out.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.images import ImageSet
from hpapipe.quiet import import_quietly, quiet

MEASURED, OUT_OF_MEMORY, FAILED, NOT_TRIED = "measured", "out of memory", "failed", "not tried"
"""What can become of a cell."""

SPAWN = multiprocessing.get_context("spawn")
"""A process that was forked after TensorFlow has been loaded may hang."""

KILLED = -9
"""Exit code, as Python has it, of a process that was ended by SIGKILL."""

SIGNS = ("bad_alloc", "resource_exhausted", "resourceexhausted", "out of memory", "outofmemory", "oom when allocating")
"""Words of C++, TensorFlow, JAX and PyTorch for memory that ran out, in small letters."""


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Args:
        word: measured, out of memory, failed or not tried.
        reason: why it was not measured.
        numbers: of `hpapipe.workflows.speed_steps.measure_steps`.
        facts: tags that say on what it was measured.
    """

    word: str
    reason: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def measure_cell(recipe: Recipe, images: ImageSet, most: int) -> Outcome:
    """Measure training steps in a child process, and judge how it ended.

    Args:
        recipe: of the cell.
        images: the set.
        most: fields of it that may be fed.

    Raises:
        KeyboardInterrupt: the user stopped it; the child is ended.
    """
    with tempfile.TemporaryDirectory() as place:
        errors = Path(place) / "stderr"
        receiver, sender = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=_work, args=(sender, errors, recipe, images, most), daemon=True)
        try:
            start_masked(process)
            sender.close()
            with contextlib.suppress(EOFError):
                outcome: Outcome = receiver.recv()
                return outcome
            process.join()
            return _judged(process.exitcode or 0, errors)
        finally:
            receiver.close()
            if process.pid:
                process.kill()
                process.join()


def runs_out(text: str) -> bool:
    """Whether an error's text tells that memory ran out."""
    return any(sign in text.lower() for sign in SIGNS)


def start_masked(process: BaseProcess) -> None:
    """Start a process that Ctrl-C does not reach: a terminal sends it to all, and the parent ends its child itself."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        process.start()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _judged(code: int, errors: Path) -> Outcome:
    """The outcome of a process that ended without telling one.

    Args:
        code: exit code; below 0, the signal that ended it.
        errors: what it wrote to stderr.
    """
    told = errors.read_text(errors="replace") if errors.exists() else ""
    if code == KILLED:
        return Outcome(OUT_OF_MEMORY, "ended by the operating system (signal 9), as it does where memory runs out")
    last = next((line.strip() for line in reversed(told.splitlines()) if line.strip()), "no word on stderr")
    return Outcome(OUT_OF_MEMORY if runs_out(told) else FAILED, f"ended with code {code}: {last[:300]}")


def _work(sender: Connection, errors: Path, recipe: Recipe, images: ImageSet, most: int) -> None:
    """In the child: measure, and send the outcome."""
    with errors.open("wb") as file:
        os.dup2(file.fileno(), 2)
    with contextlib.suppress(OSError):  # Linux: where memory runs out, this process is ended, and not its parent.
        Path("/proc/self/oom_score_adj").write_text("1000")
    quiet()
    import_quietly("keras")
    try:
        from hpapipe.workflows.speed_steps import measure_steps

        numbers, facts = measure_steps(recipe, images, most)
        outcome = Outcome(MEASURED, numbers=numbers, facts=facts)
    except UserError as error:
        outcome = Outcome(FAILED, str(error))
    except Exception as error:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        exhausted = isinstance(error, MemoryError) or runs_out(text)
        outcome = Outcome(OUT_OF_MEMORY if exhausted else FAILED, text[:300])
    sender.send(outcome)
