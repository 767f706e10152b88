"""A tar of images, plain or compressed: read where it lies, whatever else it holds."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset import place_tar_packed
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.places import open_place
from kept_images import CHANNELS, DATA, HASTY, answers, draw, opened, refusal, tarred

BOTH = pytest.mark.parametrize("ending", ["tar", "tar.gz"])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three fields in a folder."""
    return draw(tmp_path / "images")


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, io.BytesIO(content)


def archived(file: Path, *members: tuple[tarfile.TarInfo, io.BytesIO]) -> Path:
    """A tar of these members in this order, compressed as its name says."""
    with tarfile.open(file, "w:gz" if file.suffix == ".gz" else "w") as archive:
        for info, content in members:
            archive.addfile(info, content)
    return file


def image_members(folder: Path, names: list[str]) -> list[tuple[tarfile.TarInfo, io.BytesIO]]:
    return [member(f"{name}.png", (folder / f"{name}.png").read_bytes()) for name in names]


@BOTH
def test_names_that_lead_out_links_and_devices_are_left_out(images: Path, tmp_path: Path, ending: str) -> None:
    """They are counted; no link is followed, nothing is written anywhere."""
    whole = [member(path.name, path.read_bytes()) for path in sorted(images.iterdir())]
    notes = [member(f"._{path.name}", b"note") for path in sorted(images.iterdir())]
    evil = [
        member("../evil_red.png", b"x"),
        member("/evil_red.png", b"x"),
        member("link_red.png", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("hard_red.png", kind=tarfile.LNKTYPE, link="a_red.png"),
        member("zero_red.png", kind=tarfile.CHRTYPE),
        member("pipe_red.png", kind=tarfile.FIFOTYPE),
        member("folder_red.png", kind=tarfile.DIRTYPE),
        member("\udcff_red.png", b"x"),
    ]
    archive = archived(tmp_path / f"a.{ending}", *evil, *notes, *whole)
    before = sorted(tmp_path.rglob("*"))
    assert answers(archive) == answers(images)
    with opened(archive) as place:
        assert len(list(place.fields())) == 3
        assert sorted(place.notes) == [
            f"Left out: 1 members of {archive} whose names are no UTF-8 text.",
            f"Left out: 2 members of {archive} whose names lead out of a folder.",
            f"Left out: 5 members of {archive} that are links, folders or devices.",
        ]
    assert sorted(tmp_path.rglob("*")) == before


@BOTH
def test_members_that_cannot_be_used_are_faults_of_their_fields(images: Path, tmp_path: Path, ending: str) -> None:
    """Missing, empty, no image, too large; the rest is answered."""
    draw(images, ("a", "b", "c", "d", "e"))
    expected = answers(images)
    (images / "a_red.png").unlink()
    (images / "b_green.png").write_bytes(b"")
    (images / "c_green.png").write_text("no image")
    (images / "d_red.png").write_bytes(bytes((1 << 20) + 4 * 64 + 1))
    found = answers(tarred(images, tmp_path / f"a.{ending}"), Data(channels=CHANNELS, max_pixels=64))
    for name, words in {
        "a": "Each channel must have its file. Received none at a_red.png.",
        "b": "An image file must not be empty. Received 0 bytes in b_green.png.",
        "c": "no known image format in c_green.png",
        "d": "at most 1,048,832 bytes, 4 for each of `data.max_pixels` and 1 MiB more. Received 1,048,833 in d_red.png",
    }.items():
        assert words in found[name]
    assert found["e"] == expected["e"]


def test_only_a_compressed_one_is_read_in_order(images: Path, tmp_path: Path) -> None:
    """By what it holds, not by its name."""
    for name, in_order in (("a.tar", False), ("a.tar.gz", True)):
        with opened(tarred(images, tmp_path / name).rename(tmp_path / "b.tar")) as place:
            assert place.in_order is in_order


def test_a_compressed_one_gives_fields_as_they_are_complete(images: Path, tmp_path: Path) -> None:
    """By the place of their last channel; those that lack one come last, in the order of their ids."""
    order = ["d_red", "b_green", "a_red", "b_red", "c_green", "a_green"]
    draw(images, ("a", "b", "c", "d"))
    archive = archived(tmp_path / "a.tar.gz", *image_members(images, order))
    assert list(answers(archive)) == ["b", "a", "c", "d"]
    assert list(answers(archived(tmp_path / "a.tar", *image_members(images, order)))) == ["a", "b", "c", "d"]


@settings(max_examples=25)
@given(
    order=st.permutations([f"{name}_{channel}" for name in "abcd" for channel in CHANNELS]),
    chosen=st.sets(st.integers(0, 3)),
)
def test_any_order_of_members_gives_the_same_answers(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], chosen: set[int]
) -> None:
    """All fields, or any of them in their order, as a job asks that goes on where it stopped."""
    place = tmp_path_factory.mktemp("tar")
    images = draw(place / "images", "abcd")
    expected = answers(images)
    archive = archived(place / "a.tar.gz", *image_members(images, order))
    assert answers(archive) == expected
    with opened(archive) as packed:
        fields = [stored for number, stored in enumerate(packed.fields()) if number in chosen]
        for stored in fields:
            assert packed.read(stored)[1].hex() == expected[stored.id][1]


def test_an_earlier_field_costs_a_new_start(images: Path, tmp_path: Path) -> None:
    """And is the same as before."""
    with opened(tarred(images, tmp_path / "a.tar.gz")) as place:
        first, second, third = place.fields()
        digests = [place.read(each)[1] for each in (first, second, third)]
        assert [place.read(each)[1] for each in (third, first, first)] == [digests[2], digests[0], digests[0]]


