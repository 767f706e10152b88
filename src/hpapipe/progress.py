"""What a user sees at the terminal: lines, tables, and one progress bar, silent where the output is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

T = TypeVar("T")


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[..., None]]:
    """A bar on stderr for the block; yields `advance(steps=1, note="")`."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(what, total=total, note="")

        def advance(steps: int = 1, note: str = "") -> None:
            progress.update(task, advance=steps, note=note)

        yield advance


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Yield `items` while a bar named `what` counts them."""
    with bar(what, total) as advance:
        for item in items:
            yield item
            advance()


def say(text: str) -> None:
    """One line on stdout for whoever waits at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show_table(table: pd.DataFrame, title: str) -> None:
    """A table on stdout, numbers with three digits; nothing where it has no rows."""
    if table.empty:
        return
    shown = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD)
    for name in table:
        numeric = pd.api.types.is_numeric_dtype(table[name])
        heading = escape(str(name).replace("_", " "))
        shown.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in table.itertuples(index=False):
        shown.add_row(*(_cell(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 140).print(shown)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3f}"
    return escape(str(value))
