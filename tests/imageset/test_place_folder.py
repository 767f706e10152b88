"""A folder of images: what is listed of it, what a change costs, and how little is held."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpapipe.config import Data
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.place_folder import FolderPlace
from kept_images import DATA, answers, draw, opened, refusal


def test_lists_size_and_time_of_each_file(tmp_path: Path) -> None:
    """In the order of the ids, the channels in that of the recipe."""
    folder = draw(tmp_path / "new")
    os.utime(folder / "a_green.png", ns=(5, 7))
    with opened(folder) as place:
        fields = list(place.fields())
        assert (place.name, place.in_order, place.notes) == (str(folder), False, [])
    assert [each.id for each in fields] == ["a", "b", "c"]
    assert fields[0].files == ("a_red.png", "a_green.png")
    assert fields[0].sizes == tuple((folder / file).stat().st_size for file in fields[0].files)
    assert fields[0].stamps == ((folder / "a_red.png").stat().st_mtime_ns, 7)


def test_a_field_that_lacks_a_channel_is_listed_and_a_fault(tmp_path: Path) -> None:
    """So is one with a folder, nothing, or no image for a channel; the rest is answered."""
    folder = draw(tmp_path / "new", ("a", "b", "c", "d", "e"))
    (folder / "a_green.png").unlink()
    (folder / "b_green.png").unlink()
    (folder / "b_green.png").mkdir()
    (folder / "c_red.png").write_bytes(b"")
    (folder / "d_red.png").write_text("no image")
    found = answers(folder)
    assert list(found) == ["a", "b", "c", "d", "e"]
    for name, words in {
        "a": "Each channel must have its file. Received none at a_green.png.",
        "b": "An image must be a file. Received something else at b_green.png.",
        "c": "An image file must not be empty. Received 0 bytes in c_red.png.",
        "d": "no known image format in d_red.png",
    }.items():
        assert words in found[name]
    assert isinstance(found["e"], tuple)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of Unix")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """It is no file, and reading it would never end."""
    folder = draw(tmp_path / "new")
    (folder / "a_red.png").unlink()
    os.mkfifo(folder / "a_red.png")
    assert "something else at a_red.png" in answers(folder)["a"]


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (lambda file: file.unlink(), "vanished"),
        (lambda file: file.write_bytes(file.read_bytes() + b"x"), "changed"),
        (lambda file: os.utime(file, ns=(1, 1)), "changed"),
    ],
)
def test_a_change_is_a_fault_of_its_field_alone(tmp_path: Path, change: object, how: str) -> None:
    """The answer would be that of an image that was not listed."""
    folder = draw(tmp_path / "new")
    with opened(folder) as place:
        first, second, _ = place.fields()
        change(folder / "a_green.png")  # type: ignore[operator]
        rule = rf"A file must not change while it is predicted\. Received a_green\.png, which {how} since it was listed"
        with pytest.raises(ImageError, match=rule):
            place.read(first)
        assert place.read(second)[0].shape == (8, 8, 2)


def test_a_file_that_came_later_is_a_change(tmp_path: Path) -> None:
    """A list without it stays true."""
    folder = draw(tmp_path / "new")
    kept = (folder / "a_red.png").read_bytes()
    (folder / "a_red.png").unlink()
    with opened(folder) as place:
        first = next(iter(place.fields()))
        (folder / "a_red.png").write_bytes(kept)
        with pytest.raises(ImageError, match="appeared since it was listed"):
            place.read(first)


def test_images_may_lie_as_in_training(tmp_path: Path) -> None:
    """In the subfolder that `data.files` names, or in one for each channel; the folder's own images come first."""
    draw(tmp_path / "all" / "train", ("a", "b"))
    expected = answers(tmp_path / "all" / "train")
    assert answers(tmp_path / "all") == expected
    for name in ("a", "b"):
        for channel in DATA.channels:
            (tmp_path / "split" / channel).mkdir(parents=True, exist_ok=True)
            content = (tmp_path / "all" / "train" / f"{name}_{channel}.png").read_bytes()
            (tmp_path / "split" / channel / f"{name}.png").write_bytes(content)
    assert answers(tmp_path / "split", DATA.model_copy(update={"files": "new/{channel}/{id}.png"})) == expected
    draw(tmp_path / "all", ("c",))
    assert list(answers(tmp_path / "all")) == ["c"]


def test_no_look_further_than_to_one_of_each_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a folder of millions takes no time."""

    def entries(self: object, below: str) -> Iterator[tuple[str, None]]:
        yield from ((name, None) for name in ("x.txt", "a_red.png", "b_red.png", "b_green.png"))
        raise AssertionError("asked for one file too many")

    monkeypatch.setattr(FolderPlace, "_entries", entries)
    with opened(tmp_path):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_names_that_are_no_ids(tmp_path: Path) -> None:
    """A path that climbs on Windows, and bytes that are no text."""
    draw(tmp_path / "climbs", ("a", "..\\x"))
    assert "An id must name a file inside the image folder" in refusal(tmp_path / "climbs")
    folder = draw(tmp_path / "bytes")
    (folder / os.fsdecode(b"\xff_red.png")).touch()
    assert refusal(folder).startswith("File names must be UTF-8 text. Received \\udcff in ")


def test_a_file_beyond_any_image_is_not_read(tmp_path: Path) -> None:
    """Four bytes a pixel and a mebibyte are enough; the bound is in the message."""
    folder = draw(tmp_path / "new")
    with (folder / "b_red.png").open("r+b") as file:
        file.truncate((1 << 20) + 4 * 64 + 1)
    found = answers(folder, Data(channels=DATA.channels, max_pixels=64))
    assert "at most 1,048,832 bytes" in found["b"]
    assert "1,048,833 in b_red.png" in found["b"]
    assert isinstance(found["a"], tuple)


def test_a_list_of_many_holds_their_ids_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ids of 36 letters at most 500 bytes a field while the list is made, and 120 while it is read."""
    count = 5_000

    def entries(self: object, below: str) -> Iterator[tuple[str, None]]:
        for number in range(count):
            yield from ((f"{number * 7919 % count:036d}_{channel}.png", None) for channel in DATA.channels)

    monkeypatch.setattr(FolderPlace, "_entries", entries)
    with opened(tmp_path) as place:
        tracemalloc.start()
        try:
            fields = place.fields()
            first = next(fields).id
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (first, 1 + sum(1 for _ in fields)) == ("0" * 36, count)
    assert held < 120 * count
    assert peak < 500 * count
