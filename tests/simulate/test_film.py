"""Films: frames with their truth, a stage whose drift is known, and bytes that depend on the seed alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.simulate.film import Film, Frame, film

SHORT = config.Film(frames=9, rows=2, columns=2, minutes=180, empty=0, twins=0.5, bubbling=1)


@cache
def _drawn(seed: int = 0) -> tuple[Film, list[Frame]]:
    drawn = film(SHORT.model_copy(update={"seed": seed}))
    return drawn, list(drawn.frames())


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_frames_have_the_size_and_type_that_were_asked_for(bits: int, dtype: type) -> None:
    """Rows and columns of pools need not be equal; floor, walls and cells are neither black nor white."""
    options = config.Film(frames=1, rows=1, columns=3, pool=60, bits=bits)
    (frame,) = film(options).frames()
    assert frame.image.shape == frame.labels.shape == frame.bubbles.shape == options.shape == (60, 180)
    assert (frame.image.dtype, frame.labels.dtype, frame.bubbles.dtype) == (dtype, np.uint8, bool)
    assert 0.1 < np.median(frame.image) / (2**bits - 1) < 0.8
    assert np.mean((frame.image == 0) | (frame.image == 2**bits - 1)) < 0.001


def test_default_is_a_day_of_sixteen_pools() -> None:
    """145 frames, one every ten minutes, 320×320 pixels of 2 µm."""
    options = config.Film()
    assert (options.frames - 1) * options.minutes / 60 == 24
    assert options.shape == (320, 320)
    assert len(film(options).pools) == 16


def test_areas_are_those_of_the_masks() -> None:
    """Each row of the table is counted again in the label image, around the centre of its pool."""
    drawn, frames = _drawn()
    for index, frame in enumerate(frames):
        total = 0
        for area in frame.areas:
            pool = drawn.centres(index)[area.pool]
            rows, columns = np.nonzero(frame.labels == area.cell)
            own = np.hypot(rows - pool[0], columns - pool[1]) < drawn.grid.reach
            assert area.frame == index
            assert area.area_px == own.sum()
            assert area.area_um2 == area.area_px * 4
            assert (area.centre_row, area.centre_column) == pytest.approx((rows[own].mean(), columns[own].mean()))
            total += area.area_px
        assert total == (frame.labels > 0).sum()


def test_masks_have_the_area_of_the_simulated_outline() -> None:
    """pi radius² in pixels, but for what the pixels' raster rounds off."""
    drawn, frames = _drawn()
    for index, frame in enumerate(frames):
        for area in frame.areas:
            radius = drawn.pools[area.pool].cells[area.cell - 1].radius[index] * drawn.grid.reach
            assert area.area_px == pytest.approx(np.pi * radius**2, rel=0.04)


def test_bubbles_are_in_no_mask_and_there_are_some() -> None:
    """Late frames show bubbles, early ones none."""
    _, frames = _drawn()
    assert not frames[0].bubbles.any()
    assert frames[-1].bubbles.sum() > 100
    assert not any((frame.bubbles & (frame.labels > 0)).any() for frame in frames)


def test_a_collapse_is_seen_in_the_masks() -> None:
    """The area measured on the label images falls where the film says that a cavity bursts."""
    films = (film(config.Film(frames=145, rows=1, columns=1, empty=0, twins=0, seed=seed)) for seed in range(50))
    drawn = next(one for one in films if one.pools[0].cells[0].collapses)
    frame = drawn.pools[0].cells[0].collapses[0]
    before = drawn.frame(frame - 1).areas[0].area_px
    after = min(drawn.frame(frame + later).areas[0].area_px for later in range(4))
    assert after < 0.97 * before


def test_empty_pools_have_neither_mask_nor_row() -> None:
    """The share of empty pools is a chance: all at 1, about one in sixteen by default."""
    frame = film(config.Film(frames=1, rows=2, columns=2, empty=1, seed=3)).frame(0)
    assert (frame.areas, frame.labels.max()) == ([], 0)
    pools = [pool for seed in range(8) for pool in film(config.Film(frames=1, seed=seed)).pools]
    assert 1 <= sum(not pool.cells for pool in pools) <= 20


def test_a_frame_alone_is_the_frame_in_the_film() -> None:
    """Nothing is carried from frame to frame while drawing."""
    _, frames = _drawn()
    alone = film(SHORT).frame(5)
    np.testing.assert_array_equal(alone.image, frames[5].image)
    np.testing.assert_array_equal(alone.labels, frames[5].labels)
    assert alone.areas == frames[5].areas


