from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from hpapipe.movies import pools
from hpapipe.movies.grid import Grid, even_grid
from plates import REACH, plate

FLOOR, WALL, CELL = 150, 40, 200
GRID = Grid(1, 2, (30.0, 30.0), (60.0, 0.0), (0.0, 60.0), 60, 24.0, False, 1.0)
"""Two round pools in a frame of 60 by 120 px."""


def frame(cell: bool = True, wall: int = WALL, grid: Grid = GRID, dtype: type = np.uint8) -> np.ndarray:
    """Even floor in even walls; a brighter cell of 10 px radius in the middle of each pool."""
    drawn = np.full((60, 120), wall, dtype)
    for centre in grid.centres():
        far = np.hypot(*(np.indices(drawn.shape) - centre[:, None, None]))
        drawn[far < grid.radius] = FLOOR
        if cell:
            drawn[far < 10] = CELL
    return drawn


def test_without_a_fill_a_patch_is_what_the_frame_shows() -> None:
    image = np.arange(80, dtype=np.uint8).reshape(8, 10)
    grid = Grid(1, 2, (3.5, 2.5), (4.0, 0.0), (0.0, 4.0), 4, 2.0, True, 1.0)
    patches = pools.cut(image, grid, (0, 0), "none")
    assert pools.place(grid, (0, 0)).tolist() == [[2, 1], [2, 5]]
    assert patches.tolist() == [image[2:6, 1:5].tolist(), image[2:6, 5:9].tolist()]
    assert pools.cut(image, grid, (1.2, -0.6), "none")[0].tolist() == image[3:7, 0:4].tolist()


def test_what_lies_beyond_the_frame_has_the_mean_grey_of_the_rest() -> None:
    """Of a patch of 4 by 4 the frame shows rows 0 and 1 alone, with the mean 7."""
    image = np.array([[4, 6, 8, 10]] * 4, np.uint16)
    grid = Grid(1, 1, (-0.5, 1.5), (9.0, 0.0), (0.0, 9.0), 4, 2.0, True, 1.0)
    assert pools.cut(image, grid, (0, 0), "none")[0].tolist() == [[7] * 4] * 2 + [[4, 6, 8, 10]] * 2


def test_a_pool_wholly_beyond_the_frame_is_black() -> None:
    patches = pools.cut(frame(), GRID, (500, 0), "auto")
    assert patches.shape == (2, 60, 60)
    assert not patches.any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("fill", ["flood", "disc", "auto"])
def test_the_dark_surround_gets_the_mean_grey_of_the_pool_and_the_cell_stays(fill: str, dtype: type) -> None:
    image = frame(dtype=dtype)
    patch = pools.cut(image, GRID, (0, 0), fill)[0]
    cell = image[:, :60] == CELL
    assert patch.dtype == dtype
    assert (patch[cell] == CELL).all()
    # 314 px of cell and about 1,495 of floor.
    assert patch[0, 0] == pytest.approx(
        (cell.sum() * CELL + (np.pi * 24**2 - cell.sum()) * FLOOR) / np.pi / 24**2, abs=2
    )
    assert patch.min() >= 140


def test_the_flood_leaves_a_dark_cell_that_does_not_touch_the_wall() -> None:
    image = frame()
    dark = image[:, :60] == CELL
    image[image == CELL] = WALL
    assert (pools.cut(image, GRID, (0, 0), "flood")[0] == WALL).tolist() == dark.tolist()


def test_islands_of_other_pools_are_flooded_too() -> None:
    image = frame()
    image[:4, :4] = FLOOR + 40
    assert pools.cut(image, GRID, (0, 0), "flood")[0][0, 0] < FLOOR + 20


def test_auto_floods_dark_surround_and_takes_the_disc_where_walls_are_bright() -> None:
    assert pools.choose(frame(), GRID) == ["flood", "flood"]
    assert pools.choose(frame(wall=220), GRID) == ["disc", "disc"]
    assert np.abs(pools.cut(frame(wall=220), GRID, (0, 0), "auto")[0].astype(int) - FLOOR).max() <= 50


