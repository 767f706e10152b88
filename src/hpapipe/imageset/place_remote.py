"""Fields in a folder of another machine: a bucket, or what a web server lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import numpy as np

from hpapipe.errors import AwayError, UserError
from hpapipe.imageset.address import (
    WEB,
    Patience,
    UnansweredError,
    fetch,
    filesystem,
    patiently,
    protocol_of,
    without_secrets,
)
from hpapipe.imageset.decode import Held
from hpapipe.imageset.naming import Named, Names, patterns, refuse_lacking
from hpapipe.imageset.stored import UNKNOWN, Stored, absent, changed, field_of, most_bytes
from hpapipe.imageset.table import refuse_unsafe
from hpapipe.imageset.whole import Found

if TYPE_CHECKING:
    from hpapipe.config import Data


class RemotePlace:
    """A folder at an address, whose files are named as those of a local one.

    How fsspec lists a folder, it holds the names of all its files at once; a table of addresses is read as a stream.

    Args:
        address: of the folder.
        data: the recipe's section.
        patience: how long an answer is waited for.
        listed: its fields were listed before, so they are not looked for.

    Raises:
        UserError: no file is named so, a channel has none at all, or the protocol is not known.
        AwayError: the folder cannot be listed.
    """

    in_order = False

    def __init__(self, address: str, data: Data, patience: Patience, listed: bool = False) -> None:
        self.name = without_secrets(address)
        self._web = protocol_of(address) in WEB
        if self._web and (urlsplit(address).query or urlsplit(address).fragment):
            rule = "The address of a folder must have nothing after a question mark."
            raise UserError(rule, self.name, "Give a table of the images' own addresses.")
        self.address, self.data, self.patience = address.rstrip("/"), data, patience
        self.notes: list[str] = []
        self._most = most_bytes(data)
        self._files = filesystem(address, patience)
        self._found = None if listed else self._look()

    def fields(self) -> Iterator[Stored]:
        """Every field in the order of its id.

        Raises:
            UserError: an id could lead out of a folder, or stands twice.
        """
        found, self._found = self._found or self._look(), None
        for stored in found.fields(0, self.name, _relative):
            refuse_unsafe([stored.id], self.name)
            yield stored

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, and the hash of its files.

        Raises:
            ImageError: a file is missing, gives no answer, is too large, or has another size than it was listed with.
        """
        names = patterns(self.data)[0]
        channels = []
        for channel, (file, size) in enumerate(zip(stored.files, stored.sizes, strict=True)):
            if not file:
                raise absent(names.file(stored.id, channel))
            content = fetch(self._at(file), file, self._most, self.patience)
            if size not in (UNKNOWN, len(content)):
                raise changed(file, "changed")
            channels.append(Held(file, content))
        return field_of(channels, self.data)

    def close(self) -> None:
        """Connections are kept by fsspec, for whoever asks next."""

    def _look(self) -> Found:
        others: list[str] = []
        for names in patterns(self.data):
            found, seen = Found(names), set()
            for named, _, known in names.walk(self._entries):
                seen.add(named.channel)
                found.add(named, 0, UNKNOWN if known.get("size") is None else known["size"])
            if seen:
                break
            others = others or sorted(name for name, known in self._entries("") if known.get("type") == "file")
        left = f"{others[0]} and {len(others) - 1} other files" if others else "no files"
        refuse_lacking(seen, self.data, self.name, left)
        return found

    def _entries(self, below: str) -> Iterator[tuple[str, dict[str, Any]]]:
        folder = self._at(below)
        try:
            found = patiently(lambda: self._list(folder), self.address, self.patience)
        except UnansweredError as error:
            received = f"{error}, for {without_secrets(folder)}"
            raise AwayError(
                "A folder of images must answer.", received, "Check the address, and who may read it."
            ) from None
        for known in found:
            name = known["name"].rstrip("/").rpartition("/")[2]
            yield (unquote(name) if self._web else name), known

    def _list(self, folder: str) -> list[dict[str, Any]]:
        try:
            return self._files.ls(folder, detail=True)
        except FileNotFoundError:
            if folder == self.address:
                raise
            return []  # the subfolder of the pattern is looked for, it need not be there

    def _at(self, below: str) -> str:
        return f"{self.address}/{quote(below) if self._web else below}" if below else self.address


def _relative(names: Names, named: Named, at: int) -> str:
    return "" if at == UNKNOWN else names.file(*named)
