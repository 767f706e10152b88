"""Fields in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpapipe.errors import UserError
from hpapipe.imageset.naming import Names, patterns, refuse_lacking
from hpapipe.imageset.stored import Stored, facts_of, field_of, held_file, most_bytes
from hpapipe.imageset.table import refuse_unsafe

if TYPE_CHECKING:
    from hpapipe.config import Data


class FolderPlace:
    """A folder whose files are named as `data.files` says, in itself or in its subfolder of that pattern.

    A field that lacks the file of a channel is listed, and is a fault when it is read.

    Args:
        folder: the folder.
        data: the recipe's section.
        name: what the user gave.
        listed: its fields were listed before, so they are not looked for.

    Raises:
        UserError: no file is named so, or a channel has none at all.
    """

    in_order = False

    def __init__(self, folder: Path, data: Data, name: str, listed: bool = False) -> None:
        self.folder, self.data, self.name = folder, data, name
        self.notes: list[str] = []
        self._most = most_bytes(data)
        if not listed:
            self._names()

    def fields(self) -> Iterator[Stored]:
        """Every field in the order of its id; ids alone are held.

        Raises:
            UserError: the folder cannot be listed, or an id could lead out of a folder or is no text.
        """
        names = self._names()
        ids = sorted({named.id for named, _, _ in names.walk(self._entries)})
        refuse_unsafe(ids, self.name)
        _refuse_no_text(ids, self.name)
        for field in ids:
            files = tuple(names.file(field, channel) for channel in range(len(names.channels)))
            facts = [facts_of(os.path.join(self.folder, file)) for file in files]
            yield Stored(field, files, tuple(size for size, _ in facts), tuple(stamp for _, stamp in facts))

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, and the hash of its files.

        Raises:
            ImageError: a file is missing, cannot be used, or is not as it was listed.
        """
        listed = zip(stored.files, stored.sizes, stored.stamps, strict=True)
        channels = [held_file(self.folder / file, file, (size, stamp), self._most) for file, size, stamp in listed]
        return field_of(channels, self.data)

    def close(self) -> None:
        """Nothing stays open between two fields."""

    def _names(self) -> Names:
        """The first pattern that files are named by; looks no further than to a file of each channel."""
        for names in patterns(self.data):
            seen: set[int] = set()
            for named, _, _ in names.walk(self._entries):
                seen.add(named.channel)
                if len(seen) == len(names.channels):
                    return names
            if seen:
                break
        refuse_lacking(seen, self.data, self.name, self._others())
        return names

    def _entries(self, below: str) -> Iterator[tuple[str, None]]:
        try:
            with os.scandir(self.folder / below) as entries:
                for entry in entries:
                    yield entry.name, None
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            received = f"“{error.strerror or error}” at {self.folder / below}"
            raise UserError("A folder of images must be readable.", received, "Change its permissions.") from None

    def _others(self) -> str:
        others = sorted(name for name, _ in self._entries("") if not (self.folder / name).is_dir())
        return f"{others[0]} and {len(others) - 1} other files" if others else "no files"


def _refuse_no_text(ids: list[str], source: str) -> None:
    """Raise a UserError where a file's name is bytes that are no text."""
    for name in ids:
        if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
            shown = name.encode("ascii", "backslashreplace").decode()
            raise UserError("File names must be UTF-8 text.", f"{shown} in {source}", "Rename these files.")
