"""How an image looks, on images whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.imageset.looks import LOOKS, looks, saturated_share, sharpness


def test_all_numbers_of_an_image() -> None:
    """Half black, half full: mean and spread are half of the range."""
    found = looks(np.repeat(np.array([[0, 255]], np.uint8), 4, axis=0).repeat(2, axis=1))
    assert tuple(found) == LOOKS
    assert [found[name] for name in LOOKS[:3]] == [127.5, 127.5, 0.5]


@pytest.mark.parametrize(
    ("values", "dtype", "share"),
    [
        ([0, 254, 254, 254], np.uint8, 0),
        ([0, 255, 255, 9], np.uint8, 0.5),
        ([0, 255, 255, 255], np.uint16, 0),
        ([0, 1023, 5, 9], np.uint16, 0.25),
        ([0, 4095, 4095, 4095], np.uint16, 0.75),
        ([0, 4095, 4095, 4096], np.uint16, 0),
        ([0, 65520, 65520, 9], np.uint16, 0.5),
        ([0, 65535, 65520, 9], np.uint16, 0.25),
        ([0, 0, 0, 0], np.uint16, 0),
    ],
)
def test_saturated_share_knows_the_sensors_depth(values: list[int], dtype: type, share: float) -> None:
    """255 in 8 bits; in 16 bits the full value of 10 to 16 bits, if nothing is brighter."""
    assert saturated_share(np.array([values], dtype)) == share


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), gain=st.integers(1, 20), offset=st.integers(0, 500))
def test_sharpness_is_free_of_gain_and_offset(seed: int, gain: int, offset: int) -> None:
    """Brightness and contrast do not look like focus."""
    smooth = np.indices((32, 32)).sum(0) ** 2 // 4
    image = (smooth + np.random.default_rng(seed).integers(0, 50, (32, 32))).astype(np.uint16)
    assert sharpness(image * gain + offset) == pytest.approx(sharpness(image), rel=1e-2)


def test_sharpness_of_noise_checkerboard_and_ramp() -> None:
    """White noise has 20, a checkerboard the largest value of 64, a ramp has 0."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8)
    assert sharpness(noise) == pytest.approx(20, rel=0.03)
    assert sharpness((np.indices((64, 64)).sum(0) % 2).astype(np.uint8)) == pytest.approx(64)
    assert sharpness(np.tile(np.arange(64, dtype=np.uint8), (64, 1))) == pytest.approx(0)
