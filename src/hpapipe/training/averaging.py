"""A moving average of the weights: kept by the optimizer, scored and saved instead of the weights of the last step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Within the block the trainable weights are their moving averages; afterwards they are what they were.

    Does nothing where the optimizer keeps no averages.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """
    # Mixed precision wraps the optimizer that keeps the averages.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    averages = (
        [variable for variable in optimizer.variables if variable.name.endswith("_average")]
        if optimizer.use_ema
        else []
    )
    weights = model.trainable_variables[: len(averages)]
    before = [keras.ops.convert_to_numpy(weight) for weight in weights]
    try:
        for weight, average in zip(weights, averages, strict=True):
            weight.assign(average)
        yield
    finally:
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)