def test_films_depend_on_the_seed() -> None:
    """Another seed gives other blastocysts and another picture."""
    _, frames = _drawn()
    other = film(SHORT.model_copy(update={"seed": 1})).frame(0)
    assert (other.image != frames[0].image).mean() > 0.5
    assert other.areas != frames[0].areas


def test_each_frame_has_noise_of_its_own() -> None:
    """Walls that do not move still differ from frame to frame, by a few grey values."""
    drawn = film(config.Film(frames=2, rows=1, columns=1, empty=1, drift=0))
    first, second = (frame.image.astype(float) for frame in drawn.frames())
    assert 1 < (first - second).std() < 12


def test_what_a_pool_holds_does_not_depend_on_the_others() -> None:
    """The first row's pools live the same lives in a larger grid, and none lives another's."""
    small, large = (film(config.Film(frames=9, rows=rows, columns=3, empty=0, seed=4)).pools[:3] for rows in (1, 2))
    for one, other in zip(small, large, strict=True):
        np.testing.assert_array_equal(one.cells[0].radius, other.cells[0].radius)
    assert len({pool.cells[0].radius[0] for pool in small}) == 3


def test_the_stage_drifts_as_the_film_says() -> None:
    """The lit floor's centre of mass moves from the first frame to the last by the drift, to a quarter of a pixel."""
    drawn = film(config.Film(frames=25, minutes=60, rows=1, columns=2, empty=1, seed=1))
    first, last = (ndimage.center_of_mass(drawn.frame(index).image > 95) for index in (0, 24))
    assert np.hypot(*drawn.drift[24]) > 1
    np.testing.assert_allclose(np.subtract(last, first), drawn.drift[24], atol=0.25)
    np.testing.assert_allclose(drawn.centres(24) - drawn.centres(0), np.tile(drawn.drift[24], (2, 1)))


@pytest.mark.parametrize("most", [0.0, 2.5, 6.0])
def test_drift_starts_at_0_and_keeps_its_limit(most: float) -> None:
    """Along each axis; most of the way is slow."""
    for seed in range(5):
        drift = film(config.Film(rows=1, columns=1, drift=most, empty=1, seed=seed)).drift
        np.testing.assert_array_equal(drift[0], 0)
        assert np.abs(drift).max() <= most
        assert np.abs(np.diff(drift, axis=0)).max() <= 0.25 * most


def test_no_threshold_finds_the_outline() -> None:
    """The best of all grey levels, on either side, overlaps less than four fifths with the masks."""
    for seed in range(3):
        drawn = film(config.Film(frames=1, rows=2, columns=2, empty=0, twins=0, seed=seed))
        frame = drawn.frame(0)
        depth = drawn.grid.depth(*drawn.grid.stage(drawn.options.shape, drawn.drift[0]))
        inside, mask = depth > 2, frame.labels > 0
        for level in range(40, 220, 4):
            for found in ((frame.image > level) & inside, (frame.image < level) & inside):
                assert (found & mask).sum() < 0.8 * (found | mask).sum()


def test_walls_are_darker_than_the_pools_floor() -> None:
    """The dark surround that a network could take for the cell."""
    drawn = film(config.Film(frames=1, square=True, empty=1))
    depth = drawn.grid.depth(*drawn.grid.stage(drawn.options.shape, drawn.drift[0]))
    image = drawn.frame(0).image
    assert image[depth < -2].mean() < 0.75 * image[depth > 6].mean()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("frames", 0), ("rows", 0), ("columns", 33), ("pool", 39), ("pixel_um", 0), ("minutes", -1), ("empty", 1.1)),
        *(("twins", -0.1), ("bubbling", float("nan")), ("turn", 11), ("drift", 65), ("bits", 12), ("seed", -1)),
    ],
)
def test_options_outside_their_limits_are_refused(option: str, value: float) -> None:
    """The message names the option and what was received."""
    with pytest.raises(UserError, match=f"`film.{option}`.*Received `{value}`"):
        config.parse({"film": {option: value}})


def test_frames_have_a_largest_size() -> None:
    """Twenty columns of 80 pixels are too wide."""
    with pytest.raises(UserError, match=r"frames of 1600×320 pixels, where a side has 1,024 at most"):
        config.parse({"film": {"columns": 20}})
