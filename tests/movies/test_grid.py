from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from hpapipe.errors import UserError
from hpapipe.movies.grid import Grid, even_grid, find_grid, parse_grid
from hpapipe.movies.wells import least
from hpapipe.simulate.film import film
from hpapipe.simulate.film_options import FilmOptions
from plates import LOOKS, REACH, plate

PLAIN = Grid(2, 3, (10.0, 20.0), (30.0, -1.0), (1.0, 30.0), 28, 12.5, False, 0.9)


def off(grid: Grid, centres: np.ndarray, pitch: float) -> float:
    """Largest distance of a pool's middle from the true one, in pitches."""
    assert grid.centres().shape == centres.shape
    return float(np.hypot(*(grid.centres() - centres).T).max() / pitch)


def test_pools_are_placed_and_named_row_by_row() -> None:
    assert PLAIN.centres()[[0, 1, 3]].tolist() == [[10, 20], [11, 50], [40, 19]]
    assert PLAIN.names == ("r1c1", "r1c2", "r1c3", "r2c1", "r2c2", "r2c3")
    assert PLAIN.angle == pytest.approx(np.rad2deg(np.arctan2(1, 30)))


@given(st.integers(1, 9), st.integers(1, 9), st.floats(4, 300), st.floats(-0.5, 0.5), st.booleans())
def test_a_grid_comes_back_from_json(rows: int, columns: int, pitch: float, lean: float, square: bool) -> None:
    grid = Grid(rows, columns, (1.5, lean), (pitch, -lean), (lean, pitch), 20, pitch / 3, square, None)
    assert Grid.from_dict(json.loads(json.dumps(grid.to_dict()))) == grid


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", 0),
        ("rows", 65),
        ("columns", 2.0),
        ("columns", True),
        ("side", 27),
        ("side", 0),
        ("first", [1.0]),
        ("first", [1.0, float("nan")]),
        ("down", [1.0, 30.0]),
        ("right", [0.0, -30.0]),
        ("right", "30"),
        ("radius", 0),
        ("radius", float("inf")),
        ("square", 1),
        ("quality", 1.1),
    ],
)
def test_nonsense_makes_no_grid(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        Grid.from_dict(PLAIN.to_dict() | {name: value})


def test_a_grid_with_missing_or_unknown_values_is_refused() -> None:
    values = PLAIN.to_dict()
    with pytest.raises(ValueError, match="A grid must have"):
        Grid.from_dict(values | {"pitch": 3})
    values.pop("side")
    with pytest.raises(ValueError, match="A grid must have"):
        Grid.from_dict(values)
    with pytest.raises(ValueError, match="A grid must have"):
        Grid.from_dict([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "grid"), [("4x4", (4, 4)), (" 2×3 ", (2, 3)), ("1X12", (1, 12)), ("none", None), ("None", None)]
)
def test_a_grid_is_read_from_words(text: str, grid: tuple[int, int] | None) -> None:
    assert parse_grid(text) == grid


@pytest.mark.parametrize("text", ["", "4", "4x", "0x4", "4x65", "4x4x4", "four", "-1x4", "4.5x4"])
def test_other_words_are_no_grid(text: str) -> None:
    with pytest.raises(ValueError, match="rows x columns"):
        parse_grid(text)


def test_even_tiles_have_their_middles_in_the_middle() -> None:
    """Tiles of 50 by 61 pixels: the first is centred between pixels 24 and 25, and on pixel 30."""
    grid = even_grid((100, 183), 2, 3)
    assert grid.centres()[[0, 5]].tolist() == [[24.5, 30], [74.5, 152]]
    assert (grid.side, grid.radius, grid.square, grid.quality) == (50, 25, True, None)


def test_a_frame_has_no_room_for_more_tiles_than_pixels() -> None:
    with pytest.raises(ValueError, match="no room"):
        even_grid((7, 100), 4, 1)


@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("look", LOOKS)
def test_pools_are_found_however_their_walls_look(look: str, square: bool) -> None:
    """Walls darker or brighter than floor and surround, all around or as thin rings, under uneven light."""
    drawn = plate(look, square=square, degrees=-4 if square else 3, shift=(2, -1), seed=3)
    grid = find_grid(drawn.image)
    assert (grid.rows, grid.columns, grid.square) == (4, 4, square)
    assert off(grid, drawn.centres, drawn.pitch) < 0.02
    # Of a ring's two edges the stronger counts; it is 14 % of the radius wide.
    assert -1 < grid.radius - REACH * drawn.pitch < (1 + 0.14 * REACH * drawn.pitch if "ring" in look else 1)
    assert grid.quality is not None
    assert grid.quality > 0.9
    assert abs(grid.angle - (-4 if square else 3)) < 0.3


@pytest.mark.parametrize(
    ("rows", "columns", "pool", "bits"), [(3, 5, 50, 16), (2, 2, 100, 8), (1, 4, 70, 8), (5, 1, 64, 16)]
)
def test_grids_of_any_rows_and_columns_are_found(rows: int, columns: int, pool: int, bits: int) -> None:
    drawn = plate("dark ring", rows, columns, pool, degrees=2, bits=bits, seed=1)
    grid = find_grid(drawn.image)
    assert (grid.rows, grid.columns) == (rows, columns)
    assert off(grid, drawn.centres, drawn.pitch) < 0.03


def test_gaps_in_walls_and_noise_hide_no_pool() -> None:
    drawn = plate("bright ring", gaps=True, noise=0.05, degrees=-2, seed=2)
    assert off(find_grid(drawn.image), drawn.centres, drawn.pitch) < 0.02


def test_a_large_frame_is_searched_small_and_its_grid_given_in_its_own_pixels() -> None:
    drawn = plate("dark walls", 2, 3, 320, degrees=1)
    grid = find_grid(drawn.image)
    assert off(grid, drawn.centres, drawn.pitch) < 0.01
    assert grid.side == pytest.approx(drawn.pitch, abs=3)


@pytest.mark.parametrize("square", [False, True])
def test_the_grid_of_a_simulated_film_is_found(square: bool) -> None:
    drawn = film(FilmOptions(square=square), seed=11)
    grid = find_grid(drawn.frame(0).image)
    assert (grid.rows, grid.columns, grid.square) == (4, 4, square)
    assert off(grid, drawn.centres(0), drawn.grid.pitch) < 0.02


def test_walls_beyond_the_last_pool_are_no_pool() -> None:
    """Above and below a column of five there is room for one more, and chance shows half of its outline."""
    drawn = film(FilmOptions(rows=5, columns=1, square=True), seed=2)
    grid = find_grid(drawn.frame(0).image)
    assert (grid.rows, grid.columns) == (5, 1)


def test_a_turned_square_pool_lies_wholly_in_its_patch() -> None:
    grid = find_grid(plate(square=True, degrees=5).image)
    assert grid.side % 2 == 0
    assert grid.side >= 2 * grid.radius * (np.cos(np.deg2rad(5)) + np.sin(np.deg2rad(5)))


def smooth_noise() -> np.ndarray:
    waves = gaussian_filter(np.random.default_rng(3).normal(size=(160, 200)), 5)
    return np.uint8(255 * (waves - waves.min()) / np.ptp(waves))


def discs(*centres: tuple[int, int]) -> np.ndarray:
    return np.uint8(
        200 * np.max([np.hypot(*(np.indices((240, 240)) - np.array(at)[:, None, None])) < 30 for at in centres], axis=0)
    )


@pytest.mark.parametrize(
    "frame",
    [
        np.full((90, 120), 77, np.uint8),
        np.random.default_rng(0).integers(0, 2**16, (160, 160)).astype(np.uint16),
        smooth_noise(),
        discs((120, 60), (120, 180)),
        np.uint8(np.indices((100, 100)).sum(0) // 20 % 2 * 200),
        np.zeros((1, 1), np.uint8),
        film(FilmOptions(frames=1, rows=1, columns=1, pool=128, empty=0, turn=0, drift=0), 1).frame(0).image,
    ],
    ids=["even", "noise", "smooth noise", "two cells", "stripes", "one pixel", "one pool"],
)
def test_a_frame_without_a_grid_is_refused_with_a_way_out(frame: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"in frame 1 of x\.tif\. Give .* `--movie\.grid 4x4`, or `--movie\.grid none`"):
        find_grid(frame, "frame 1 of x.tif")


def test_shapes_without_order_are_counted_in_the_message() -> None:
    with pytest.raises(UserError, match="5 shapes that lie in no rows and columns"):
        find_grid(discs((40, 40), (70, 130), (190, 60), (130, 190), (205, 150)))


def test_few_pools_must_show_more_than_many() -> None:
    """Cells that lie in two rows and two columns by chance show three quarters of their common outline at most."""
    assert least(4) == pytest.approx(0.745)
    assert least(16) < least(4) < least(3)


def test_a_grid_is_frozen_and_checked_when_changed() -> None:
    with pytest.raises(ValueError, match="`side`"):
        replace(PLAIN, side=3)
