"""A page as one HTML file that opens anywhere: it asks for nothing from outside, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hpapipe.pages.blocks import Grid, Page

PNG = b"\x89PNG\r\n\x1a\n"
"""What every PNG begins with."""

LONG = 30
"""Characters from which on a text needs room, so that narrow windows do not break it after every word."""

_HERE = Path(__file__).parent / "template"


def render(page: Page) -> str:
    """The page as HTML, pictures and all; every text in it is escaped."""
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        _templates()
        .get_template("page.html")
        .render(
            page=page,
            chapters=[chapter for chapter in page.chapters if chapter.blocks],
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"cell": cell, "number": number, "is_number": _is_number, "encoded": _encoded, "anchor": anchor}
    made.globals |= {"bars": bars, "size": _size, "look": _look}
    return made


def cell(value: object) -> str:
    """A value as a table shows it: numbers with three digits, thousands apart, nothing where it is not known."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return _decimal(float(value))
    return str(value)


def number(value: float) -> str:
    """A number as a script reads it; nothing where it is not known."""
    return "" if value != value else f"{float(value):.10g}"


def anchor(title: str) -> str:
    """`title` as the address of a place in a page."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "chapter"


def bars(grid: Grid) -> list[tuple[float, float, float]]:
    """(number, low, high) of each row as whole numbers from 0 to 100, to be drawn."""
    if grid.interval is None:
        return []
    values = grid.table[list(grid.interval)].to_numpy(float)
    return [tuple(np.round(100 * np.clip(np.nan_to_num(row), 0, 1), 1).tolist()) for row in values]


def _decimal(value: float) -> str:
    if value != value:
        return ""
    if value and abs(value) < 0.0005:
        return f"{value:.2g}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3f}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _look(column: pd.Series) -> str:
    """How a column is laid out: `number`, `long` where it holds sentences, else nothing."""
    if len(column) and all(map(_is_number, column)):
        return "number"
    return "long" if any(len(cell(value)) > LONG for value in column) else ""


def _encoded(png: bytes) -> str:
    return base64.b64encode(png).decode("ascii")


def _size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels.

    Source: PNG (Portable Network Graphics) Specification, third edition, 11.2.1 IHDR.
    """
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _hash(text: str) -> str:
    """By which a page's policy knows the one style and the one script that it lets through."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
