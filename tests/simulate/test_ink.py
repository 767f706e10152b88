"""Drawing: the same shape at every size, and light in proportion to what is covered."""

from __future__ import annotations

import numpy as np
import pytest

from hpapipe.simulate import ink


@pytest.mark.parametrize("size", [32, 100, 128, 512, 700])
def test_a_dot_covers_the_same_share_of_the_field_at_every_size(size: int) -> None:
    """A circle of radius 0.1 covers pi / 100 of the field."""
    light = ink.dots(size, np.array([[0.5, 0.5]]), 0.1, 1.0)
    assert light.shape == (size, size)
    assert light.mean() == pytest.approx(np.pi * 0.01, rel=0.05)


def test_a_line_has_its_width_and_level() -> None:
    """A line from side to side covers its width's share of the field, at its level of light."""
    light = ink.lines(128, [np.array([[-0.1, 0.5], [1.1, 0.5]])], 4 / 128, np.array([0.5]))
    assert light.max() == pytest.approx(0.5, abs=0.01)
    assert light.mean() == pytest.approx(0.5 * 4 / 128, rel=0.1)


def test_a_ring_is_dark_inside_unless_filled() -> None:
    """`inside` is the share of the outline's level that its inside gets."""
    middle, radius = np.array([[0.5, 0.5]]), np.array([0.2])
    empty = ink.rings(128, middle, radius, 0.02, np.array([1.0]))
    filled = ink.rings(128, middle, radius, 0.02, np.array([1.0]), inside=0.5)
    assert empty[64, 64] == 0
    assert filled[64, 64] == pytest.approx(0.5, abs=0.01)
    assert empty.max() == filled.max() == 1


def test_texture_is_centred_and_as_coarse_as_asked() -> None:
    """Mean about 0, spread about 1; coarse grain changes little from pixel to pixel."""
    fine, coarse = (ink.texture(128, np.random.default_rng(0), grain) for grain in (1 / 64, 1 / 8))
    assert abs(fine.mean()) < 0.1
    assert 0.7 < fine.std() < 1.3
    assert np.abs(np.diff(coarse)).mean() < 0.3 * np.abs(np.diff(fine)).mean()
