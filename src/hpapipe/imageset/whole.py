"""One large file that holds many fields: an archive or a pack, read in parts by any number of threads."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

from hpapipe.errors import UserError
from hpapipe.imageset.naming import Named, Names
from hpapipe.imageset.stored import UNKNOWN, Stored, absent, changed, facts_of, refuse_twice
from hpapipe.imageset.table import is_safe


class Whole:
    """A file that stays open.

    Args:
        path: the file.
        name: what the user gave.

    Raises:
        UserError: it cannot be opened.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.facts = facts_of(path)
        try:
            self.file = path.open("rb")
        except OSError as error:
            received = f"“{error.strerror or error}” at {path}"
            raise UserError("Images must be readable.", received, "Change its permissions.") from None
        self._lock = Lock()

    def read(self, at: int, count: int) -> bytes:
        """`count` bytes from `at`, fewer at the end."""
        with self._lock:
            self.file.seek(at)
            return self.file.read(count)

    def refuse_changed(self, stored: Stored) -> None:
        """Raise an ImageError where the file is not the one that was opened, and that `stored` was listed from."""
        now = facts_of(self.path)
        if now != self.facts or any(stamp != now[1] for stamp in stored.stamps):
            raise changed(self.name, "changed" if now[0] != UNKNOWN else "vanished")

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Sieve:
    """What of an archive's members are images, and how many that are named so are left out.

    Args:
        names: how images are named, in whatever folder of the archive.

    `other` says in words what else the archive holds.
    """

    def __init__(self, names: Names) -> None:
        self.names, self.other = names, "no files"
        self._left_out: Counter[str] = Counter()

    def match(self, name: str, is_file: bool) -> Named | None:
        """The field and channel of a member; none: it is no image, or is left out.

        Args:
            name: of the member.
            is_file: it is no link, folder or device.
        """
        named = self.names.match_end(name)
        if named is None:
            if is_file and self.other == "no files":
                self.other = f"files such as {name}"
            return None
        if not is_safe(name) or not is_safe(named.id):
            self._left_out["whose names lead out of a folder"] += 1
        elif not is_text(name):
            self._left_out["whose names are no UTF-8 text"] += 1
        elif not is_file:
            self._left_out["that are links, folders or devices"] += 1
        else:
            return named
        return None

    def notes(self, source: str) -> list[str]:
        """What was left out of `source`, a sentence each."""
        return [f"Left out: {count:,} members of {source} {why}." for why, count in self._left_out.items()]


class Found:
    """Where in a large file the images of each field stand: ids, and two numbers for each of their images.

    Args:
        names: how images are named.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._rows: dict[str, int] = {}
        self._numbers = array("q")
        self._twice: set[str] = set()

    def add(self, named: Named, at: int, size: int) -> None:
        """Note the image of a channel, which stands at `at` and has `size` bytes."""
        channels = len(self.names.channels)
        row = self._rows.setdefault(named.id, len(self._rows))
        if row * channels * 2 == len(self._numbers):
            self._numbers.extend([UNKNOWN] * channels * 2)
        place = (row * channels + named.channel) * 2
        if self._numbers[place] != UNKNOWN:
            self._twice.add(named.id)
        self._numbers[place], self._numbers[place + 1] = at, size

    def fields(
        self, stamp: int, source: str, written: Callable[[Names, Named, int], str] | None = None
    ) -> Iterator[Stored]:
        """Every field in the order of its id.

        Args:
            stamp: time of the large file's last change, ns.
            source: its name, for messages.
            written: how an address is written; none: by `address`.

        Raises:
            UserError: a field has two images of one channel.
        """
        refuse_twice(sorted(self._twice), source)
        width = len(self.names.channels) * 2
        write = written or address
        for field in sorted(self._rows):
            start = self._rows[field] * width
            where, sizes = (self._numbers[start + first : start + width : 2] for first in (0, 1))
            files = tuple(write(self.names, Named(field, channel), at) for channel, at in enumerate(where))
            yield Stored(field, files, tuple(sizes), (stamp,) * len(files))


def address(names: Names, named: Named, at: int) -> str:
    """Where an image stands in a large file, in words: the place, a blank and its name; nothing where it is not."""
    return "" if at == UNKNOWN else f"{at} {names.file(*named)}"


def places(names: Names, stored: Stored) -> list[int]:
    """Where the images of a field stand in a large file, a number a channel.

    Raises:
        ImageError: it has none of some channel.
    """
    for channel, file in enumerate(stored.files):
        if not file:
            raise absent(names.file(stored.id, channel))
    return [int(file.partition(" ")[0]) for file in stored.files]


def is_text(name: str) -> bool:
    """Whether a file's name is no mere bytes, which Python writes as lone surrogates."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)
