"""The losses of masks, against numbers worked by hand, and where they could go wrong: empty masks and float16."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpapipe.training.region_losses import RegionLoss, dice_loss, pixel_loss

LN = np.log


def images(*rows: list[float], dtype: type = np.float32) -> np.ndarray:
    """Each of `rows` as an image of one row, `[batch, 1, width, 1]`."""
    return np.array(rows, dtype)[:, None, :, None]


def values(tensor: object) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def test_dice_by_hand() -> None:
    """Overlap 0.8 + 0.5 of 2 + 1.7 pixels: 1 - (2.6 + 1) / (3.7 + 1); the second image by itself."""
    truth = images([1, 1, 0, 0], [0, 0, 0, 1])
    answer = images([0.8, 0.5, 0.4, 0], [0, 0, 0, 1])
    loss = values(dice_loss(truth, answer))
    assert loss.dtype == np.float32
    np.testing.assert_allclose(loss, [1 - 3.6 / 4.7, 0], rtol=1e-6, atol=1e-7)


def test_pixels_by_hand() -> None:
    """Mean of -ln of what was given to the truth, in each image."""
    loss = values(pixel_loss(images([1, 0], [0, 0]), images([0.8, 0.4], [0.5, 0.5])))
    np.testing.assert_allclose(loss, [-(LN(0.8) + LN(0.6)) / 2, LN(2)], rtol=1e-6)


@pytest.mark.parametrize(("crossentropy", "dice"), [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.25, 3.0)])
def test_the_sum_is_weighted(crossentropy: float, dice: float) -> None:
    """Mean over the two images of both losses, each times its weight."""
    truth, answer = images([1, 0], [0, 0]), images([0.8, 0.4], [0.5, 0.5])
    pixels = (-(LN(0.8) + LN(0.6)) / 2 + LN(2)) / 2
    regions = ((1 - 2.6 / 3.2) + (1 - 1 / 2)) / 2
    loss = float(values(RegionLoss(crossentropy, dice)(truth, answer)))
    assert loss == pytest.approx(crossentropy * pixels + dice * regions, rel=1e-5)


def test_empty_and_answered_as_empty_costs_nothing() -> None:
    """Neither by its regions nor, but for the clipped logarithm, by its pixels."""
    empty = images([0, 0, 0, 0])
    assert values(dice_loss(empty, empty)).tolist() == [0.0]
    assert values(pixel_loss(empty, empty))[0] == pytest.approx(0, abs=1e-6)


def test_an_empty_truth_costs_more_the_more_is_answered() -> None:
    """1 - 1 / (answered + 1): keras.losses.Dice is 1 for all of these, the right answer among them."""
    answer = images([0, 0], [0.5, 0.5], [1, 1])
    np.testing.assert_allclose(values(dice_loss(np.zeros_like(answer), answer)), [0, 1 / 2, 2 / 3], rtol=1e-6)


def test_float16_sums_are_not_too_large() -> None:
    """65,536 pixels are more than float16 can hold, and half of them are counted exactly."""
    ones = np.ones((1, 256, 256, 1), np.float16)
    half = np.full_like(ones, 0.5)
    assert values(dice_loss(ones, ones))[0] == pytest.approx(0, abs=1e-6)
    assert values(dice_loss(ones, half))[0] == pytest.approx(1 - 65537 / (1.5 * 65536 + 1), rel=1e-5)
    assert values(pixel_loss(ones, half))[0] == pytest.approx(LN(2), rel=1e-5)


def test_boolean_masks_are_taken() -> None:
    """As 0 and 1."""
    answer = images([0.8, 0.4])
    truth = np.array([True, False]).reshape(answer.shape)
    np.testing.assert_array_equal(values(dice_loss(truth, answer)), values(dice_loss(truth.astype("float32"), answer)))
    np.testing.assert_array_equal(values(pixel_loss(truth, answer)), values(pixel_loss(truth * 1.0, answer)))


@given(
    arrays(np.uint8, (2, 3, 4, 1), elements=st.integers(0, 1)),
    arrays(np.float32, (2, 3, 4, 1), elements=st.floats(0, 1, width=32)),
)
def test_dice_is_between_0_and_1_and_0_for_the_truth_only(truth: np.ndarray, answer: np.ndarray) -> None:
    """Whatever is answered."""
    loss = values(dice_loss(truth, answer))
    assert (loss >= -1e-6).all()
    assert (loss < 1).all()
    np.testing.assert_allclose(values(dice_loss(truth, truth)), np.zeros(2), atol=1e-6)
    assert (loss >= values(dice_loss(truth, truth)) - 1e-6).all()


def slope(truth: float, logit: float, loss: keras.losses.Loss) -> float:
    """The slope of the loss at one pixel's logit: what a step of plain descent at rate 1 takes off it."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(
        1, 1, activation="sigmoid", kernel_initializer=keras.initializers.Constant(logit), use_bias=False
    )
    model = keras.Sequential([keras.Input((1, 1, 1)), layer])
    model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)
    model.train_on_batch(np.ones((1, 1, 1, 1), np.float32), np.full((1, 1, 1, 1), truth, np.float32))
    return logit - float(values(layer.kernel).ravel()[0])


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_slope_of_dice_by_hand(truth: float) -> None:
    """At p = 1/2: 1 / (p + 1)² or 1 - (2p + 1) / (p + 2) differentiated, times p (1 - p)."""
    by_hand = 1 / 1.5**2 if truth == 0 else -3 / 2.5**2
    assert slope(truth, 0.0, RegionLoss(0.0, 1.0)) == pytest.approx(by_hand / 4, rel=1e-5)


@pytest.mark.parametrize("truth", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-200.0, -20.0, 20.0, 200.0])
def test_slopes_are_finite_where_the_answer_is_certain(truth: float, logit: float) -> None:
    """Right or wrong, and where the truth is empty."""
    assert np.isfinite(slope(truth, logit, RegionLoss()))


def test_it_is_made_again_from_its_configuration() -> None:
    """With both weights, as Keras does when it loads a compiled model."""
    again = RegionLoss.from_config(RegionLoss(0.25, 3.0).get_config())
    assert (again.crossentropy, again.dice, again.name) == (0.25, 3.0, "region")
