"""Zip archives read one entry at a time: what zipfile writes is what is read, and no damage passes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.imageset import zip_members
from hpapipe.imageset.zip_members import Member, Read, ZipError

NAME = st.text(st.characters(blacklist_characters="\0\\", blacklist_categories=("Cs",)), min_size=1, max_size=12)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)


def reading(archive: bytes) -> Read:
    return lambda at, count: archive[at : at + count]


def read(archive: bytes) -> Iterator[tuple[Member, bytes]]:
    """Every member and its content; each is found again by where its entry stands."""
    where = zip_members.directory(io.BytesIO(archive))
    for member in zip_members.members(reading(archive), where):
        assert zip_members.member_at(reading(archive), member.at, where) == member
        yield member, zip_members.content(reading(archive), member)


def written(contents: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.comment = comment
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


@settings(max_examples=60)
@given(
    contents=st.dictionaries(NAME, st.binary(max_size=200), max_size=8),
    method=st.sampled_from(METHODS),
    comment=st.binary(max_size=40),
    before=st.binary(max_size=40),
)
def test_reads_what_zipfile_writes(contents: dict[str, bytes], method: int, comment: bytes, before: bytes) -> None:
    """Names and contents in order, behind other bytes and before a comment too."""
    archive = before + written(contents, method, comment)
    found = list(read(archive))
    assert [(member.name, content) for member, content in found] == list(contents.items())
    assert [member.size for member, _ in found] == [len(content) for content in contents.values()]


def test_many_members_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is read in pieces; an entry that a piece cuts is read whole with the next."""
    contents = {f"{'x' * (number % 300)}{number}": b"%d" % number for number in range(2_000)}
    archive = written(contents)
    pieces = []

    def small(at: int, count: int) -> bytes:
        pieces.append(count)
        return archive[at : at + min(count, 4_000)]

    where = zip_members.directory(io.BytesIO(archive))
    assert [member.name for member in zip_members.members(small, where)] == list(contents)
    assert len(pieces) > where.size // 4_000


@pytest.mark.parametrize("extra", [0, 50])
def test_sizes_of_64_bits(extra: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As archives of more than 4 GiB or 65,535 members have them; here of any size, for zipfile is told so."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", extra)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    contents = {"a": b"first" * 40, "b": b"second" * 40}
    assert {member.name: content for member, content in read(written(contents))} == contents


def test_a_stream_written_without_sizes_in_front() -> None:
    """They stand behind the content then, and in the directory."""

    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += data
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a", b"content" * 9)
    assert [content for _, content in read(bytes(stream.written))] == [b"content" * 9]


def test_names_of_other_systems() -> None:
    """UTF-8 that is not marked as such, as macOS writes it; else the code page of DOS."""
    marked = written({"ü": b""})
    unmarked = bytearray(marked)
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        unmarked[marked.index(signature) + flags + 1] &= ~0x08
    assert [member.name for member, _ in read(bytes(unmarked))] == ["ü"]
    assert [member.name for member, _ in read(marked.replace("ü".encode(), b"\x81x"))] == ["üx"]


@pytest.mark.parametrize("flag", [True, False])
def test_encrypted_members_are_refused(flag: bool) -> None:
    """They are marked so."""
    archive = bytearray(written({"a": b"content"}))
    archive[archive.index(b"PK\1\2") + 8] |= flag
    if flag:
        with pytest.raises(ZipError, match=r"^encrypted$"):
            list(read(bytes(archive)))
    else:
        assert [content for _, content in read(bytes(archive))] == [b"content"]


def test_lzma_is_not_known() -> None:
    """Said by its number, beside those that are."""
    with pytest.raises(ZipError, match="compression method 14, where stored, deflated and bzip2 are known"):
        list(read(written({"a": b"content"}, zipfile.ZIP_LZMA)))


@pytest.mark.parametrize("method", METHODS)
def test_a_bomb_gives_no_more_than_it_announces(method: int) -> None:
    """Ten megabytes behind an entry of ten bytes: eleven are unpacked, and told."""
    archive = bytearray(written({"a": bytes(10 << 20)}, method))
    entry = archive.index(b"PK\1\2")
    archive[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    where = zip_members.directory(io.BytesIO(archive))
    member = next(zip_members.members(reading(bytes(archive)), where))
    assert member.size == 10
    if method != zipfile.ZIP_STORED:
        assert len(zip_members._unpacked(bytes(archive[31 : 31 + member.packed]), member)) == 11
    with pytest.raises(ZipError, match="another length than its entry announces"):
        zip_members.content(reading(bytes(archive)), member)


@settings(max_examples=200)
@given(changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3))
def test_no_damage_gives_other_content(changes: list[tuple[int, int]]) -> None:
    """Every member that is still found has its content; all else is a ZipError."""
    contents = {"first": b"some content", "second": bytes(range(100))}
    damaged = bytearray(written(contents))
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        found = [content for _, content in read(bytes(damaged))]
    except ZipError:
        return
    assert set(found) <= set(contents.values())


@given(length=st.integers(0, 300))
def test_a_broken_copy_is_no_archive(length: int) -> None:
    """Wherever it broke off, for the directory stands at the end."""
    archive = written({"first": b"some content", "second": bytes(range(100))})
    with pytest.raises(ZipError):
        list(read(archive[: min(length, len(archive) - 1)]))
