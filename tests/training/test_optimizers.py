"""Optimizers and the course of the learning rate."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from hpapipe.config import Fit
from hpapipe.training.optimizers import OPTIMIZERS, SCHEDULES, optimizer


def rates(steps: int, **options: object) -> np.ndarray:
    """The rate of every step, and of the one after the last."""
    schedule = SCHEDULES["cosine"](Fit.model_validate(options), steps)
    return np.array([float(keras.ops.convert_to_numpy(schedule(step))) for step in range(steps + 1)])


def test_cosine_rises_from_zero_to_the_peak_and_falls_to_zero() -> None:
    """10 % warm-up of 100 steps: straight up in 10, then half a cosine in 90."""
    seen = rates(100, learning_rate=0.01, warmup=0.1)
    np.testing.assert_allclose(seen[:11], np.linspace(0, 0.01, 11), atol=1e-8)
    np.testing.assert_allclose(seen[10:], 0.005 * (1 + np.cos(np.pi * np.arange(91) / 90)), atol=1e-7)
    assert seen.argmax() == 10
    assert seen[99] < 1e-5


def test_without_warmup_cosine_starts_at_the_peak() -> None:
    """The first step is not wasted."""
    seen = rates(20, learning_rate=0.01, warmup=0)
    assert seen[0] == pytest.approx(0.01)
    assert (np.diff(seen) < 0).all()
    assert seen[20] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_very_short_trainings_have_a_schedule(steps: int) -> None:
    """A single step learns, at the full rate."""
    seen = rates(steps, learning_rate=0.01, warmup=0.05)
    assert seen[0] == pytest.approx(0.01)
    assert np.isfinite(seen).all()


def test_constant_is_constant() -> None:
    """The recipe's rate, at every step."""
    made = optimizer(Fit(schedule="constant", learning_rate=0.003), 10)
    assert float(keras.ops.convert_to_numpy(made.learning_rate)) == pytest.approx(0.003)


def test_inverse_divides_the_rate_by_the_steps() -> None:
    """0.1 / (1 + 0.5 · step), at each step and without end; without decay it is constant."""
    schedule = SCHEDULES["inverse"](Fit(learning_rate=0.1, decay=0.5), 3)
    seen = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 1, 2, 18)]
    assert seen == pytest.approx([0.1, 0.1 / 1.5, 0.05, 0.01])
    constant = SCHEDULES["inverse"](Fit(learning_rate=0.1), 3)
    assert float(keras.ops.convert_to_numpy(constant(1000))) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_moments_are_the_recipes(name: str) -> None:
    """How long Adam remembers, and what keeps it from dividing by zero."""
    made = optimizer(Fit.model_validate({"optimizer": name, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.01}), 10)
    assert (made.beta_1, made.beta_2, made.epsilon) == (0.5, 0.75, 0.01)


def test_each_optimizer_has_the_recipes_options() -> None:
    """By what Keras says of them."""
    adam = optimizer(Fit(optimizer="adam"), 10)
    adamw = optimizer(Fit(optimizer="adamw", weight_decay=0.02), 10)
    sgd = optimizer(Fit(optimizer="sgd", momentum=0.7), 10)
    plain = optimizer(Fit(optimizer="sgd", momentum=0.0), 10)
    assert [type(made).__name__ for made in (adam, adamw, sgd, plain)] == ["Adam", "AdamW", "SGD", "SGD"]
    assert adam.weight_decay is None
    assert adamw.weight_decay == 0.02
    assert (sgd.momentum, sgd.nesterov) == (0.7, True)
    assert (plain.momentum, plain.nesterov) == (0.0, False)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_averaging_is_the_recipes(name: str) -> None:
    """Of every optimizer; 0 keeps no averages, and nothing overwrites the weights while training."""
    with_average = optimizer(Fit.model_validate({"optimizer": name, "averaged_weights": 0.9}), 10)
    assert (with_average.use_ema, with_average.ema_momentum) == (True, 0.9)
    assert with_average.ema_overwrite_frequency is None
    assert not optimizer(Fit.model_validate({"optimizer": name, "averaged_weights": 0.0}), 10).use_ema


def test_every_choice_of_the_recipe_exists() -> None:
    """No name passes the recipe and fails later, and none is hidden from it."""
    properties = Fit.model_json_schema()["properties"]
    assert set(OPTIMIZERS) == set(properties["optimizer"]["enum"])
    assert set(SCHEDULES) == set(properties["schedule"]["enum"])