def test_channels_too_far_apart_are_refused(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a compressed archive would have to be held; a plain one is read all the same."""
    draw(images, ("a", "b", "c"))
    order = ["a_red", "b_red", "c_red", "c_green", "b_green", "a_green"]
    size = (images / "a_red.png").stat().st_size
    monkeypatch.setattr(place_tar_packed, "AHEAD", size * 5 // 2)
    told = refusal(archived(tmp_path / "a.tar.gz", *image_members(images, order)))
    assert told.startswith("In a compressed tar, the channels of a field must stand within ")
    assert f"Received more between those of a in {tmp_path / 'a.tar.gz'}. Unpack it" in told
    assert len(answers(archived(tmp_path / "a.tar", *image_members(images, order)))) == 3


def test_fields_that_lack_a_channel_are_not_held(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are, those that are whole are read."""
    draw(images, ("a", "b", "c", "d", "e"))
    order = ["a_red", "b_red", "c_red", "d_red", "e_red", "e_green"]
    monkeypatch.setattr(place_tar_packed, "AHEAD", (images / "a_red.png").stat().st_size * 5 // 2)
    found = answers(archived(tmp_path / "a.tar.gz", *image_members(images, order)))
    assert list(found) == ["e", "a", "b", "c", "d"]
    assert [isinstance(answer, tuple) for answer in found.values()] == [True, False, False, False, False]


@BOTH
@pytest.mark.parametrize("order", [["a_red", "a_red", "a_green"], ["a_red", "a_green", "a_red", "a_green"]])
def test_a_field_that_stands_twice_is_refused(images: Path, tmp_path: Path, ending: str, order: list[str]) -> None:
    """Which is meant is not known."""
    told = refusal(archived(tmp_path / f"a.{ending}", *image_members(images, order)))
    assert told.startswith("Each field must have its own id. Received `a` twice in ")


@BOTH
@settings(max_examples=30)
@given(share=st.floats(0.01, 0.99))
def test_a_broken_copy_is_told(tmp_path_factory: pytest.TempPathFactory, ending: str, share: float) -> None:
    """Wherever it broke off: what comes behind would be lost without a word."""
    place = tmp_path_factory.mktemp("tar")
    names = [f"{name}_{channel}" for name in "abc" for channel in CHANNELS]
    archive = archived(place / f"a.{ending}", *image_members(draw(place / "images"), names))
    content = archive.read_bytes()
    end = len(content) - (9_216 if ending == "tar" else 0)  # a plain one ends with blocks of zeros
    archive.write_bytes(content[: max(1, int(share * end))])
    told = refusal(archive)
    assert told.startswith("A tar archive must be readable to its end. Received ")


@BOTH
def test_a_damaged_header_in_the_middle_is_told(images: Path, tmp_path: Path, ending: str) -> None:
    """Where tarfile itself would take it for the archive's end."""
    names = [f"{name}_{channel}" for name in "abc" for channel in CHANNELS]
    content = bytearray(archived(tmp_path / "whole.tar", *image_members(images, names)).read_bytes())
    content[content.index(b"b_red.png")] ^= 1
    archive = tmp_path / f"a.{ending}"
    archive.write_bytes(gzip.compress(content) if ending == "tar.gz" else content)
    with tarfile.open(archive) as lenient:
        assert len(lenient.getmembers()) == 2
    assert "“a damaged header: bad checksum” for" in refusal(archive)


def test_a_header_of_any_length_is_not_held(tmp_path: Path) -> None:
    """A name of 3 MiB, of which gzip makes 3 KiB."""
    long = member("x" * (3 << 20) + "_red.png", b"x")
    archive = archived(tmp_path / "a.tar.gz", long)
    assert archive.stat().st_size < 10_000
    with pytest.raises(UserError, match=r"a header that announces 3,14[0-9],[0-9]{3} bytes"):
        open_place(str(archive), Data(channels=CHANNELS, max_pixels=64), patience=HASTY)


@BOTH
def test_a_change_of_the_archive_is_told(images: Path, tmp_path: Path, ending: str) -> None:
    """Another time, another file."""
    archive = tarred(images, tmp_path / f"a.{ending}")
    with opened(archive) as place:
        first, second, _ = place.fields()
        assert place.read(first)[0].shape == (8, 8, 2)
        os.utime(archive, ns=(1, 1))
        with pytest.raises(ImageError, match="which changed since it was listed"):
            place.read(second)


def test_many_threads_read_a_plain_one_at_once(tmp_path: Path) -> None:
    """Each the field that it asked for."""
    images = draw(tmp_path / "images", [f"{number:03d}" for number in range(40)])
    expected = {name: answer[1] for name, answer in answers(images).items()}
    with opened(tarred(images, tmp_path / "a.tar")) as place, ThreadPoolExecutor(8) as threads:
        fields = list(place.fields()) * 5
        for stored, (_, digest) in zip(fields, threads.map(place.read, fields), strict=True):
            assert digest.hex() == expected[stored.id]


@pytest.mark.parametrize(("ending", "most"), [("tar", 600), ("tar.gz", 300)])
def test_a_list_of_many_holds_little(tmp_path: Path, ending: str, most: int) -> None:
    """Bytes a field of two channels, where tarfile takes 970; of a compressed archive for the last ids alone."""
    count = 3_000
    names = [f"{number:036d}_{channel}.png" for number in range(count) for channel in DATA.channels]
    archive = archived(tmp_path / f"a.{ending}", *(member(name) for name in names))
    with opened(archive) as place:
        tracemalloc.start()
        try:
            listed = sum(1 for _ in place.fields())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert listed == count
    assert peak < most * count + (1 << 20)
