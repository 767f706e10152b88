from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from hpapipe.movies import pools
from hpapipe.movies.grid import Grid, even_grid, whole_frame
from plates import REACH, plate

FLOOR, WALL, CELL = 150, 40, 200
GRID = Grid(1, 2, (30.0, 30.0), (60.0, 0.0), (0.0, 60.0), (60, 60), 24.0, False, 1.0)
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


def chosen(image: np.ndarray, grid: Grid = GRID) -> list[str]:
    """What `auto` takes for each pool."""
    by_name = {name: pools.cut(image, grid, (0, 0), name) for name in ("auto", "flood", "disc")}
    return [
        next(name for name in ("flood", "disc") if (by_name[name][pool] == by_name["auto"][pool]).all())
        for pool in range(2)
    ]


def test_without_a_fill_a_patch_is_what_the_frame_shows() -> None:
    image = np.arange(80, dtype=np.uint8).reshape(8, 10)
    grid = Grid(1, 2, (3.5, 2.5), (4.0, 0.0), (0.0, 4.0), (4, 4), 2.0, True, 1.0)
    patches = pools.cut(image, grid, (0, 0), "none")
    assert pools.place(grid, (0, 0)).tolist() == [[2, 1], [2, 5]]
    assert patches.tolist() == [image[2:6, 1:5].tolist(), image[2:6, 5:9].tolist()]
    assert pools.cut(image, grid, (1.2, -0.6), "none")[0].tolist() == image[3:7, 0:4].tolist()


def test_what_lies_beyond_the_frame_has_the_mean_grey_of_the_rest() -> None:
    """Of a patch of 4 by 4 the frame shows rows 0 and 1 alone, with the mean 7."""
    image = np.array([[4, 6, 8, 10]] * 4, np.uint16)
    grid = Grid(1, 1, (-0.5, 1.5), (9.0, 0.0), (0.0, 9.0), (4, 4), 2.0, True, 1.0)
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
    assert chosen(frame()) == ["flood", "flood"]
    assert chosen(frame(wall=220)) == ["disc", "disc"]
    assert np.abs(pools.cut(frame(wall=220), GRID, (0, 0), "auto")[0].astype(int) - FLOOR).max() <= 50


def test_auto_takes_the_disc_for_that_pool_into_which_the_flood_runs() -> None:
    """A dark cell touches the second pool's wall: the flood would take it away."""
    image = frame(cell=False)
    image[24:36, 90:116] = WALL
    assert chosen(image) == ["flood", "disc"]
    assert (pools.cut(image, GRID, (0, 0), "auto")[1][24:36, 30:50] == WALL).all()
    assert (pools.cut(image, GRID, (0, 0), "flood")[1][24:36, 30:50] > 120).all()


def test_an_unknown_fill_is_refused() -> None:
    with pytest.raises(ValueError, match="auto, flood, disc, none"):
        pools.cut(frame(), GRID, (0, 0), "paint")


def test_the_disc_of_a_square_pool_is_a_turned_square() -> None:
    drawn = plate("bright walls", 3, 3, square=True, degrees=5, cells=False, noise=0, tilt=0)
    grid = Grid(
        *(3, 3),
        first=(float(drawn.centres[0, 0]), float(drawn.centres[0, 1])),
        down=tuple((drawn.centres[3] - drawn.centres[0]).tolist()),
        right=tuple((drawn.centres[1] - drawn.centres[0]).tolist()),
        size=(52, 52),
        radius=REACH * drawn.pitch,
        square=True,
        quality=1.0,
    )
    patch = pools.cut(drawn.image, grid, (0, 0), "disc")[4]
    assert np.median(np.abs(patch.astype(int) - int(np.median(patch)))) <= 1
    assert np.percentile(patch, 99) < 120  # walls have 178, floor 89


def test_even_tiles_are_flooded_where_there_is_surround_and_left_alone_where_there_is_none() -> None:
    grid = even_grid((60, 120), 1, 2)
    assert chosen(frame(), grid) == ["flood", "flood"]
    dark = np.zeros((60, 120), np.uint8)
    dark[20:30, 20:30] = dark[25:40, 80:90] = 200
    assert chosen(dark, grid) == ["disc", "disc"]
    assert pools.cut(dark, grid, (0, 0), "auto")[1].tolist() == dark[:, 60:].tolist()


@pytest.mark.parametrize("shape", [(48, 64), (61, 35)])
def test_the_whole_frame_is_one_pool_as_it_is(shape: tuple[int, int]) -> None:
    """Nothing is cut off and nothing lies beyond, whatever its height and width."""
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    grid = whole_frame(shape)
    assert pools.place(grid, (0, 0)).tolist() == [[0, 0]]
    assert pools.cut(image, grid, (0, 0), "none").tolist() == [image.tolist()]
    assert pools.floor(grid).shape == shape
    assert pools.floor(grid).all()


def test_otsu_parts_two_greys_in_their_middle_and_takes_one_grey_as_it_is() -> None:
    assert pools.otsu(np.array([10.0] * 30 + [20.0] * 5)) == pytest.approx(15, abs=0.1)
    assert pools.otsu(np.full(9, 7.0)) == 7


def test_the_soft_rim_of_a_disc_lies_within_the_floor() -> None:
    """Nothing of the wall is left, and nothing deeper than a twentieth of the radius is touched."""
    patch = next(pools._patches(frame(), GRID, (0, 0)))
    share, far = pools.disc(patch), distance_transform_edt(frame()[:, :60] != WALL)
    assert (share[frame()[:, :60] == WALL] == 1).all()
    assert (share[far > 2.2] == 0).all()
