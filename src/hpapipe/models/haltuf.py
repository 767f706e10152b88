"""A small convolutional network trained from scratch, known in the challenge as Haltuf's."""

from __future__ import annotations

from typing import Any

from keras import layers


def model15(inputs: Any, outputs: int, activation: str, dropout: float = 0.25) -> Any:
    """Answers of *model15*: 194,024 parameters at 128×128×4 and 28 outputs.

    Batch normalization on the input; convolutions 8, 8, 16; four parallel convolutions of 16 (3×3, 5×5, 7×7, 1×1);
    then 32, 64 and 128, each with batch normalization, pooling and dropout; one dense layer as wide as the answer, and
    the answer. Convolutions are padded, so that images from 32 pixels on fit.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        dropout: share of values dropped after each pooling.

    Source: the kernel "CNN 128x128x4 Keras from scratch" of the Human Protein Atlas challenge, 2018.
    """
    x = layers.BatchNormalization(name="input_norm")(inputs)
    for filters in (8, 8, 16):
        x = _convolution(x, filters)
    x = _pooled(x, dropout)
    x = layers.Concatenate()([layers.Conv2D(16, size, padding="same", activation="relu")(x) for size in (3, 5, 7, 1)])
    x = _pooled(layers.BatchNormalization()(x), dropout)
    for filters in (32, 64, 128):
        x = _pooled(_convolution(x, filters), dropout)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.ReLU()(layers.Dense(outputs, name="suffix_dense")(x))
    x = layers.Dropout(0.1)(layers.BatchNormalization(name="suffix_norm")(x))
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)


def _convolution(x: Any, filters: int) -> Any:
    return layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", activation="relu")(x))


def _pooled(x: Any, dropout: float) -> Any:
    return layers.Dropout(dropout)(layers.MaxPooling2D()(x))
