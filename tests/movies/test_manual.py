"""Manual areas: read in any of their forms, refused with all faults at once, and compared with a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpapipe.errors import UserError
from hpapipe.movies.following import Cell
from hpapipe.movies.manual import compare_manual, manual_table, read_manual
from hpapipe.movies.trace import Trace, trace_table

POOLS = ("r1c1", "r1c2")
LONG = "pool,row,col,well,frame,minute,area_px,area_um2\n0,0,0,W2,0,0,10,40\n0,0,0,W2,1,5,12,48\n0,0,0,W2,2,10,11,44\n"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    def read(text: str, frames: int = 3, encoding: str = "utf-8") -> pd.DataFrame:
        path = tmp_path / "areas.csv"
        path.write_bytes(text.encode(encoding))
        return read_manual(path, POOLS, frames).table

    return read


def rows(table: pd.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(row) for row in table[["pool", "cell", "frame", "area", "unit"]].itertuples(index=False)]


def test_a_long_table_is_read_by_numbers_of_pools_and_in_pixels(table: Callable[..., pd.DataFrame]) -> None:
    assert rows(table(LONG)) == [("r1c1", 1, 0, 10, "px"), ("r1c1", 1, 1, 12, "px"), ("r1c1", 1, 2, 11, "px")]


def test_a_wide_table_has_a_column_for_each_pool(table: Callable[..., pd.DataFrame]) -> None:
    """Frames count from 1 here, and one area was not measured."""
    read = table("frame,r1c2,r1c1\n1,20,10\n2,,11\n3,22,12\n")
    assert read["pool"].tolist() == ["r1c1"] * 3 + ["r1c2"] * 3
    assert read["frame"].tolist() == [0, 1, 2] * 2
    assert read["area"].tolist()[:4] == [10, 11, 12, 20]
    assert np.isnan(read["area"][4])


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("frame,r1c1\n0,1\n1,2\n2,3\n", "frames counted from 0"),
        ("frame,r1c1\n1,1\n2,2\n3,3\n", "frames counted from 1"),
        ("hours,r1c1\n1,1\n2,2\n3,3\n", "frames in the order of `hours`"),
        ("frame,1\n1,1\n2,2\n3,3\n", "frames counted from 1, pools by number from 0, which is r1c1"),
    ],
)
def test_what_frames_and_pools_were_taken_for_is_told(tmp_path: Path, text: str, understood: str) -> None:
    """Each of them is the same three areas, of the frames 0 to 2."""
    (tmp_path / "areas.csv").write_text(text)
    found = read_manual(tmp_path / "areas.csv", POOLS, 3)
    assert found.understood == understood
    assert found.table[["frame", "area"]].to_numpy().tolist() == [[0, 1], [1, 2], [2, 3]]


@pytest.mark.parametrize("parts", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_part_values(table: Callable[..., pd.DataFrame], parts: str) -> None:
    read = table(LONG.replace(",", parts))
    assert read["area"].tolist() == [10, 12, 11]


def test_decimal_commas_marks_at_the_start_and_blanks_are_understood(table: Callable[..., pd.DataFrame]) -> None:
    read = table(" Hours ; R1C1_µm² \n0,5;1,25\n0,0;2,5\n\n1,0;3\n", encoding="utf-8-sig")
    assert rows(read) == [("r1c1", 1, 0, 2.5, "um2"), ("r1c1", 1, 1, 1.25, "um2"), ("r1c1", 1, 2, 3, "um2")]


def test_two_cells_of_a_pool_are_kept_apart(table: Callable[..., pd.DataFrame]) -> None:
    read = table("frame,pool,cell,area\n0,r1c2,2,5\n0,r1c2,1,6\n1,r1c2,1,7\n1,r1c2,2,8\n", frames=2)
    assert [(row[1], row[2], row[3]) for row in rows(read)] == [(1, 0, 6), (1, 1, 7), (2, 0, 5), (2, 1, 8)]


def test_pixels_are_taken_where_both_units_are_there(table: Callable[..., pd.DataFrame]) -> None:
    read = table("frame,r1c1_um2,r1c1_px\n0,40,10\n1,44,11\n2,48,12\n")
    assert read["area"].tolist() == [10, 11, 12]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["must be readable CSV"]),
        ("frame,area\n0,1\n", ["no column pool among frame, area"]),
        ("frame\n0\n", ["no column pool"]),
        ("pool,colour\n0,1\n", ["no column frame and none area among pool, colour"]),
        ("when,r1c1\n0,1\n", ["no column frame among when, r1c1"]),
        ("frame,r1c1,R1C1\n0,1,2\n", ["`r1c1` twice"]),
        ("frame,r1c1\n0,1,2\n", ["more values than the header's 2"]),
        ("frame,r1c1\n0,1\n1,2\n", ["each of the movie's 3 frames once. Received 2 frames for r1c1"]),
        ("frame,r1c1\n0,1\n1,2\n2,3\n3,4\n", ["movie's 3 frames once. Received 4 frames for r1c1"]),
        ("frame,r1c1\n0,1\n1,2\n1,3\n", ["2 rows of frame 1 for r1c1"]),
        ("frame,r1c1\n4,1\n5,2\n6,3\n", ["frames 4 to 6 for r1c1"]),
        ("frame,r1c1\n0,1\n0.5,2\n1,3\n", ["frame of manual areas must be a whole number", "“0.5” in line 3"]),
        ("frame,r1c1\n0,1\n\n1,-2\n2,many\n", ["“-2” in line 4, “many” in line 5"]),
        (
            "frame,r1c1,r9c9\n0,x,1\n1,2,2\n",
            ["Received `r9c9`", "Name them r1c1 to r1c2", "“x” in line 2", "2 frames for r1c1"],
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once(table: Callable[..., pd.DataFrame], text: str, parts: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        table(text)
    assert [part for part in parts if part not in str(raised.value)] == []


def test_a_file_that_is_not_there_and_one_that_is_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.csv, which does not exist"):
        read_manual(tmp_path / "no.csv", POOLS, 3)
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00frame")
    with pytest.raises(UserError, match="Save them as CSV in UTF-8"):
        read_manual(tmp_path / "a.csv", POOLS, 3)


def trace_of(*areas: int, pixel_um: float | None = None) -> Trace:
    course = [Cell(1, area, 0.0, 0.0, False, 0) for area in areas]
    return Trace("r1c1", 1, trace_table(course, pixel_um=pixel_um))


def manual_of(*areas: float, unit: str = "px") -> pd.DataFrame:
    return pd.DataFrame({"pool": "r1c1", "cell": 1, "frame": range(len(areas)), "area": areas, "unit": unit})


def test_a_trace_is_compared_by_correlation_and_error() -> None:
    """Areas of 110, 100 and 220 beside 100, 100 and 200: errors of 10, 0 and 10 %; curves 1/12 apart in one frame."""
    found = compare_manual(trace_of(110, 100, 220), manual_of(100, 100, 200))
    assert found["frames"] == 3
    assert found["error_percent"] == pytest.approx(20 / 3)
    assert found["normalized_error"] == pytest.approx(1 / 36)
    assert found["correlation"] == pytest.approx(np.corrcoef([110, 100, 220], [100, 100, 200])[0, 1])
    assert found["trusted_error_percent"] == found["error_percent"]


def test_frames_without_a_cell_or_a_measurement_do_not_count() -> None:
    found = compare_manual(trace_of(100, 0, 300, 400), manual_of(100, 200, np.nan, 500))
    assert found["frames"] == 2
    assert found["error_percent"] == pytest.approx(10)
    assert found["correlation"] == pytest.approx(1)


def test_areas_in_square_micrometres_need_the_pixel_size() -> None:
    manual = manual_of(400, 800, unit="um2")
    assert compare_manual(trace_of(100, 200, pixel_um=2.0), manual)["error_percent"] == 0
    with pytest.raises(UserError, match=r"manual areas in µm² for r1c1. Give it with `--movie.pixel_um`"):
        compare_manual(trace_of(100, 200), manual)


def test_a_pool_that_was_not_measured_has_no_agreement() -> None:
    found = compare_manual(trace_of(100, 200), manual_of(1, 2).assign(pool="r1c2"))
    assert found["frames"] == 0
    assert np.isnan(found["correlation"])


def test_the_table_for_the_figure_has_both_curves() -> None:
    table = manual_table(trace_of(10, 30, 20), manual_of(5, np.nan, 10))
    assert table["manual_normalized"].tolist()[::2] == [0, 1]
    assert np.isnan(table["manual"][1])
    assert table["normalized"].tolist() == [0, 1, 0.5]
