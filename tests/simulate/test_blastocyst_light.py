"""Pools as they are drawn: masks that are the outlines, and light that no threshold can tell from the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpapipe.simulate import blastocyst_relief
from hpapipe.simulate.blastocyst_light import Drawn, Optics, draw
from hpapipe.simulate.blastocyst_relief import TILE, Window
from hpapipe.simulate.blastocysts import Blastocyst
from hpapipe.simulate.pool_life import Bubble, Pool, live

REACH = 40.0
OPTICS = Optics(shear=0.5, slope=0.15, curve=0.03, defocus=0.03, shade=0.02, halo=0.05)
TILES = blastocyst_relief.grain(np.random.default_rng(0))
NOTHING = np.zeros((0, 4))


def _window(angle: float = 0.0) -> Window:
    axis = (np.arange(-44, 45) / REACH).astype(np.float32)
    return Window(axis[:, None], axis[None, :], REACH, angle)


def _ball(place: tuple[float, float], radius: float) -> Blastocyst:
    """A round blastocyst without zona, its wall a tenth of its radius."""
    return Blastocyst(
        centre=np.array([place]),
        radius=np.array([radius]),
        wall=np.array([0.1]),
        mass=np.array([0.5]),
        turn=np.zeros(1),
        oval=np.zeros(2),
        zona=np.zeros((1, 2)),
        borders=np.arange(1, 13) * (np.pi / 6.0001),
        lumps=np.array([[0.0, 0.0, 0.5]]),
        faces=np.array([[0.0, 0.0, 0.5]]),
        patch=np.zeros(2, int),
        collapses=(),
    )


def _drawn(pool: Pool, frame: int = 0, angle: float = 0.0, focus: float = 0.0) -> Drawn:
    return draw(pool, frame, _window(angle), OPTICS, focus, TILES)


def _centre(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(0) - 44


def test_a_mask_is_the_disc_of_the_outline() -> None:
    """Radius 0.5 of a reach of 40 pixels: pi * 20² pixels about the pool's middle."""
    drawn = _drawn(Pool((_ball((0, 0), 0.5),), (), NOTHING, 0))
    assert drawn.labels.dtype == np.uint8
    assert (drawn.labels == 1).sum() == pytest.approx(np.pi * 400, rel=0.01)
    np.testing.assert_allclose(_centre(drawn.labels == 1), 0, atol=0.1)


@pytest.mark.parametrize(("angle", "row", "column"), [(0.0, 0, 16), (np.pi / 2, 16, 0), (np.pi / 6, 8, 13.86)])
def test_places_turn_with_the_grid(angle: float, row: float, column: float) -> None:
    """0.4 of a reach of 40 pixels to the right along the grid's axis."""
    drawn = _drawn(Pool((_ball((0, 0.4), 0.3),), (), NOTHING, 0), angle=angle)
    np.testing.assert_allclose(_centre(drawn.labels == 1), [row, column], atol=0.15)


def test_two_blastocysts_have_their_own_numbers_and_share_what_both_would_cover() -> None:
    """Circles that overlap are parted half-way between their centres."""
    drawn = _drawn(Pool((_ball((0, -0.3), 0.35), _ball((0, 0.3), 0.35)), (), NOTHING, 0))
    assert set(np.unique(drawn.labels)) == {0, 1, 2}
    first, second = np.argwhere(drawn.labels == 1)[:, 1], np.argwhere(drawn.labels == 2)[:, 1]
    assert first.max() <= 44 <= second.min()


def test_a_bubble_is_never_part_of_a_blastocyst() -> None:
    """What of a bubble lies over a blastocyst counts for the blastocyst alone."""
    bubble = Bubble(np.array([[0.0, 0.5]]), np.array([0.2]), np.zeros(1), 0)
    with_it, without = (_drawn(Pool((_ball((0, 0), 0.45),), some, NOTHING, 0)) for some in ((bubble,), ()))
    np.testing.assert_array_equal(with_it.labels, without.labels)
    assert not (with_it.bubbles & (with_it.labels > 0)).any()
    assert 0.5 * np.pi * 64 < with_it.bubbles.sum() < 0.75 * np.pi * 64
    free = Bubble(np.array([[0.0, 0.7]]), np.array([0.2]), np.zeros(1), 0)
    apart = _drawn(Pool((_ball((0, 0), 0.45),), (free,), NOTHING, 0)).bubbles
    assert apart.sum() == pytest.approx(np.pi * 64, rel=0.05)


def test_an_empty_pool_changes_no_light_and_dirt_is_in_no_mask() -> None:
    """A dark speck lowers the light where it lies."""
    empty, dirty = (_drawn(Pool((), (), specks, 0)) for specks in (NOTHING, np.array([[0.5, 0, 0.05, 1.0]])))
    assert not empty.light.any()
    assert dirty.light[64, 44] < -0.1
    assert np.abs(dirty.light[:44]).max() < 1e-4
    assert not dirty.labels.any()
    assert not dirty.bubbles.any()


def test_grey_inside_is_both_lighter_and_darker_than_the_floor() -> None:
    """Mean light within a few percent of the floor's, spread several times that."""
    for seed in range(6):
        pool = live(np.random.default_rng(seed), np.arange(3) * 8.0, False, 0, 0, 0)
        drawn = _drawn(pool, 2)
        inside = drawn.light[drawn.labels > 0]
        assert abs(inside.mean()) < 0.06
        assert inside.std() > 0.04
        assert (inside > 0.02).mean() > 0.15
        assert (inside < -0.02).mean() > 0.15


def test_out_of_focus_outlines_are_fainter() -> None:
    """Slopes at the edge are blurred, three depths of focus away."""
    optics = replace(OPTICS, defocus=0.0)
    pool = Pool((_ball((0, 0), 0.5),), (), NOTHING, 0)
    near, far = (draw(pool, 0, _window(), optics, focus, TILES).light.std() for focus in (0.0, 3.0))
    assert far < 0.8 * near


def test_grain_has_no_seam_and_unit_spread() -> None:
    """Steps across the tiles' borders are no larger than steps inside."""
    assert TILES.shape == (2, TILE, TILE)
    assert TILES.dtype == np.float32
    np.testing.assert_allclose(TILES.std((1, 2)), 1, rtol=1e-3)
    across = np.abs(TILES[:, 0] - TILES[:, -1]).mean()
    assert across < 1.2 * np.abs(np.diff(TILES, axis=1)).mean()
