"""The list of a place's fields: written as a stream, read in groups, whole or not there."""

from __future__ import annotations

import pickle
import shutil
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.errors import UserError
from hpapipe.imageset.listing import Listing, write_listing
from hpapipe.imageset.stored import Stored
from kept_images import draw, opened, tarred

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=8)
FIELDS = st.lists(
    st.builds(
        Stored,
        TEXT,
        st.tuples(TEXT, TEXT),
        st.tuples(st.integers(-1, 1 << 60), st.integers(-1, 9)),
        st.tuples(st.integers(0, 1 << 62), st.just(0)),
    ),
    max_size=12,
)


class Given:
    """A place of these fields, which cannot be read."""

    name, in_order = "given", False

    def __init__(self, fields: list[Stored], fault: Exception | None = None) -> None:
        self.given, self.fault = fields, fault
        self.notes: list[str] = []

    def fields(self) -> Iterator[Stored]:
        yield from self.given
        self.notes[:] = ["Left out: two."]
        if self.fault:
            raise self.fault

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        raise AssertionError

    def close(self) -> None:
        """Nothing is open."""


@given(fields=FIELDS, rows=st.integers(1, 5))
def test_what_is_listed_is_read_in_groups(
    tmp_path_factory: pytest.TempPathFactory, fields: list[Stored], rows: int
) -> None:
    """In the same order and equal groups, by whoever opens the file."""
    file = tmp_path_factory.mktemp("list") / "fields.parquet"
    written = write_listing(Given(fields), file, rows)
    for listing in (written, Listing.open(file), pickle.loads(pickle.dumps(written))):
        groups = [listing.read(group) for group in range(listing.groups)]
        assert [stored for group in groups for stored in group] == fields
        assert len(listing) == len(fields)
        assert [len(group) for group in groups[:-1]] == [rows] * (len(groups) - 1)
        assert (listing.name, listing.rows, listing.notes) == ("given", rows, ("Left out: two.",))
    assert [path.name for path in file.parent.iterdir()] == ["fields.parquet"]


def test_the_fingerprint_is_of_ids_files_and_sizes(tmp_path: Path) -> None:
    """Not of times, so that a copied folder keeps it; nor of the groups."""
    one = Stored("a", ("x", "y"), (1, 2), (3, 4))

    def fingerprint(*fields: Stored, rows: int = 2) -> str:
        return write_listing(Given(list(fields)), tmp_path / "fields.parquet", rows).fingerprint

    same = {fingerprint(one), fingerprint(replace(one, stamps=(9, 9))), fingerprint(one, rows=7)}
    assert len(same) == 1
    other = {
        fingerprint(replace(one, id="b")),
        fingerprint(replace(one, files=("x", "z"))),
        fingerprint(replace(one, files=("y", "x"))),
        fingerprint(replace(one, sizes=(1, 3))),
        fingerprint(one, one),
        fingerprint(),
    }
    assert len(other | same) == 7


def test_a_copied_folder_has_the_same_fingerprint(tmp_path: Path) -> None:
    """And so have copied archives."""
    images = draw(tmp_path / "images")
    shutil.copytree(images, tmp_path / "copy", copy_function=shutil.copyfile)
    tarred(images, tmp_path / "a.tar")
    shutil.copyfile(tmp_path / "a.tar", tmp_path / "b.tar")
    found = []
    for given_place in (images, tmp_path / "copy", tmp_path / "a.tar", tmp_path / "b.tar"):
        with opened(given_place) as place:
            found.append(write_listing(place, tmp_path / "fields.parquet", 2).fingerprint)
    assert found[0] == found[1] != found[2] == found[3]


@pytest.mark.parametrize("before", [True, False])
def test_a_fault_leaves_what_was_there(tmp_path: Path, before: bool) -> None:
    """The older list, or none; never a part of one."""
    file = tmp_path / "fields.parquet"
    one = Stored("a", ("x",), (1,), (2,))
    if before:
        write_listing(Given([one]), file, 2)
    with pytest.raises(UserError, match="A rule"):
        write_listing(Given([one] * 9, UserError("A rule.", "this", "That.")), file, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["fields.parquet"] * before
    if before:
        assert Listing.open(file).read(0) == [one]


def test_a_list_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Below a file there are no folders."""
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"The list of fields must be written\. Received “.+” at .*/file/fields"):
        write_listing(Given([]), tmp_path / "file" / "fields.parquet", 2)


@pytest.mark.parametrize("kind", ["nothing", "text", "another table", "cut"])
def test_what_is_no_list_is_told(tmp_path: Path, kind: str) -> None:
    """One line that says to begin anew."""
    file = tmp_path / "fields.parquet"
    if kind == "text":
        file.write_text("no list at all")
    if kind == "another table":
        import pandas as pd

        pd.DataFrame({"id": ["a"]}).to_parquet(file)
    if kind == "cut":
        write_listing(Given([Stored("a", ("x",), (1,), (2,))] * 9), file, 2)
        file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"The list of fields must be readable.*begin anew") as told:
        Listing.open(file)
    assert len(told.value.lines) == 1


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    """Each the group that it asked for."""
    fields = [Stored(f"{number:04d}", ("x",), (number,), (0,)) for number in range(400)]
    listing = write_listing(Given(fields), tmp_path / "fields.parquet", 10)
    with ThreadPoolExecutor(8) as threads:
        groups = list(threads.map(listing.read, list(range(40)) * 5))
    assert [stored for group in groups for stored in group] == fields * 5


def test_a_list_of_many_is_written_as_a_stream(tmp_path: Path) -> None:
    """20,000 fields of 300 bytes and more: less than a third of that is held at once."""

    class Many(Given):
        def fields(self) -> Iterator[Stored]:
            for number in range(20_000):
                yield Stored(f"{number:036d}", (f"{number}_red.png", f"{number}_green.png"), (1, 1), (2, 2))

    tracemalloc.start()
    try:
        listing = write_listing(Many([]), tmp_path / "fields.parquet", 500)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(listing), listing.groups) == (20_000, 40)
    assert peak < 100 * 20_000
