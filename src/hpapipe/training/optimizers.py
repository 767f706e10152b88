"""Optimizers and learning-rate schedules, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from hpapipe.config import Fit


def optimizer(recipe: Fit, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe.

    Args:
        recipe: the section `fit`.
        steps: training steps in all, over which the schedule runs.
    """
    averaging = {"use_ema": recipe.averaged_weights > 0, "ema_momentum": recipe.averaged_weights or 0.99}
    return OPTIMIZERS[recipe.optimizer](recipe, SCHEDULES[recipe.schedule](recipe, steps), averaging)


def _adam(recipe: Fit, rate: Any, averaging: dict[str, Any]) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(rate, **_moments(recipe), **averaging)


def _adamw(recipe: Fit, rate: Any, averaging: dict[str, Any]) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **_moments(recipe), **averaging)


def _moments(recipe: Fit) -> dict[str, float]:
    return {"beta_1": recipe.beta_1, "beta_2": recipe.beta_2, "epsilon": recipe.epsilon}


def _sgd(recipe: Fit, rate: Any, averaging: dict[str, Any]) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, **averaging)


def _rmsprop(recipe: Fit, rate: Any, averaging: dict[str, Any]) -> keras.optimizers.Optimizer:
    """Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012, with Keras' own memory of 0.9."""
    return keras.optimizers.RMSprop(rate, epsilon=recipe.epsilon, **averaging)


def _constant(recipe: Fit, steps: int) -> float:
    return recipe.learning_rate


def _inverse(recipe: Fit, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """The rate divided by 1 + decay · step, as Keras' optimizers had it before version 3."""
    return keras.optimizers.schedules.InverseTimeDecay(recipe.learning_rate, decay_steps=1, decay_rate=recipe.decay)


def _cosine(recipe: Fit, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, without the restarts."""
    warmup = round(recipe.warmup * steps)
    rising = {"initial_learning_rate": 0.0, "warmup_target": recipe.learning_rate, "warmup_steps": warmup}
    start = rising if warmup else {"initial_learning_rate": recipe.learning_rate}
    return keras.optimizers.schedules.CosineDecay(decay_steps=max(steps - warmup, 1), **start)


OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
    "rmsprop": _rmsprop,
}
SCHEDULES: dict[str, Callable[[Fit, int], Any]] = {"constant": _constant, "cosine": _cosine, "inverse": _inverse}
