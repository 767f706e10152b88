"""Where one field is stored, what a place of fields can do, and the faults that all places tell in the same words."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hpapipe.errors import UserError, shown
from hpapipe.imageset.decode import Held, ImageError, read_field

if TYPE_CHECKING:
    from hpapipe.config import Data

UNKNOWN = -1
"""Size of a file whose size is not known, or that was not there."""

ABSENT = "Each channel must have its file."
MEND = "Replace the file, or take its field out of the table."


@dataclass(frozen=True, slots=True)
class Stored:
    """One field.

    Args:
        id: its name.
        files: an address a channel: a path relative to the folder, a URL, a member's name and place, or a row; empty
            where a channel has none.
        sizes: bytes, a number a channel, -1 where unknown.
        stamps: time of the last change in ns, a number a channel, 0 where unknown.
    """

    id: str
    files: tuple[str, ...]
    sizes: tuple[int, ...]
    stamps: tuple[int, ...]


class Place(Protocol):
    """Where fields come from.

    Args:
        name: what the user gave, without passwords and tokens.
        in_order: fields must be read in their order, by one thread; else any thread may read any field.
        notes: what was left out, a sentence each; known when `fields` has come to its end.
    """

    name: str
    in_order: bool
    notes: list[str]

    def fields(self) -> Iterator[Stored]:
        """Every field, always in the same order.

        Raises:
            UserError: what only a look at all of them shows, such as an id that stands twice.
        """
        ...

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, integers `[height, width, channels]`, and 16 bytes that stand for its content.

        Raises:
            ImageError: this field cannot be used; others may be.
        """
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...


def field_of(channels: Sequence[Held], data: Data) -> tuple[np.ndarray, bytes]:
    """What `Place.read` returns: the decoded channels, and the BLAKE2b hash of their files' bytes.

    Raises:
        ImageError: a file is no image that can be used, or the channels differ in size or depth.
    """
    digest = hashlib.blake2b(digest_size=16)
    for channel in channels:
        digest.update(len(channel.content).to_bytes(8, "little"))
        digest.update(channel.content)
    return read_field(channels, data.max_pixels), digest.digest()


def most_bytes(data: Data) -> int:
    """How many bytes a file may have: four for each allowed pixel, and a mebibyte for all else that is in it."""
    return data.max_pixels * 4 + (1 << 20)


def refuse_large(size: int, name: str, most: int) -> None:
    """Raise an ImageError where a file has more than `most` bytes."""
    if size > most:
        rule = f"An image file must have at most {most:,} bytes, 4 for each of `data.max_pixels` and 1 MiB more."
        raise ImageError(rule, f"{size:,} in {name}", "Raise `data.max_pixels`.")


def absent(name: str) -> ImageError:
    """The fault of a channel that has no file."""
    return ImageError(ABSENT, f"none at {name}", MEND)


def changed(name: str, how: str) -> ImageError:
    """The fault of a file that is not the one that was listed; `how` it differs."""
    rule = "A file must not change while it is predicted."
    return ImageError(rule, f"{name}, which {how} since it was listed", "Begin anew once the files are at rest.")


def unreadable(name: str, error: Exception) -> ImageError:
    """The fault of a file that gave no bytes."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
    return ImageError("An image must be readable to its end.", f"“{reason}” for {name}", MEND)


def facts_of(path: Path | str) -> tuple[int, int]:
    """Size and time of the last change of a file, `UNKNOWN` and 0 where there is none that can be asked for."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return UNKNOWN, 0
    return facts.st_size, facts.st_mtime_ns


def held_file(path: Path, name: str, listed: tuple[int, int], most: int) -> Held:
    """The bytes of a file of this machine.

    Args:
        path: the file.
        name: for messages.
        listed: its size and time of change when it was listed, `UNKNOWN` and 0 where it was not there.
        most: bytes that it may have.

    Raises:
        ImageError: it is not there, no file, too large, cannot be read, or has changed since it was listed.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # a pipe would be waited for, a device has no end
            raise ImageError("An image must be a file.", f"something else at {name}", MEND)
        refuse_changed((facts.st_size, facts.st_mtime_ns), listed, name)
        refuse_large(facts.st_size, name, most)
        with path.open("rb") as file:
            content = file.read(facts.st_size + 1)
            now = os.fstat(file.fileno())
        refuse_changed((now.st_size, now.st_mtime_ns), listed, name)
        refuse_changed((len(content), now.st_mtime_ns), listed, name)
    except FileNotFoundError:
        raise changed(name, "vanished") if listed[0] != UNKNOWN else absent(name) from None
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from None
    return Held(name, content)


def refuse_changed(found: tuple[int, int], listed: tuple[int, int], name: str) -> None:
    """Raise an ImageError where a file's size or time of change is not what was listed."""
    if found != listed:
        raise changed(name, "appeared" if listed[0] == UNKNOWN else "changed")


def refuse_twice(names: Sequence[str], source: str) -> None:
    """Raise a UserError where `names`, ids that stand more than once, are any."""
    if names:
        received = f"{shown([f'`{name}`' for name in names])} twice in {source}"
        raise UserError("Each field must have its own id.", received, "Rename or delete the others.")
