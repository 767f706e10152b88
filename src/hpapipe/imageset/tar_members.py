"""The members of a tar archive, one at a time and in their order; no link is followed and nothing is unpacked."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""First bytes of a compressed archive -> what opens it."""

ZSTD = b"\x28\xb5\x2f\xfd"

FAULTS = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, RecursionError)
"""What reading a damaged archive raises."""


class Bounded:
    """A file of which no more than some bytes are read at once: a header may announce any length.

    Args:
        file: open for reading.
        most: bytes.
    """

    def __init__(self, file: IO[bytes], most: int) -> None:
        self.file, self.most = file, most
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int) -> bytes:
        """`count` bytes, fewer at the end."""
        if not 0 <= count <= self.most:
            raise tarfile.ReadError(f"a header that announces {count:,} bytes")
        return self.file.read(count)


class _Strict(tarfile.TarInfo):
    """A header after which nothing is lost: tarfile itself takes a damaged or missing one for the archive's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"a damaged header: {error}") from None
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            raise tarfile.ReadError("no mark of the archive's end: cut off") from None


def is_packed(path: Path) -> bool:
    """Whether an archive is compressed, so that it can be read from its start alone."""
    return _opener(path) is not None


def is_zstd(path: Path) -> bool:
    """Whether an archive is compressed by zstd, which Python reads from 3.14 on."""
    with path.open("rb") as file:
        return file.read(4) == ZSTD


@contextmanager
def opened(path: Path, most: int) -> Iterator[Bounded]:
    """The archive's bytes, uncompressed, of which at most `most` can be read at once."""
    with (_opener(path) or open)(path, "rb") as file:
        yield Bounded(file, most)


def members(file: Bounded) -> Iterator[tarfile.TarInfo]:
    """Every member of an archive; its content may be read from `file` before the next is asked for.

    Raises:
        FAULTS: the archive is damaged or cut off.
    """
    archive: Any = tarfile.TarFile(fileobj=file, mode="r", tarinfo=_Strict, encoding="utf-8")  # type: ignore[arg-type]
    while (member := archive.next()) is not None:
        archive.members.clear()  # which would else hold every member
        yield member
    while file.read(1 << 16):  # checks what is compressed to its end
        pass


def is_file(member: tarfile.TarInfo) -> bool:
    """Whether a member is a plain file; those with holes are none, since their bytes do not stand in one piece."""
    return member.isreg() and not member.issparse()


def _opener(path: Path) -> Any:
    with path.open("rb") as file:
        first = file.read(6)
    return next((opener for mark, opener in PACKED.items() if first.startswith(mark)), None)
