"""Fields in a tar archive that is not compressed: each is read where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpapipe.errors import UserError
from hpapipe.imageset import tar_members
from hpapipe.imageset.decode import Held
from hpapipe.imageset.naming import Named, patterns, refuse_lacking
from hpapipe.imageset.stored import Stored, field_of, most_bytes, refuse_large, unreadable
from hpapipe.imageset.whole import Found, Sieve, Whole, places

if TYPE_CHECKING:
    from tarfile import TarInfo

    from hpapipe.config import Data


class TarPlace:
    """Members of an archive that is not compressed, named as the end of `data.files` says.

    Links, devices and members whose names lead out of a folder are left out, and counted in `notes`. The place in an
    address is that of the image's first byte in the archive.

    Args:
        path: the archive.
        data: the recipe's section.
        name: what the user gave.
        listed: its fields were listed before, so they are not looked for.

    Raises:
        UserError: it is no tar archive, no member is named so, or a channel has none at all.
    """

    in_order = False

    def __init__(self, path: Path, data: Data, name: str, listed: bool = False) -> None:
        self.data, self.name, self.names = data, name, patterns(data)[0]
        self.notes: list[str] = []
        self._most = most_bytes(data)
        self._whole = Whole(path, name)
        try:
            if not listed:
                self._look()
        except UserError:
            self._whole.close()
            raise

    def fields(self) -> Iterator[Stored]:
        """Every field in the order of its id; held are ids, and two numbers for each of their members.

        Raises:
            UserError: the archive is damaged, or a field is in it twice.
        """
        found, sieve = Found(self.names), Sieve(self.names)
        for named, member, _ in self._images(sieve):
            found.add(named, member.offset_data, member.size)
        self.notes[:] = sieve.notes(self.name)
        yield from found.fields(self._whole.facts[1], self.name)

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, and the hash of its files.

        Raises:
            ImageError: a member is missing, too large or no image, or the archive has changed.
        """
        self._whole.refuse_changed(stored)
        channels = []
        for channel, (at, size) in enumerate(zip(places(self.names, stored), stored.sizes, strict=True)):
            name = self.names.file(stored.id, channel)
            refuse_large(size, name, self._most)
            try:
                channels.append(Held(name, self._whole.read(at, size)))
            except OSError as error:
                raise unreadable(f"{name} in {self.name}", error) from None
        return field_of(channels, self.data)

    def close(self) -> None:
        """Close the archive."""
        self._whole.close()

    def _images(self, sieve: Sieve) -> Iterator[tuple[Named, TarInfo, tar_members.Bounded]]:
        """Every image in the archive's order, and the file that its content can be read from before the next."""
        try:
            with tar_members.opened(self._whole.path, self._most) as file:
                for member in tar_members.members(file):
                    named = sieve.match(member.name, tar_members.is_file(member))
                    if named:
                        yield named, member, file
        except tar_members.FAULTS as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            received = f"“{reason}” for {self.name}"
            raise UserError("A tar archive must be readable to its end.", received, "Copy or pack it again.") from None

    def _look(self) -> None:
        """Raise a UserError where a channel has no member; no further than to one of each is looked."""
        seen, sieve = set(), Sieve(self.names)
        for named, _, _ in self._images(sieve):
            seen.add(named.channel)
            if len(seen) == len(self.names.channels):
                return
        refuse_lacking(seen, self.data, self.name, sieve.other)
