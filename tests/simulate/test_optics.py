"""The camera: blur, background and noise behave as light does."""

from __future__ import annotations

import numpy as np

from hpapipe.simulate.optics import expose


def _taken(light: np.ndarray, seed: int) -> np.ndarray:
    return expose(light, np.random.default_rng(seed)).astype(float)


def test_a_point_of_light_is_blurred_but_stays_where_it_is() -> None:
    """The brightest pixel keeps its place, and its neighbours get a share."""
    light = np.zeros((64, 64), np.float32)
    light[20, 30] = 3.0
    mean = np.mean([_taken(light, seed) for seed in range(20)], 0)
    assert np.unravel_index(mean.argmax(), mean.shape) == (20, 30)
    assert mean[20, 31] > mean[40:].mean() + 3


def test_bright_places_are_noisier_than_dark_ones() -> None:
    """Shot noise: the spread grows with the light, as the root of it."""
    dim, bright = (_taken(np.full((64, 64), level, np.float32), 0)[24:40, 24:40].std() for level in (0.05, 0.8))
    assert bright > 2 * dim


def test_an_empty_channel_is_dark_but_not_black() -> None:
    """Background and read noise are there without any structure."""
    picture = _taken(np.zeros((64, 64), np.float32), 0)
    assert 1 < picture.mean() < 15
    assert picture.std() > 0.5
