"""The moving average of weights: worked by hand, swapped in and out again."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from hpapipe.config import Fit
from hpapipe.training.averaging import averaged
from hpapipe.training.optimizers import optimizer

pytestmark = pytest.mark.usefixtures("seeded")
IMAGES, TRUTH = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32), np.array([[1.0], [0.0]], np.float32)


def compiled(momentum: float, name: str = "adam") -> keras.Model:
    layers = [keras.Input((2,)), keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    model = keras.Sequential([*layers, keras.layers.Activation("sigmoid", dtype="float32")])
    recipe = Fit.model_validate({"averaged_weights": momentum, "optimizer": name, "schedule": "constant"})
    model.compile(optimizer(recipe, 10), "binary_crossentropy", run_eagerly=True)
    return model


def trainable(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_variables]


def close(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.allclose(a, b, rtol=1e-5, atol=1e-7) for a, b in zip(one, other, strict=True))


def steps(model: keras.Model, count: int = 3) -> list[list[np.ndarray]]:
    """The trainable weights after each step."""
    seen = []
    for _ in range(count):
        model.train_on_batch(IMAGES, TRUTH)
        seen.append(trainable(model))
    return seen


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_equals_the_average_by_hand_and_gives_the_weights_back(name: str) -> None:
    """Three steps at momentum 0.5: the first counts a quarter, the second a quarter, the third a half."""
    model = compiled(0.5, name)
    first, second, third = steps(model)
    by_hand = [a / 4 + b / 4 + c / 2 for a, b, c in zip(first, second, third, strict=True)]
    assert not close(by_hand, third)
    with averaged(model):
        assert close(trainable(model), by_hand)
    assert all(np.array_equal(a, b) for a, b in zip(trainable(model), third, strict=True))


def test_in_mixed_precision_too() -> None:
    """There another optimizer wraps the one that keeps the averages."""
    keras.config.set_dtype_policy("mixed_float16")
    model = compiled(0.5)
    first, second, third = steps(model)
    with averaged(model):
        assert type(model.optimizer).__name__ == "LossScaleOptimizer"
        by_hand = [a / 4 + b / 4 + c / 2 for a, b, c in zip(first, second, third, strict=True)]
        assert close(trainable(model), by_hand)
    assert close(trainable(model), third)


def test_without_averages_nothing_changes() -> None:
    """Momentum 0 keeps none."""
    model = compiled(0.0)
    *_, last = steps(model)
    with averaged(model):
        assert close(trainable(model), last)
    assert close(trainable(model), last)


def test_weights_come_back_after_an_error() -> None:
    """A validation that is stopped leaves the training as it was."""
    model = compiled(0.5)
    *_, last = steps(model)

    def stopped() -> None:
        with averaged(model):
            assert not close(trainable(model), last)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert close(trainable(model), last)


def test_training_goes_on_undisturbed() -> None:
    """Looking at the averages between steps changes no step."""
    looked, alone = compiled(0.5), compiled(0.5)
    alone.set_weights(looked.get_weights())
    for _ in range(3):
        looked.train_on_batch(IMAGES, TRUTH)
        with averaged(looked):
            looked(IMAGES)
    assert close(trainable(looked), steps(alone)[-1])