def test_auto_takes_the_disc_for_that_pool_into_which_the_flood_runs() -> None:
    """A dark cell touches the second pool's wall: the flood would take it away."""
    image = frame(cell=False)
    image[24:36, 90:116] = WALL
    assert pools.choose(image, GRID) == ["flood", "disc"]
    assert (pools.cut(image, GRID, (0, 0), "auto")[1][24:36, 30:50] == WALL).all()
    assert (pools.cut(image, GRID, (0, 0), "flood")[1][24:36, 30:50] > 120).all()


def test_a_fill_may_be_given_for_each_pool() -> None:
    patches = pools.cut(frame(), GRID, (0, 0), ["none", "disc"])
    assert patches[0, 0, 0] == WALL
    assert patches[1, 0, 0] > FLOOR


@pytest.mark.parametrize("fill", ["paint", ["flood"], ["flood", "auto", "disc"], ["flood", "paint"]])
def test_an_unknown_fill_or_a_wrong_number_is_refused(fill: str | list[str]) -> None:
    with pytest.raises(ValueError, match="auto, none, flood, disc"):
        pools.cut(frame(), GRID, (0, 0), fill)


def test_the_disc_of_a_square_pool_is_a_turned_square() -> None:
    drawn = plate("bright walls", 3, 3, square=True, degrees=5, cells=False, noise=0, tilt=0)
    grid = Grid(
        *(3, 3),
        first=(float(drawn.centres[0, 0]), float(drawn.centres[0, 1])),
        down=tuple((drawn.centres[3] - drawn.centres[0]).tolist()),
        right=tuple((drawn.centres[1] - drawn.centres[0]).tolist()),
        side=52,
        radius=REACH * drawn.pitch,
        square=True,
        quality=1.0,
    )
    patch = pools.cut(drawn.image, grid, (0, 0), "disc")[4]
    assert np.median(np.abs(patch.astype(int) - int(np.median(patch)))) <= 1
    assert np.percentile(patch, 99) < 120  # walls have 178, floor 89


def test_even_tiles_are_flooded_where_there_is_surround_and_left_alone_where_there_is_none() -> None:
    grid = even_grid((60, 120), 1, 2)
    assert pools.choose(frame(), grid) == ["flood", "flood"]
    dark = np.zeros((60, 120), np.uint8)
    dark[20:30, 20:30] = dark[25:40, 80:90] = 200
    assert pools.choose(dark, grid) == ["disc", "disc"]
    assert pools.cut(dark, grid, (0, 0), "auto")[1].tolist() == dark[:, 60:].tolist()


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_masks_come_back_to_where_they_were_cut(down: float, right: float) -> None:
    """Each pool's own cell, cut out at any drift and put back, is the cell that was there."""
    cells = np.zeros((60, 120), bool)
    cells[25:35, 22:40] = cells[20:40, 85:95] = True
    corners = pools.place(GRID, (down, right))
    padded = np.pad(cells, 80)
    masks = np.stack([padded[r + 80 : r + 140, c + 80 : c + 140] for r, c in corners])
    whole = pools.put_back(masks, GRID, (down, right), (60, 120))
    assert whole.dtype == np.uint16
    assert ((whole > 0) == cells).all()
    assert set(whole[:, :41][cells[:, :41]].tolist()) == {1}
    assert set(whole[:, 80:][cells[:, 80:]].tolist()) == {2}


def test_where_patches_overlap_the_nearer_pool_keeps_the_pixel() -> None:
    grid = Grid(1, 2, (5.0, 5.0), (9.0, 0.0), (0.0, 6.0), 12, 3.0, False, 1.0)
    whole = pools.put_back(np.ones((2, 12, 12), bool), grid, (0, 0), (11, 17))
    assert whole[5].tolist() == [1] * 9 + [2] * 8


def test_otsu_parts_two_greys_in_their_middle_and_takes_one_grey_as_it_is() -> None:
    assert pools.otsu(np.array([10.0] * 30 + [20.0] * 5)) == pytest.approx(15, abs=0.1)
    assert pools.otsu(np.full(9, 7.0)) == 7


def test_the_soft_rim_of_a_disc_lies_within_the_floor() -> None:
    """Nothing of the wall is left, and nothing deeper than a twentieth of the radius is touched."""
    patch = pools._patches(frame(), GRID, (0, 0))[0]
    share, far = pools.disc(patch), distance_transform_edt(frame()[:, :60] != WALL)
    assert (share[frame()[:, :60] == WALL] == 1).all()
    assert (share[far > 2.2] == 0).all()
