"""The command `hpapipe`: its verbs, and what becomes of their errors."""

from __future__ import annotations

import errno
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from hpapipe import __version__
from hpapipe.cli.check import check
from hpapipe.cli.compare import compare
from hpapipe.cli.dashboard import dashboard
from hpapipe.cli.drift import drift
from hpapipe.cli.ensemble import ensemble
from hpapipe.cli.evaluate import evaluate
from hpapipe.cli.export import export
from hpapipe.cli.history import history
from hpapipe.cli.movie import movie
from hpapipe.cli.options import take_overrides
from hpapipe.cli.predict import predict
from hpapipe.cli.promote import promote
from hpapipe.cli.recipe import recipe
from hpapipe.cli.report import report
from hpapipe.cli.rollback import rollback
from hpapipe.cli.series import series
from hpapipe.cli.simulate import simulate
from hpapipe.cli.speed import speed
from hpapipe.cli.train import train
from hpapipe.cli.tune import tune
from hpapipe.errors import UserError
from hpapipe.quiet import quiet

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From a folder of microscope images to a trained, tracked and promoted model, and its predictions.",
    epilog="Every command takes any option of the recipe as --section.option value; `hpapipe recipe` lists them.",
)
for verb in (
    train,
    series,
    evaluate,
    ensemble,
    compare,
    report,
    promote,
    rollback,
    history,
    predict,
    drift,
    export,
    check,
    speed,
    tune,
    dashboard,
    simulate,
    recipe,
):
    app.command()(verb)


app.add_typer(movie, name="movie")


@app.callback(invoke_without_command=True)
def _about(version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """The exit code of a command line.

    0: done; 2: the user can mend something; 3: a part was left undone, as was told; 130: stopped by the user.
    """
    quiet()
    try:
        left, overrides = take_overrides(words)
        app(left, obj=overrides, prog_name="hpapipe", standalone_mode=True)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        if error.errno not in DISK:
            raise
        sys.stderr.write(f"{_unwritable(error)}\n")
        return 2
    except KeyboardInterrupt:
        return STOPPED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EFBIG, errno.EIO)
"""Errors of a disk that is full, broken, or not to be written: whatever was being done, the user can mend them."""


def _unwritable(error: OSError) -> UserError:
    where = f" at {error.filename}" if error.filename else ""
    remedy = "Free space, or name other folders with --workspace and MLFLOW_TRACKING_URI."
    return UserError("The disk must take what is written.", f"“{error.strerror or error}”{where}", remedy)


GRACE = 5.0
"""Seconds after a stop in which further signals are taken for the same one."""

_stops = [-GRACE]


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop once: `mlflow run` follows a Ctrl-C by a SIGTERM, which must not cut the clean end short."""
    now = time.monotonic()
    if now - _stops[-1] > GRACE:
        _stops.append(now)
        raise KeyboardInterrupt
