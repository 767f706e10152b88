"""ResNet18 and ResNet34: residual networks of basic blocks, laid out so that published ImageNet weights fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

RESNET18, RESNET34 = (2, 2, 2, 2), (3, 4, 6, 3)
"""Blocks in each of the four stages."""


def model12(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of *model12* and *model13*: 11,262,156 parameters at 224×224×3 and 3 outputs.

    ResNet18, 7×7×512, flattened, and the answer. *model12* has ImageNet weights and images of 224 pixels; *model13*
    starts from chance at 200 pixels, where the last map is 7×7 too.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: He et al., "Identity mappings in deep residual networks", 2016; the layout of the package
    classification_models (P. Yakubovskiy), whose weights fit.
    """
    x = layers.Flatten()(_body(inputs, RESNET18, "resnet18"))
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)


def resnet34(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of ResNet34: 21,319,976 parameters at 128×128×4 and 28 outputs.

    A 7×7 stem and a pooling, 32×32×64; four stages of 3, 4, 6 and 3 basic blocks, 4×4×512; mean over the field, and the
    answer.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: as for `model12`.
    """
    x = layers.GlobalAveragePooling2D()(_body(inputs, RESNET34, "resnet34"))
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)


def _body(inputs: Any, blocks: Sequence[int], name: str) -> Any:
    """The last feature map. Normalization stands before every convolution, that of the input apart from the rest."""
    normed = layers.BatchNormalization(epsilon=2e-5, scale=False, name="input_norm")(inputs)
    images = keras.Input(tuple(inputs.shape[1:]))
    x = layers.ReLU()(_norm(_convolution(images, 64, 7, stride=2)))
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _block(x, 64 * 2**stage, stride=2 if stage and not block else 1, first=not block)
    return keras.Model(images, layers.ReLU()(_norm(x)), name=name)(normed)


def _block(x: Any, filters: int, stride: int, first: bool) -> Any:
    y = layers.ReLU()(_norm(x))
    shortcut = _convolution(y, filters, 1, stride) if first else x
    y = _convolution(y, filters, 3, stride)
    y = _convolution(layers.ReLU()(_norm(y)), filters, 3)
    return layers.Add()([y, shortcut])


def _convolution(x: Any, filters: int, size: int, stride: int = 1) -> Any:
    # Padded alike on all sides, as where the weights were trained; "same" pads strided convolutions on one side more.
    if size > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    return layers.Conv2D(filters, size, strides=stride, use_bias=False, kernel_initializer="he_uniform")(x)


def _norm(x: Any) -> Any:
    return layers.BatchNormalization(epsilon=2e-5)(x)
