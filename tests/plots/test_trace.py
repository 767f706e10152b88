"""Figures of areas over time, by what stands in their axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpapipe.plots import trace

AGREEMENT = {
    f"{part}{name}": value
    for part in ("", "trusted_")
    for name, value in {"frames": 3, "correlation": 0.9987, "error_percent": 1.25, "normalized_error": 0.01}.items()
}


def table_of(areas: list[int], scale: float = np.nan, hour: float = np.nan, confidence: float = np.nan) -> pd.DataFrame:
    pixels = np.array(areas)
    found = np.where(pixels > 0, pixels, np.nan)
    return pd.DataFrame(
        {
            "frame": range(len(areas)),
            "hours": np.arange(len(areas)) * hour,
            "area_px": pixels,
            "area_um2": pixels * scale,
            "smoothed_px": found,
            "smoothed_um2": found * scale,
            "bubble_px": [0] * (len(areas) - 1) + [5],
            "bubble_um2": np.array([0] * (len(areas) - 1) + [5]) * scale,
            "normalized": found / pixels.max(),
            "normalized_smoothed": found / pixels.max(),
            "confidence": confidence,
            "trusted": pixels > 0,
            "why": ["" if area else "no cell" for area in areas],
        }
    )


def test_the_table_names_pools_and_cells_in_front() -> None:
    table = trace.traces_table({("r1c1", 1): table_of([3, 4]), ("r1c2", 2): table_of([5])})
    assert table[["pool", "cell", "frame"]].to_numpy().tolist() == [["r1c1", 1, 0], ["r1c1", 1, 1], ["r1c2", 2, 0]]
    assert list(table.columns[:2]) == ["pool", "cell"]


def test_a_pool_is_drawn_in_square_micrometres_over_hours_where_they_are_known() -> None:
    table = trace.traces_table({("r1c1", 1): table_of([10, 0, 12], scale=4.0, hour=0.5, confidence=0.9)})
    areas, confidence = trace.draw_traces(table).axes
    assert areas.get_ylabel() == "area (µm²)"
    assert (confidence.get_xlabel(), confidence.get_ylabel()) == ("time (h)", "confidence\n(0 to 1)")
    raw, smooth, bubbles, _ = areas.lines
    assert raw.get_xdata().tolist() == [0, 0.5, 1]
    assert raw.get_ydata().tolist()[::2] == [40, 48]
    assert np.isnan(smooth.get_ydata()[1])
    assert bubbles.get_ydata().tolist() == [0, 0, 20]
    assert confidence.lines[0].get_ydata().tolist() == [0.9] * 3


def test_without_scale_time_and_confidence_it_is_pixels_over_frames_in_one_panel() -> None:
    whole = trace.draw_traces(trace.traces_table({("r1c1", 1): table_of([10, 11])}))
    (axes,) = whole.axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("area (px)", "frame (number, from 1)")


def test_frames_not_to_trust_are_shaded_over_their_whole_width() -> None:
    table = trace.traces_table({("r1c1", 1): table_of([10, 0, 12], hour=0.5)})
    (axes,) = trace.draw_traces(table).axes
    (bars,) = axes.collections
    (path,) = bars.get_paths()
    assert (path.vertices[:, 0].min(), path.vertices[:, 0].max()) == (0.25, 0.75)


def test_nothing_is_shaded_where_all_is_trusted() -> None:
    (axes,) = trace.draw_traces(trace.traces_table({("r1c1", 1): table_of([10, 11])})).axes
    assert not axes.collections


def test_two_cells_have_their_own_colours_and_names() -> None:
    table = trace.traces_table({("r1c1", 1): table_of([10, 11]), ("r1c1", 2): table_of([5, 6])})
    whole = trace.draw_traces(table)
    names = [text.get_text() for text in whole.legends[0].get_texts()]
    assert names[:3] == ["cell 1, raw", "cell 1, smoothed", "bubbles of cell 1"]
    lines = {line.get_label(): line.get_color() for line in whole.axes[0].lines}
    assert lines["cell 1, raw"] != lines["cell 2, raw"]


def test_the_normalized_curve_stands_beside_the_manual_one_with_their_agreement() -> None:
    table = trace.traces_table({("r1c1", 2): table_of([10, 20, 40])}).assign(manual_normalized=[0.0, np.nan, 1.0])
    (axes,) = trace.draw_normalized(table, AGREEMENT).axes
    manual = next(line for line in axes.lines if line.get_label() == "manual")
    assert manual.get_xdata().tolist() == [0, 2]
    assert manual.get_ydata().tolist() == [0, 1]
    title = axes.get_title()
    assert "Pool r1c1, cell 2" in title
    assert "trusted 3 frames: correlation 0.9987, mean error 1.25 % of the area, 0.010 of the curve" in title
    assert axes.get_ylabel() == "normalized area (0 to 1)"


@pytest.mark.parametrize(("columns", "place"), [(2, 2), (None, 3)])
def test_the_overview_has_a_panel_for_each_pool_with_one_scale(columns: int | None, place: int) -> None:
    tables = {(f"r1c{pool}", 1): table_of([pool, 0, 3 * pool, pool]) for pool in (1, 2, 3)}
    whole = trace.draw_overview(trace.traces_table(tables), columns)
    assert [axes.get_title() for axes in whole.axes] == [f"r1c{pool} (25 % not to trust)" for pool in (1, 2, 3)]
    assert len({axes.get_ylim() for axes in whole.axes}) == 1
    assert whole.axes[0].get_subplotspec().get_gridspec().ncols == place
    assert whole.get_supylabel() == "area (px)"


def test_an_empty_pool_is_drawn_too() -> None:
    table = trace.traces_table({("r1c1", 1): table_of([0, 0]).assign(normalized=np.nan, normalized_smoothed=np.nan)})
    (axes,) = trace.draw_traces(table).axes
    assert np.isnan(axes.lines[0].get_ydata()).all()
    assert len(trace.draw_overview(table).axes) == 1


def test_a_pool_without_a_cell_says_so_and_is_not_shaded() -> None:
    """Where there is nothing to trust, nothing is doubted."""
    table = trace.traces_table({("r1c1", 1): table_of([0, 0]), ("r1c2", 1): table_of([5, 0])})
    empty, doubted = trace.draw_overview(table).axes
    assert (empty.get_title(), doubted.get_title()) == ("r1c1 (no cell)", "r1c2 (50 % not to trust)")
    assert (len(empty.collections), len(doubted.collections)) == (0, 1)


def test_frames_are_whole_numbers_and_a_single_one_is_a_dot() -> None:
    whole = trace.draw_traces(trace.traces_table({("r1c1", 1): table_of([10])}))
    (axes,) = whole.axes
    assert axes.lines[1].get_marker() == "o"
    whole = trace.draw_traces(trace.traces_table({("r1c1", 1): table_of([10, 11, 12])}))
    whole.canvas.draw()
    assert [tick % 1 for tick in whole.axes[0].get_xticks()] == [0] * len(whole.axes[0].get_xticks())
    assert whole.axes[0].lines[1].get_marker() == "None"
