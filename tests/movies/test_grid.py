from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.movies.grid import Grid, even_grid, find_grid, whole_frame
from hpapipe.movies.wells import least
from hpapipe.simulate.film import film
from plates import LOOKS, REACH, plate

PLAIN = Grid(2, 3, (10.0, 20.0), (30.0, -1.0), (1.0, 30.0), (28, 28), 12.5, False, 0.9)


def off(grid: Grid, centres: np.ndarray, pitch: float) -> float:
    """Largest distance of a pool's middle from the true one, in pitches."""
    assert grid.centres().shape == centres.shape
    return float(np.hypot(*(grid.centres() - centres).T).max() / pitch)


def test_pools_are_placed_and_named_row_by_row() -> None:
    assert PLAIN.centres()[[0, 1, 3]].tolist() == [[10, 20], [11, 50], [40, 19]]
    assert PLAIN.names == ("r1c1", "r1c2", "r1c3", "r2c1", "r2c2", "r2c3")
    assert PLAIN.angle == pytest.approx(np.rad2deg(np.arctan2(1, 30)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", 0),
        ("rows", 65),
        ("columns", 0),
        ("size", (28, 1)),
        ("down", (1.0, 30.0)),
        ("right", (0.0, -30.0)),
    ],
)
def test_nonsense_makes_no_grid(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        replace(PLAIN, **{name: value})


def test_even_tiles_have_their_middles_in_the_middle() -> None:
    """Tiles of 50 by 61 pixels: the first is centred between pixels 24 and 25, and on pixel 30."""
    grid = even_grid((100, 183), 2, 3)
    assert grid.centres()[[0, 5]].tolist() == [[24.5, 30], [74.5, 152]]
    assert (grid.size, grid.radius, grid.square, grid.quality) == ((50, 50), None, True, None)


def test_a_frame_has_no_room_for_more_tiles_than_pixels() -> None:
    with pytest.raises(ValueError, match="no room"):
        even_grid((7, 100), 4, 1)
    with pytest.raises(ValueError, match="`size`"):
        whole_frame((1, 100))


def test_the_whole_frame_is_a_grid_of_one_pool() -> None:
    """480 by 641 pixels: the middle lies between rows 239 and 240, and on column 320."""
    grid = whole_frame((480, 641))
    assert (grid.names, grid.centres().tolist(), grid.size) == (("r1c1",), [[239.5, 320]], (480, 641))


@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("look", LOOKS)
def test_pools_are_found_however_their_walls_look(look: str, square: bool) -> None:
    """Walls darker or brighter than floor and surround, all around or as thin rings, under uneven light."""
    drawn = plate(look, square=square, degrees=-4 if square else 3, shift=(2, -1), seed=3)
    grid = find_grid(drawn.image)
    assert (grid.rows, grid.columns, grid.square) == (4, 4, square)
    assert off(grid, drawn.centres, drawn.pitch) < 0.02
    # Of a ring's two edges the stronger counts; it is 14 % of the radius wide.
    assert grid.radius is not None
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
    assert grid.size == pytest.approx((drawn.pitch, drawn.pitch), abs=3)


@pytest.mark.parametrize("square", [False, True])
def test_the_grid_of_a_simulated_film_is_found(square: bool) -> None:
    drawn = film(config.Film(square=square, seed=11))
    grid = find_grid(drawn.frame(0).image)
    assert (grid.rows, grid.columns, grid.square) == (4, 4, square)
    assert off(grid, drawn.centres(0), drawn.grid.pitch) < 0.02


def test_walls_beyond_the_last_pool_are_no_pool() -> None:
    """Above and below a column of five there is room for one more, and chance shows half of its outline."""
    drawn = film(config.Film(rows=5, columns=1, square=True, seed=2))
    grid = find_grid(drawn.frame(0).image)
    assert (grid.rows, grid.columns) == (5, 1)


def test_a_turned_square_pool_lies_wholly_in_its_patch() -> None:
    grid = find_grid(plate(square=True, degrees=5).image)
    assert grid.size[0] == grid.size[1]
    assert grid.size[0] >= 2 * grid.radius * (np.cos(np.deg2rad(5)) + np.sin(np.deg2rad(5)))


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
        np.random.default_rng(1).integers(0, 255, (2, 3000), np.uint8),
        film(config.Film(frames=1, rows=1, columns=1, pool=128, empty=0, turn=0, drift=0, seed=1)).frame(0).image,
    ],
    ids=["even", "noise", "smooth noise", "two cells", "stripes", "one pixel", "two rows of pixels", "one pool"],
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
