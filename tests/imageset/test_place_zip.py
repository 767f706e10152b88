"""A zip of images: read where it lies, whatever else it holds."""

from __future__ import annotations

import os
import stat
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hpapipe.config import Data
from hpapipe.imageset.decode import ImageError
from kept_images import CHANNELS, DATA, answers, draw, opened, refusal, zipped


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three fields in a folder."""
    return draw(tmp_path / "images")


def test_names_that_lead_out_and_links_are_left_out(images: Path, tmp_path: Path) -> None:
    """They are counted; nothing is written anywhere, and nothing else is read."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in images.iterdir():
            archive.write(path, path.name)
            archive.write(path, f"__MACOSX/._{path.name}")
        for name in ("../evil_red.png", "/evil_red.png", "C:\\evil_red.png", "new/..\\evil_red.png", ".._red.png"):
            archive.writestr(name, (images / "a_red.png").read_bytes())
        link = zipfile.ZipInfo("evil_green.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    assert answers(tmp_path / "a.zip") == answers(images)
    with opened(tmp_path / "a.zip") as place:
        assert len(list(place.fields())) == 3
        assert place.notes == [
            f"Left out: 5 members of {tmp_path / 'a.zip'} whose names lead out of a folder.",
            f"Left out: 1 members of {tmp_path / 'a.zip'} that are links, folders or devices.",
        ]
    assert sorted(tmp_path.rglob("*")) == before


def test_members_that_cannot_be_used_are_faults_of_their_fields(images: Path, tmp_path: Path) -> None:
    """Missing, empty, damaged, encrypted, a bomb; the rest is answered."""
    draw(images, ("a", "b", "c", "d", "e", "f"))
    expected = answers(images)
    (images / "a_red.png").unlink()
    (images / "b_green.png").write_bytes(b"")
    (images / "e_red.png").write_bytes(bytes((1 << 20) + 4 * 64 + 1))
    archive = zipped(images, tmp_path / "a.zip", "", zipfile.ZIP_DEFLATED)
    assert (tmp_path / "a.zip").stat().st_size < 5_000
    content = bytearray(archive.read_bytes())
    content[content.index(b"c_red.png") + 20] ^= 255
    content[content.rindex(b"d_red.png") - 46 + 8] |= 1
    archive.write_bytes(content)
    found = answers(archive, Data(channels=CHANNELS, max_pixels=64))
    for name, words in {
        "a": "Each channel must have its file. Received none at a_red.png.",
        "b": "An image file must not be empty. Received 0 bytes in b_green.png.",
        "c": f" for c_red.png in {archive}. Replace the file",
        "d": f"Received “encrypted” for d_red.png in {archive}.",
        "e": "at most 1,048,832 bytes, 4 for each of `data.max_pixels` and 1 MiB more. Received 1,048,833 in e_red.png",
    }.items():
        assert words in found[name]
    assert found["f"] == expected["f"]


def test_a_field_that_stands_twice_is_refused(images: Path, tmp_path: Path) -> None:
    """In one folder of the archive or in two: which is meant is not known."""
    with zipfile.ZipFile(zipped(images, tmp_path / "a.zip"), "a") as archive:
        archive.write(images / "b_red.png", "old/b_red.png")
    told = refusal(tmp_path / "a.zip")
    assert told.startswith(f"Each field must have its own id. Received `b` twice in {tmp_path / 'a.zip'}.")


def test_a_change_of_the_archive_is_told(images: Path, tmp_path: Path) -> None:
    """Another file under its name, or none; an older list with it too."""
    archive = zipped(images, tmp_path / "a.zip")
    with opened(archive) as place:
        first, second, _ = place.fields()
        assert place.read(first)[0].shape == (8, 8, 2)
        os.utime(archive, ns=(1, 1))
        with pytest.raises(ImageError, match=r"a\.zip, which changed since it was listed"):
            place.read(second)
        archive.unlink()
        with pytest.raises(ImageError, match=r"a\.zip, which vanished since it was listed"):
            place.read(second)
    zipped(images, archive)
    with opened(archive) as place, pytest.raises(ImageError, match="changed since it was listed"):
        place.read(first)


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    """Each the field that it asked for."""
    images = draw(tmp_path / "images", [f"{number:03d}" for number in range(40)])
    expected = {name: answer[1] for name, answer in answers(images).items()}
    with opened(zipped(images, tmp_path / "a.zip")) as place, ThreadPoolExecutor(8) as threads:
        fields = list(place.fields()) * 5
        for stored, (_, digest) in zip(fields, threads.map(place.read, fields), strict=True):
            assert digest.hex() == expected[stored.id]


def test_a_damaged_directory_is_told(images: Path, tmp_path: Path) -> None:
    """In one line, also where it is met late."""
    archive = zipped(images, tmp_path / "a.zip")
    content = bytearray(archive.read_bytes())
    content[content.rindex(b"PK\1\2")] = 0
    archive.write_bytes(content)
    told = refusal(archive)
    assert told.startswith(f"A zip archive must be readable to its end. Received “a damaged directory” for {archive}.")


def test_a_list_of_many_holds_their_ids_and_places(tmp_path: Path) -> None:
    """At most 600 bytes a field of two channels, where zipfile takes 1,130."""
    count = 3_000
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(count):
            for channel in DATA.channels:
                archive.writestr(f"{number:036d}_{channel}.png", b"")
    with opened(tmp_path / "a.zip") as place:
        tracemalloc.start()
        try:
            fields = place.fields()
            next(fields)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert 1 + sum(1 for _ in fields) == count
    assert peak < 600 * count + (1 << 20)  # a block of the directory
