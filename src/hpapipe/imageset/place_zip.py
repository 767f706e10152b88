"""Fields in a zip archive, which is not unpacked."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpapipe.errors import UserError
from hpapipe.imageset import zip_members
from hpapipe.imageset.decode import Held
from hpapipe.imageset.naming import Named, patterns, refuse_lacking
from hpapipe.imageset.stored import Stored, changed, field_of, most_bytes, refuse_large, unreadable
from hpapipe.imageset.whole import Found, Sieve, Whole, places
from hpapipe.imageset.zip_members import Member, ZipError

if TYPE_CHECKING:
    from hpapipe.config import Data


class ZipPlace:
    """Members named as the end of `data.files` says, in whatever folders of the archive.

    Members that are links, or whose names lead out of a folder, are left out, and counted in `notes`. The place in an
    address is that of the member's entry in the archive's directory.

    Args:
        path: the archive.
        data: the recipe's section.
        name: what the user gave.
        listed: its fields were listed before, so they are not looked for.

    Raises:
        UserError: it is no zip archive, no member is named so, or a channel has none at all.
    """

    in_order = False

    def __init__(self, path: Path, data: Data, name: str, listed: bool = False) -> None:
        self.data, self.name, self.names = data, name, patterns(data)[0]
        self.notes: list[str] = []
        self._most = most_bytes(data)
        self._whole = Whole(path, name)
        try:
            self._directory = zip_members.directory(self._whole.file)
            if not listed:
                self._look()
        except (ZipError, OSError) as error:
            self.close()
            raise self._damaged(error) from None
        except UserError:
            self.close()
            raise

    def fields(self) -> Iterator[Stored]:
        """Every field in the order of its id; held are ids, and two numbers for each of their members.

        Raises:
            UserError: the archive is damaged, or a field is in it twice.
        """
        found, sieve = Found(self.names), Sieve(self.names)
        for named, member in self._images(sieve):
            found.add(named, member.at, member.size)
        self.notes[:] = sieve.notes(self.name)
        yield from found.fields(self._whole.facts[1], self.name)

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, and the hash of its files.

        Raises:
            ImageError: a member is missing, encrypted, damaged, too large or no image, or the archive has changed.
        """
        self._whole.refuse_changed(stored)
        entries = enumerate(places(self.names, stored))
        return field_of([self._held(at, Named(stored.id, channel)) for channel, at in entries], self.data)

    def close(self) -> None:
        """Close the archive."""
        self._whole.close()

    def _held(self, at: int, named: Named) -> Held:
        name = self.names.file(*named)
        try:
            member = zip_members.member_at(self._whole.read, at, self._directory)
            if self.names.match_end(member.name) != named:
                raise changed(self.name, "changed")
            refuse_large(max(member.size, member.packed), name, self._most)
            return Held(name, zip_members.content(self._whole.read, member))
        except (ZipError, OSError) as error:
            raise unreadable(f"{name} in {self.name}", error) from None

    def _images(self, sieve: Sieve) -> Iterator[tuple[Named, Member]]:
        try:
            for member in zip_members.members(self._whole.read, self._directory):
                kind = stat.S_IFMT(member.mode)
                named = sieve.match(member.name, kind in (0, stat.S_IFREG))
                if named:
                    yield named, member
        except (ZipError, OSError) as error:
            raise self._damaged(error) from None

    def _look(self) -> None:
        """Raise a UserError where a channel has no member; no further than to one of each is looked."""
        seen, sieve = set(), Sieve(self.names)
        for named, _ in self._images(sieve):
            seen.add(named.channel)
            if len(seen) == len(self.names.channels):
                return
        refuse_lacking(seen, self.data, self.name, sieve.other)

    def _damaged(self, error: Exception) -> UserError:
        received = f"“{error}” for {self.name}"
        return UserError("A zip archive must be readable to its end.", received, "Copy or pack it again.")
