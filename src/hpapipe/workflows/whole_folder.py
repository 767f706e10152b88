"""Folders that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hpapipe.errors import UserError


def refuse_existing(out: Path, what: str) -> None:
    """Refuse a folder that is there already; arguments as `whole_folder`.

    Raises:
        UserError: it is.
    """
    if out.exists():
        remedy = "Give another with --out, or remove this one."
        raise UserError(f"The folder for the {what} must be new.", f"{out}, which is there already", remedy)


@contextlib.contextmanager
def whole_folder(out: Path, what: str) -> Iterator[Path]:
    """A folder beside `out` to write to, which gets the name `out` at the end, and goes away where that is not reached.

    Args:
        out: must not exist yet.
        what: is written there, for messages.

    Raises:
        UserError: `out` is there already, or cannot be written.
    """
    refuse_existing(out, what)
    part = out.with_name(f"{out.name}.part-{os.getpid()}")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        part.rename(out)
    except OSError as error:
        rule = f"The folder for the {what} must be writable."
        raise UserError(rule, f"“{error.strerror or error}” at {out}", "Give another with --out.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
