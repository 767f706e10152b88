"""How files are named: names out, names in."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset.naming import Named, Names, patterns, refuse_lacking

NAME = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=8)
PATTERNS = ("{id}_{channel}.png", "{channel}-{id}.v1.tif", "{channel}/{id}.png", "{id}/{id}_{channel}.png")


@given(name=NAME.filter(lambda name: not name.startswith("._") and name not in (".", "..")), channel=st.integers(0, 2))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_written_name_is_read_again(pattern: str, name: str, channel: int) -> None:
    """Field and channel, where no channel's name ends another's."""
    names = Names(pattern, ("red", "GREEN", "c.3"))
    file = names.file(name, channel)
    assert names.match(file) == (name, channel)
    assert names.match_end(f"some/folder/{file}") == (name, channel)
    assert names.match_end(file) == (name, channel)


@given(name=NAME, channels=st.lists(NAME, min_size=1, max_size=4, unique=True), index=st.integers(0, 3))
def test_whatever_is_read_is_written_so(name: str, channels: list[str], index: int) -> None:
    """Also where two readings are possible, the one that is chosen stands for the same file."""
    names = Names("{id}_{channel}.png", channels)
    file = names.file(name, index % len(channels))
    read = names.match(file)
    assert read is None or names.file(*read) == file
    assert read is not None or name.startswith("._")


def test_the_longer_channel_is_meant() -> None:
    """`a_dark_red` is the dark red of `a`, not the red of `a_dark`, in whatever order the channels are."""
    for channels in (("red", "dark_red"), ("dark_red", "red")):
        assert Names("{id}_{channel}.png", channels).match("a_dark_red.png") == ("a", channels.index("dark_red"))


def test_special_characters_of_the_pattern_are_no_wildcards() -> None:
    """A point is a point."""
    names = Names("{id}+{channel}.p", ("red",))
    assert names.match("x+red.p") == ("x", 0)
    assert (names.match("xx+redxp"), names.match("xred.p"), names.match("x+red.p ")) == (None, None, None)


def test_an_id_that_the_pattern_holds_twice_must_be_the_same() -> None:
    """Another folder's file is none of the field."""
    names = Names("{id}/{id}_{channel}.png", ("red",))
    assert (names.match("a/a_red.png"), names.match("a/b_red.png")) == (("a", 0), None)


@pytest.mark.parametrize("name", ["._a_red.png", "__MACOSX/new/._a_red.png"])
def test_notes_of_macos_are_no_images(name: str) -> None:
    """They have the names of images, but are none."""
    assert Names("{id}_{channel}.png", ("red",)).match_end(name) is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("{id}_{channel}.png", ["{id}_{channel}.png"]),
        ("train/{id}_{channel}.png", ["{id}_{channel}.png", "train/{id}_{channel}.png"]),
        ("./all/{channel}/{id}.png", ["{channel}/{id}.png", "all/{channel}/{id}.png"]),
        ("{id}/raw/{id}_{channel}.png", ["{id}_{channel}.png", "{id}/raw/{id}_{channel}.png"]),
    ],
)
def test_new_images_need_no_folders_of_the_training_set(files: str, expected: list[str]) -> None:
    """The shortest end of the pattern that tells field and channel apart comes first, then all of it."""
    assert [names.pattern for names in patterns(Data(channels=("red",), files=files))] == expected


TREE = {
    "": ["red", "green", "blue", "x.png"],
    "red": ["a.png", "b.png", "c.txt"],
    "green": ["a.png"],
    "blue": ["a.png"],
}


def test_only_folders_of_the_pattern_are_entered() -> None:
    """A folder of another name is not listed."""
    entered = []

    def entries(below: str) -> list[tuple[str, str]]:
        entered.append(below)
        return [(name, f"known of {below}/{name}") for name in TREE[below]]

    found = list(Names("{channel}/{id}.png", ("red", "green")).walk(entries))
    assert found == [
        (Named("a", 0), "red/a.png", "known of red/a.png"),
        (Named("b", 0), "red/b.png", "known of red/b.png"),
        (Named("a", 1), "green/a.png", "known of green/a.png"),
    ]
    assert entered == ["", "red", "green"]


def test_lacking_channels_are_named() -> None:
    """Beside those that were found; where none was, what is there instead."""
    data = Data(channels=("red", "green", "blue"))
    refuse_lacking([2, 0, 1], data, "here", "")
    with pytest.raises(UserError, match=r"red, green, blue\. Received green but no red, blue in here\. Rename"):
        refuse_lacking([1, 1], data, "here", "")
    with pytest.raises(UserError, match=r"Received two shoes in here\."):
        refuse_lacking([], data, "here", "two shoes")


def test_patterns_are_relative_posix_paths() -> None:
    """As they are written in a recipe."""
    assert PurePosixPath(patterns(Data(files="a/{id}/{channel}.png"))[0].pattern).parts == ("{id}", "{channel}.png")
