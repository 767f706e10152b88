"""What a page is made of: words, tables and pictures, without a word of HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    kind: ClassVar[str] = "words"
    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    kind: ClassVar[str] = "points"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and what they are, a line each; those with an empty text are left out."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table that can be sorted by each of its columns.

    Args:
        caption: above it.
        table: its columns are the headings.
        interval: the columns of a number from 0 to 1 and of the ends of its interval, which are drawn as well; none:
            nothing is drawn.
    """

    kind: ClassVar[str] = "grid"
    caption: str
    table: pd.DataFrame = field(repr=False)
    interval: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Picture:
    """A PNG.

    Args:
        png: the file's bytes.
        caption: below it.
        alt: what it shows, for who cannot see it.
    """

    kind: ClassVar[str] = "picture"
    png: bytes = field(repr=False)
    caption: str
    alt: str


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, as many as the window is wide."""

    kind: ClassVar[str] = "pictures"
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Code:
    """Text that keeps its lines and spaces."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Folded:
    """Blocks that a click on `title` unfolds."""

    kind: ClassVar[str] = "folded"
    title: str
    blocks: tuple[Block, ...]


Block = Words | Points | Facts | Grid | Picture | Pictures | Code | Folded


@dataclass(frozen=True)
class Chapter:
    """Blocks under a title that the table of contents lists."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A page.

    Args:
        title: its name, also that of the browser's window.
        facts: what stands below the title.
        summary: what it comes to, a sentence or two.
        chapters: in their order; those without blocks are left out.
        footer: how it was made.
    """

    title: str
    facts: Facts
    summary: str
    chapters: tuple[Chapter, ...]
    footer: str
