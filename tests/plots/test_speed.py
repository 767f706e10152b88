from __future__ import annotations

from typing import Any

import pytest

from hpapipe.plots import speed


def row(feed: str, batch_size: int, rate: float | None, outcome: str = "measured", **more: Any) -> dict[str, Any]:
    """A cell of model14; a rate of none was not measured."""
    named = {"architecture": "model14", "feed": feed, "batch_size": batch_size, "outcome": outcome, "reason": ""}
    if rate is None:
        return {**named, **more}
    spread = {"images_per_second_low": rate - 1, "images_per_second_high": rate + 2}
    return {**named, "images_per_second": rate, "parameters": 54_810_796.0, **spread, **more}


ROWS = [
    row("packed", 1, 10.0),
    row("packed", 4, 30.0),
    row("packed", 16, 30.0),
    row("packed", 64, None, "out of memory", reason="signal 9"),
    row("vitoly", 1, 5.0),
    row("vitoly", 4, None, "out of memory"),
    row("vitoly", 64, None, "out of memory"),
    row("modified", 1, None, "failed", reason="no channel yellow"),
]


def test_the_table_has_all_columns_and_leaves_open_what_was_not_measured() -> None:
    table = speed.speed_table(ROWS)
    assert list(table.columns) == list(speed.COLUMNS)
    assert table["batch_size"].tolist() == [1, 4, 16, 64, 1, 4, 64, 1]
    assert table["images_per_second"].isna().tolist() == [False, False, False, True, False, True, True, True]
    assert table["reason"].tolist()[3] == "signal 9"


def test_of_equally_fast_batch_sizes_the_smallest_is_taken() -> None:
    fastest = speed.fastest_table(speed.speed_table(ROWS))
    assert fastest.to_numpy().tolist() == [["model14", "packed", 4, 30.0], ["model14", "vitoly", 1, 5.0]]


def test_nothing_measured_gives_no_fastest() -> None:
    assert len(speed.fastest_table(speed.speed_table(ROWS[-1:]))) == 0


def test_a_line_a_feed_over_the_powers_of_two_and_its_fastest_ringed() -> None:
    (axes,) = speed.draw_speed(speed.speed_table(ROWS)).axes
    lines = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["packed", "vitoly", "modified (failed)"]
    assert lines["packed"].get_ydata().tolist() == [10.0, 30.0, 30.0]
    rings = [line for line in axes.lines if line.get_label() == "_fastest"]
    assert [ring.get_xdata().tolist() for ring in rings] == [[4], [1], []]
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "4", "16", "64"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("batch size (fields)", "images a second")
    assert axes.get_ylim()[0] == 0


def test_the_band_reaches_from_the_slowest_to_the_fastest_part() -> None:
    (axes,) = speed.draw_speed(speed.speed_table(ROWS[:3])).axes
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (9.0, 32.0)


def test_cells_out_of_memory_are_crosses_at_the_axis_one_above_the_other() -> None:
    (axes,) = speed.draw_speed(speed.speed_table(ROWS)).axes
    crosses = [line for line in axes.lines if line.get_label() == "_out of memory"]
    places = [(line.get_xdata()[0], round(line.get_ydata()[0], 3)) for line in crosses]
    assert places == [(64, 0.025), (4, 0.025), (64, 0.065)]
    assert [line.get_color() for line in crosses] == [axes.lines[0].get_color(), *[axes.lines[2].get_color()] * 2]
    assert "out of memory" in [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("parameters", "title"),
    [
        (54_810_796, "model14, 54.8 M parameters"),
        (5_391_864, "model14, 5.39 M parameters"),
        (194_024, "model14, 194 k parameters"),
        (85, "model14, 85 parameters"),
        (None, "model14"),
    ],
)
def test_the_title_names_the_number_of_parameters(parameters: float | None, title: str) -> None:
    (axes,) = speed.draw_speed(speed.speed_table([row("packed", 1, None, "not tried", parameters=parameters)])).axes
    assert axes.get_title() == title
