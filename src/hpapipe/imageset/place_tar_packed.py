"""Fields in a compressed tar archive, which can be read from its start alone, and is not unpacked to disk."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from hpapipe.errors import UserError
from hpapipe.imageset.decode import Held, ImageError
from hpapipe.imageset.naming import Named
from hpapipe.imageset.place_tar import TarPlace
from hpapipe.imageset.stored import UNKNOWN, Stored, changed, field_of, refuse_large, refuse_twice, unreadable
from hpapipe.imageset.twice import Twice
from hpapipe.imageset.whole import Sieve, address, places

if TYPE_CHECKING:
    from tarfile import TarInfo

    from hpapipe.config import Data

T = TypeVar("T")

AHEAD = 1 << 28
"""Bytes of images that wait for the other channels of their fields."""


class PackedTarPlace(TarPlace):
    """A compressed archive: its fields come in the order in which their last channels stand in it.

    Fields that lack a channel come last. The archive is unpacked in memory, piece by piece, once to list it and once to
    read it.
    """

    in_order = True

    def __init__(self, path: Path, data: Data, name: str, listed: bool = False) -> None:
        super().__init__(path, data, name, listed)
        self._fields = self._complete()

    def fields(self) -> Iterator[Stored]:
        """Every field; held are those that are not complete, and eight bytes for each id.

        Raises:
            UserError: the archive is damaged, a field is in it twice, or its channels stand too far apart.
        """
        sieve, twice, waiting = Sieve(self.names), Twice(), _Waiting[tuple[int, int]](len(self.names.channels))
        lacking: dict[str, dict[int, tuple[int, int]]] = {}
        for named, member, _ in self._images(sieve):
            if named.id in lacking:
                raise self._far_apart(named.id)
            whole = waiting.add(named, (member.offset_data, member.size), self._weight(member))
            lacking.update(waiting.too_old(AHEAD))
            if whole:
                yield self._stored(named.id, whole, twice)
        lacking.update(waiting.too_old(UNKNOWN))
        for field in sorted(lacking):
            yield self._stored(field, lacking[field], twice)
        self.notes[:] = sieve.notes(self.name)
        refuse_twice(sorted({*twice.names(), *waiting.twice}), self.name)

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, and the hash of its files; one that was passed already costs a new start.

        Raises:
            ImageError: a member is missing, too large or no image, or the archive has changed or is damaged.
        """
        self._whole.refuse_changed(stored)
        for channel, _ in enumerate(places(self.names, stored)):
            refuse_large(stored.sizes[channel], self.names.file(stored.id, channel), self._most)
        for _ in range(2):
            try:
                for field, channels in self._fields:
                    if field == stored.id:
                        return field_of(channels, self.data)
            except UserError as error:
                if isinstance(error, ImageError):
                    raise
                raise unreadable(f"{stored.id} in {self.name}", error) from None
            self._fields = self._complete()
        raise changed(self.name, "changed")

    def close(self) -> None:
        """Close the archive."""
        self._fields.close()
        super().close()

    def _complete(self) -> Generator[tuple[str, list[Held]], None, None]:
        """The images of every field that has all channels."""
        waiting = _Waiting[Held](len(self.names.channels))
        for named, member, file in self._images(Sieve(self.names)):
            weight = self._weight(member)
            file.seek(member.offset_data)
            whole = waiting.add(named, Held(self.names.file(*named), file.read(weight)), weight)
            dict(waiting.too_old(AHEAD))
            if whole:
                yield named.id, [whole[channel] for channel in sorted(whole)]

    def _weight(self, member: TarInfo) -> int:
        """Bytes of an image that are held; none of one that is too large to be read."""
        return member.size if member.size <= self._most else 0

    def _stored(self, field: str, found: dict[int, tuple[int, int]], twice: Twice) -> Stored:
        twice.add(field)
        both = [found.get(channel, (UNKNOWN, UNKNOWN)) for channel in range(len(self.names.channels))]
        files = tuple(address(self.names, Named(field, channel), at) for channel, (at, _) in enumerate(both))
        return Stored(field, files, tuple(size for _, size in both), (self._whole.facts[1],) * len(both))

    def _far_apart(self, field: str) -> UserError:
        rule = f"In a compressed tar, the channels of a field must stand within {AHEAD >> 20} MiB of images."
        received = f"more between those of {field} in {self.name}"
        return UserError(rule, received, "Unpack it, or pack it without compression.")


class _Waiting(Generic[T]):
    """Fields of which channels are still to come, the oldest first.

    Args:
        channels: how many a field has.
    """

    def __init__(self, channels: int) -> None:
        self.channels, self.bytes = channels, 0
        self.twice: set[str] = set()
        self._fields: dict[str, dict[int, T]] = {}
        self._weights: dict[str, int] = {}

    def add(self, named: Named, image: T, weight: int) -> dict[int, T] | None:
        """All channels of the field where this one, of `weight` bytes, was the last."""
        field = self._fields.setdefault(named.id, {})
        if named.channel in field:
            self.twice.add(named.id)
        field[named.channel] = image
        self._weights[named.id] = self._weights.get(named.id, 0) + weight
        self.bytes += weight
        if len(field) < self.channels:
            return None
        return self._pop(named.id)

    def too_old(self, most: int) -> Iterator[tuple[str, dict[int, T]]]:
        """The oldest fields, which are forgotten, until the rest has at most `most` bytes; all where that is -1."""
        while self._fields and self.bytes > most:
            oldest = next(iter(self._fields))
            yield oldest, self._pop(oldest)

    def _pop(self, name: str) -> dict[int, T]:
        self.bytes -= self._weights.pop(name)
        return self._fields.pop(name)
