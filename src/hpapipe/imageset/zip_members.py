"""The members of a zip archive, one at a time.

`zipfile` holds all members of an archive in memory, some 600 bytes each. Here the archive's directory is read as a
stream, and what is kept of a member is where its entry stands in it.

Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 (records) and 4.5.3 (sizes of 64 bits).
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL, _FULL_SHORT = 0xFFFFFFFF, 0xFFFF
_ENCRYPTED = 0x1
STORED, DEFLATED, BZIP2 = 0, 8, 12


class ZipError(ValueError):
    """Bytes that are no zip archive, or a member that cannot be had."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of the directory.

    Args:
        name: as it is written there.
        at: where the entry stands in the archive, in bytes.
        size: bytes of the content.
        packed: bytes that it takes in the archive.
        start: where these bytes' own header stands.
        method: how they are compressed.
        check: CRC-32 of the content.
        encrypted: a password is needed.
        mode: file type and permissions of Unix; 0 where the archive comes from elsewhere.
    """

    name: str
    at: int
    size: int
    packed: int
    start: int
    method: int
    check: int
    encrypted: bool
    mode: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The list of members at the end of an archive.

    Args:
        at: where it stands, in bytes.
        size: its bytes.
        before: bytes in front of the archive that its offsets do not count.
    """

    at: int
    size: int
    before: int


Read = Callable[[int, int], bytes]
"""From a place and a number of bytes to what stands there, fewer at the end."""


def directory(file: BinaryIO) -> Directory:
    """The directory of an archive.

    Raises:
        ZipError: it has none.
    """
    length = file.seek(0, 2)
    tail_at = max(0, length - _END.size - _FULL_SHORT)  # a comment may follow
    file.seek(tail_at)
    tail = file.read()
    found = tail.rfind(b"PK\5\6")
    while found >= 0:
        if found + _END.size <= len(tail):
            *_, size, offset, comment = _END.unpack_from(tail, found)
            if found + _END.size + comment <= len(tail):
                return _placed(file, tail_at + found, size, offset)
        found = tail.rfind(b"PK\5\6", 0, found)
    raise ZipError("no end of a zip archive: cut off, or none")


def _placed(file: BinaryIO, end: int, size: int, offset: int) -> Directory:
    """The directory, from the record that ends the archive or from its larger form before that."""
    file.seek(max(0, end - _LOCATOR.size))
    locator = file.read(_LOCATOR.size)
    if end >= _LOCATOR.size + _END64.size and locator.startswith(b"PK\6\7"):
        end -= _LOCATOR.size + _END64.size
        file.seek(end)
        signature, *_, size, offset = _END64.unpack(file.read(_END64.size))
        if signature != b"PK\6\6":
            raise ZipError("no end of a zip archive of 64 bits")
    before = end - size - offset
    if before < 0:
        raise ZipError("a directory that begins before the archive: cut off")
    return Directory(offset + before, size, before)


def members(read: Read, where: Directory) -> Iterator[Member]:
    """Every member of an archive, in the directory's order.

    Raises:
        ZipError: the directory is damaged.
    """
    at, end = where.at, where.at + where.size
    block, block_at = b"", at
    while at < end:
        start = at - block_at
        if start + _ENTRY.size > len(block) or start + _length(block, start) > len(block):
            block, block_at, start = read(at, min(1 << 20, end - at)), at, 0
        member, length = _entry(block, start, at, where)
        yield member
        at += length


def member_at(read: Read, at: int, where: Directory) -> Member:
    """The member whose entry stands at `at`.

    Raises:
        ZipError: none does.
    """
    block = read(at, 512)  # as much as most entries have
    if len(block) >= _ENTRY.size and _length(block, 0) > len(block):
        block = read(at, _length(block, 0))
    return _entry(block, 0, at, where)[0]


def _length(block: bytes, start: int) -> int:
    """Bytes of the entry whose fixed part begins at `start` of `block`."""
    return _ENTRY.size + sum(struct.unpack_from("<3H", block, start + 28))


def _entry(block: bytes, start: int, at: int, where: Directory) -> tuple[Member, int]:
    """The entry that begins at `start` of `block`, and its length."""
    if not block.startswith(b"PK\1\2", start):
        raise ZipError("a damaged directory")
    if start + _ENTRY.size > len(block) or start + _length(block, start) > len(block):
        raise ZipError("a directory that is cut off")
    fields = _ENTRY.unpack_from(block, start)
    _, _, _, flags, method, _, _, check, packed, size, name_bytes, extra_bytes, _, _, _, outside, offset = fields
    body = start + _ENTRY.size
    name = block[body : body + name_bytes]
    extra = block[body + name_bytes : body + name_bytes + extra_bytes]
    size, packed, offset = _wide(extra, [size, packed, offset])
    encrypted, begin = bool(flags & _ENCRYPTED), offset + where.before
    member = Member(_text(name), at, size, packed, begin, method, check, encrypted, outside >> 16)
    return member, _length(block, start)


def _text(name: bytes) -> str:
    """A name in UTF-8, also where the entry does not say so: no other encoding is that by chance."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437")


def _wide(extra: bytes, values: list[int]) -> list[int]:
    """`values`, those of which that do not fit in 32 bits taken from the extra field that holds them."""
    if _FULL not in values:
        return values
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            held = extra[at + 4 : at + 4 + length]
            wide = (number for (number,) in struct.iter_unpack("<Q", held[: len(held) // 8 * 8]))
            values = [next(wide, _FULL) if value == _FULL else value for value in values]
        at += 4 + length
    return values


def content(read: Read, member: Member) -> bytes:
    """The bytes of a member; no more are unpacked than its entry announces.

    Raises:
        ZipError: encrypted, compressed in another way, cut off or damaged.
    """
    if member.encrypted:
        raise ZipError("encrypted")
    header = read(member.start, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise ZipError("no member where the directory says")
    name_bytes, extra_bytes = _LOCAL.unpack(header)[-2:]
    packed = read(member.start + _LOCAL.size + name_bytes + extra_bytes, member.packed)
    found = _unpacked(packed, member)
    if len(packed) != member.packed or len(found) != member.size:
        raise ZipError("another length than its entry announces")
    if zlib.crc32(found) != member.check:
        raise ZipError("another CRC-32 than its entry announces")
    return found


def _unpacked(packed: bytes, member: Member) -> bytes:
    most = member.size + 1  # one more tells that there is more
    try:
        if member.method == STORED:
            return packed
        if member.method == DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
        if member.method == BZIP2:
            return bz2.BZ2Decompressor().decompress(packed, most)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise ZipError(f"damaged: {error}") from None
    raise ZipError(f"compression method {member.method}, where stored, deflated and bzip2 are known")
