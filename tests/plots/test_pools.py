from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Circle, Rectangle

from hpapipe.plots.pools import draw_grid, grid_table

CENTRES = np.array([[20.0, 30.0], [22.0, 70.0]])
FRAME = np.arange(50 * 100, dtype=np.uint16).reshape(50, 100)


def test_the_table_has_a_row_a_pool() -> None:
    table = grid_table(["r1c1", "r1c2"], CENTRES, (40, 50), 15.5, False, 3.0)
    assert table.columns.tolist() == ["pool", "row", "column", "height", "width", "radius", "shape", "angle"]
    assert table.to_numpy().tolist() == [
        ["r1c1", 20, 30, 40, 50, 15.5, "round", 3],
        ["r1c2", 22, 70, 40, 50, 15.5, "round", 3],
    ]


def test_round_pools_are_drawn_as_circles_in_their_patches_with_their_names() -> None:
    axes = draw_grid(FRAME, grid_table(["r1c1", "r1c2"], CENTRES, (40, 50), 15.5, False, 3.0)).axes[0]
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [(circle.center, circle.radius) for circle in circles] == [((30, 20), 15.5), ((70, 22), 15.5)]
    assert [patch.get_bbox().bounds for patch in patches] == [(5, 0, 50, 40), (45, 2, 50, 40)]
    assert [text.get_text() for text in axes.texts] == ["r1c1", "r1c2"]
    assert axes.get_title() == "2 pools"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("column (px)", "row (px)")


def test_square_pools_are_turned_so_that_their_right_sides_lie_lower() -> None:
    """At 3 degrees, the middle of the right side is 15.5 sin 3° below the pool's middle."""
    axes = draw_grid(FRAME, grid_table(["r1c1"], CENTRES[:1], (40, 50), 15.5, True, 3.0)).axes[0]
    square = axes.patches[1]
    assert isinstance(square, Rectangle)
    corners = square.get_patch_transform().transform([[1, 0], [1, 1]])
    assert corners.mean(axis=0) == pytest.approx([30 + 15.5 * np.cos(np.deg2rad(3)), 20 + 15.5 * np.sin(np.deg2rad(3))])


def test_where_nobody_saw_walls_the_patch_alone_is_drawn() -> None:
    axes = draw_grid(FRAME, grid_table(["r1c1"], CENTRES[:1], (40, 50), None, True, 0.0)).axes[0]
    assert [patch.get_bbox().bounds for patch in axes.patches if isinstance(patch, Rectangle)] == [(5, 0, 50, 40)]
    assert axes.get_title() == "1 pool"


def test_the_frame_lies_under_its_own_pixels() -> None:
    axes = draw_grid(FRAME, grid_table([], np.zeros((0, 2)), (40, 50), 15.5, True, 0.0)).axes[0]
    assert axes.images[0].get_extent() == [-0.5, 99.5, 49.5, -0.5]
    assert axes.get_ylim() == (49.5, -0.5)
    assert axes.get_title() == "0 pools"


def test_a_large_frame_is_thinned_and_an_even_one_drawn() -> None:
    none = grid_table([], np.zeros((0, 2)), (40, 50), 15.5, True, 0.0)
    axes = draw_grid(np.full((2500, 3000), 9, np.uint8), none).axes[0]
    assert np.asarray(axes.images[0].get_array()).shape == (1250, 1500)
    assert axes.get_xlim() == (-0.5, 2999.5)
