"""GapNet-PL, made for fields of the Human Protein Atlas: means of three depths beside each other."""

from __future__ import annotations

from typing import Any

from keras import layers


def gapnet(inputs: Any, outputs: int, activation: str, dropout: float = 0.5) -> Any:
    """Answers of GapNet-PL: 630,076 parameters at 128×128×4 and 28 outputs.

    Three blocks of 3×3 convolutions: 32 at half the resolution, then pooling; 64, 64, 64, 64 from half of that, then
    pooling; 128, 128, 128. The means over the field of the three blocks, 224 in all, pass two dense layers of 256.
    Self-normalizing units throughout, so scale images by `standard`. Made for whole fields of 1024 pixels.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        dropout: share of features dropped after each dense layer, in the form that keeps mean and spread.

    Source: Rumetshofer et al., "Human-level protein localization with convolutional neural networks", ICLR 2019.
    """
    x = first = layers.MaxPooling2D(padding="same")(_convolution(inputs, 32, stride=2))
    for stride in (2, 1, 1, 1):
        x = _convolution(x, 64, stride)
    x = second = layers.MaxPooling2D(padding="same")(x)
    for _ in range(3):
        x = _convolution(x, 128)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(block) for block in (first, second, x)])
    for number in (1, 2):
        dense = layers.Dense(256, activation="selu", kernel_initializer="lecun_normal", name=f"suffix_dense_{number}")
        x = layers.AlphaDropout(dropout)(dense(x))
    return layers.Dense(
        outputs, activation=activation, kernel_initializer="lecun_normal", dtype="float32", name="head"
    )(x)


def _convolution(x: Any, filters: int, stride: int = 1) -> Any:
    form = {"padding": "same", "activation": "selu", "kernel_initializer": "lecun_normal"}
    return layers.Conv2D(filters, 3, strides=stride, **form)(x)
