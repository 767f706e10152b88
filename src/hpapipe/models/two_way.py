"""Small networks of one or two convolutions with coarse pooling, made to tell one structure from its absence.

Two labels and `data.one_label` make their answer a two-way softmax; any other number of labels works as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers, regularizers


def model5(inputs: Any, outputs: int, activation: str, units: int = 10) -> Any:
    """Answers of *model5*: 3,614 parameters at 100×100×4 and 2 outputs.

    Two 5×5 filters, 96×96×2; pooling by 7, 13×13×2; a dense layer, and the answer.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        units: width of the dense layer; 10 and 100 were searched.

    Source: the first network of the project on the Human Protein Atlas challenge, 2018, that hpapipe repeats.
    """
    return _network(inputs, outputs, activation, (2,), pool=7, units=units)


def model6(inputs: Any, outputs: int, activation: str, filters: int = 10, units: int = 10) -> Any:
    """Answers of *model6*: 9,262 parameters at 512×512×4 and 2 outputs.

    5×5 filters, 508×508; pooling by 10, 50×50; twice as many 5×5 filters, 46×46; pooling by 10, 4×4; a dense layer, and
    the answer.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        filters: of the first convolution; 4 and 10 were searched.
        units: width of the dense layer; 2 and 10 were searched.

    Source: the same project as *model5*.
    """
    return _network(inputs, outputs, activation, (filters, 2 * filters), pool=10, units=units)


def model7(inputs: Any, outputs: int, activation: str, filters: int = 10, units: int = 10, l2: float = 0.01) -> Any:
    """Answers of *model7*: 9,262 parameters at 512×512×4 and 2 outputs. *model6*, with a penalty on every kernel.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        filters: of the first convolution; 4 and 10 were searched.
        units: width of the dense layer; 2 and 10 were searched.
        l2: the penalty is this times the sum of squares of each kernel.

    Source: the same project as *model5*.
    """
    return _network(inputs, outputs, activation, (filters, 2 * filters), pool=10, units=units, l2=l2)


def model8(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of *model8*: 9,262 parameters at 512×512×4 and 2 outputs. *model7* as its search left it.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: the same project as *model5*; what was searched next is the optimizer.
    """
    return model7(inputs, outputs, activation, filters=10, units=10)


def _network(
    inputs: Any, outputs: int, activation: str, filters: Sequence[int], pool: int, units: int, l2: float = 0.0
) -> Any:
    penalty = {"kernel_regularizer": regularizers.L2(l2)} if l2 else {}
    x = inputs
    for count in filters:
        x = layers.MaxPooling2D(pool)(layers.Conv2D(count, 5, activation="relu", **penalty)(x))
    x = layers.Dense(units, activation="relu", name="suffix_dense", **penalty)(layers.Flatten()(x))
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head", **penalty)(x)
