"""The losses, against numbers worked by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from hpapipe.config import OF_TASK, Fit
from hpapipe.training.losses import LOSSES, MASK_LOSSES, loss, mask_loss

SEVERAL = (np.array([[1, 0]], np.float32), np.array([[0.8, 0.4]], np.float32))
ONE = (np.array([[1, 0, 0], [0, 0, 1]], np.float32), np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], np.float32))
LN = np.log


def value(one_label: bool, pair: tuple[np.ndarray, np.ndarray], **options: object) -> float:
    made = loss(Fit.model_validate(options), one_label)
    return float(keras.ops.convert_to_numpy(made(*pair)))


def test_binary_crossentropy() -> None:
    """Mean over labels of -ln of what was given to the truth."""
    assert value(False, SEVERAL) == pytest.approx(-(LN(0.8) + LN(0.6)) / 2, rel=1e-5)


def test_categorical_crossentropy() -> None:
    """Mean over images of -ln of the true label's probability."""
    assert value(True, ONE) == pytest.approx(-(LN(0.5) + LN(0.8)) / 2, rel=1e-5)


def test_label_smoothing_of_several_labels() -> None:
    """0.2: truth 1 becomes 0.9, truth 0 becomes 0.1."""
    first = -(0.9 * LN(0.8) + 0.1 * LN(0.2))
    second = -(0.1 * LN(0.4) + 0.9 * LN(0.6))
    assert value(False, SEVERAL, label_smoothing=0.2) == pytest.approx((first + second) / 2, rel=1e-5)


def test_label_smoothing_of_one_label() -> None:
    """0.3 over three labels: truth 1 becomes 0.8, the others 0.1."""
    first = -(0.8 * LN(0.5) + 0.1 * LN(0.3) + 0.1 * LN(0.2))
    second = -(0.8 * LN(0.8) + 0.1 * LN(0.1) + 0.1 * LN(0.1))
    assert value(True, ONE, label_smoothing=0.3) == pytest.approx((first + second) / 2, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_binary_focal(gamma: float) -> None:
    """-(1 - p)^gamma ln p of what was given to the truth; gamma 0 is cross-entropy."""
    expected = -(0.2**gamma * LN(0.8) + 0.4**gamma * LN(0.6)) / 2
    assert value(False, SEVERAL, loss="focal", focal_gamma=gamma) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_categorical_focal(gamma: float) -> None:
    """The same for the true label alone, unweighted."""
    expected = -(0.5**gamma * LN(0.5) + 0.2**gamma * LN(0.8)) / 2
    assert value(True, ONE, loss="focal", focal_gamma=gamma) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("crossentropy", -(LN(0.8) + LN(0.6)) / 2),
        ("dice", 1 - (2 * 0.8 + 1) / (1 + 1.2 + 1)),
        ("crossentropy_dice", -(LN(0.8) + LN(0.6)) / 2 + 1 - (2 * 0.8 + 1) / (1 + 1.2 + 1)),
    ],
)
def test_losses_of_masks(name: str, expected: float) -> None:
    """Of an image of two pixels, by hand."""
    truth, answer = (each.reshape(1, 1, 2, 1) for each in SEVERAL)
    found = mask_loss(Fit.model_validate({"loss": name}))(truth, answer)
    assert float(keras.ops.convert_to_numpy(found)) == pytest.approx(expected, rel=1e-5)


def test_each_task_has_the_losses_that_its_recipes_may_name() -> None:
    assert set(MASK_LOSSES) == set(OF_TASK["segmentation"][0])
    assert {name for name, _ in LOSSES} == set(OF_TASK["classification"][0])
