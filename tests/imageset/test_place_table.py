"""A table of images: paths and addresses, whatever its rows hold."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.imageset.place_table import TablePlace
from hpapipe.imageset.table import is_safe
from kept_images import DATA, HASTY, answers, draw, opened, refusal, rows_of, tabled
from web_site import Site

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three fields in a folder."""
    return draw(tmp_path / "images")


@pytest.fixture
def site(images: Path) -> Iterator[Site]:
    """`images` in the web."""
    served = Site(images)
    yield served
    served.close()


def test_rows_keep_their_order_and_other_columns_are_left(images: Path, tmp_path: Path) -> None:
    """`Id` is as good as `id`; channels are found by their names; blanks and empty lines do no harm."""
    rows = [["x", f" {green} ", "0 3", red, f" {name}"] for name, red, green in rows_of(images, "images/")][::-1]
    table = tabled(tmp_path / "a.csv", [*rows[:1], [], *rows[1:], ["", " "]], ("note", "green", "Target", " red", "Id"))
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    found = answers(table)
    assert list(found) == ["c", "b", "a"]
    assert found == answers(images)


def test_files_of_this_machine_are_listed_with_size_and_time(images: Path, tmp_path: Path) -> None:
    """So that a change is told; of an address nothing is asked before it is read."""
    table = tabled(tmp_path / "a.csv", [["a", "images/a_red.png", "https://nowhere.invalid/a_green.png"]])
    with opened(table) as place:
        (stored,) = place.fields()
    facts = (images / "a_red.png").stat()
    assert stored.files == ("images/a_red.png", "https://nowhere.invalid/a_green.png")
    assert (stored.sizes, stored.stamps) == ((facts.st_size, -1), (facts.st_mtime_ns, 0))


def test_rows_that_cannot_be_used_are_faults_of_their_fields(images: Path, tmp_path: Path, site: Site) -> None:
    """An empty cell, no file, no answer; the rest is answered."""
    rows = rows_of(draw(images, ("a", "b", "c", "d")), "images/")
    rows[0][2] = " "
    rows[1][1] = "images/nothing.png"
    rows[2][2] = f"http://me:secret@{site.address.removeprefix('http://')}/nothing.png?token=secret"
    found = answers(tabled(tmp_path / "a.csv", rows))
    rule = "Each channel must have its file."
    assert found["a"] == f"{rule} Received an empty cell in column `green` for a. Fill it in, or delete the row."
    assert "none at images/nothing.png" in found["b"]
    assert f"“404 File not found”, for {site.address}/nothing.png?…." in found["c"]
    assert "secret" not in found["c"]
    assert found["d"] == answers(images)["d"]


def test_parquet_with_numbers_and_nothing(images: Path, tmp_path: Path) -> None:
    """A number is an id; a missing value is an empty cell."""
    frame = pd.DataFrame({"id": [7, 8], "red": ["images/a_red.png", None], "green": "images/a_green.png"})
    frame.to_parquet(tmp_path / "a.parquet")
    found = answers(tmp_path / "a.parquet")
    assert found["7"] == answers(images)["a"]
    assert "an empty cell in column `red` for 8" in found["8"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must have one column `id`. Received no header in"),
        ("id,red\n", "must have one column `green`. Received id, red in"),
        ("id,red,green,red\n", "must have one column `red`. Received id, red, green, red in"),
        ("name,red,green\n", "must have one column `id`. Received name, red, green in"),
        ("id,red,green\n", "The table must name at least one field. Received no rows in"),
        ("id,red,green\na,b\n", "Each row must have 3 values, as the header. Received 2 in line 2 of"),
        ("id,red,green\n\na,b,c,\n", "Each row must have 3 values, as the header. Received 4 in line 3 of"),
        ("id,red,green\n,b,c\n", "Each row must have an id. Received none in row 2 of"),
        ("id,red,green\na,b,c\n../../x,b,c\n", "not empty, relative, without `..`. Received ../../x in"),
        ("id,red,green\n/x,b,c\n", "not empty, relative, without `..`. Received /x in"),
        ("id,red,green\na,b,c\nb,b,c\na,d,e\n", "Each field must have its own id. Received `a` twice in"),
        ("id,red,green\na,sftp://x/y,c\n", "An address must begin with one of file://, http://, https://, s3://"),
        ("id,red,green\na,b,\xff\n", "The table of images must be readable. Received “'utf-8' codec can't decode"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str, told: str) -> None:
    """One line, with what was found and where."""
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    assert told in refusal(tmp_path / "a.csv")


@given(rows=st.lists(st.tuples(TEXT.filter(is_safe), TEXT, TEXT), min_size=1, max_size=9, unique_by=lambda row: row[0]))
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_whatever_is_written_is_listed(
    tmp_path_factory: pytest.TempPathFactory, kind: str, rows: list[tuple[str, str, str]]
) -> None:
    """Quotes, commas and letters of any script, in both kinds of table."""
    table = tmp_path_factory.mktemp("table") / f"a.{kind}"
    if kind == "csv":
        tabled(table, rows)
    else:
        pd.DataFrame(rows, columns=["id", "red", "green"]).to_parquet(table)
    with opened(table) as place:
        assert [(stored.id, *stored.files) for stored in place.fields()] == rows


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_of_many_is_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """20,000 rows of 1 MB and more are listed with less than half of that held."""
    count = 20_000
    monkeypatch.setattr("hpapipe.imageset.place_table._BATCH", 1_000)
    monkeypatch.setattr("hpapipe.imageset.twice._BATCH", 1_000)
    monkeypatch.setattr(TablePlace, "_facts", lambda self, file: (1, 1))
    rows = [[f"{number:036d}", f"{number}_red.png", f"{number}_green.png"] for number in range(count)]
    table = tmp_path / f"a.{kind}"
    if kind == "csv":
        tabled(table, rows)
        assert table.stat().st_size > 1_300_000
    else:
        pd.DataFrame(rows, columns=["id", "red", "green"]).to_parquet(table, row_group_size=1_000)
    place = TablePlace(table, DATA, "", HASTY)
    tracemalloc.start()
    try:
        listed = sum(1 for _ in place.fields())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert listed == count
    assert peak < 650_000 + 8 * count
