"""A residual network in its modern form, sized for images of 32 to 256 pixels and for two cores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers


def residual(
    inputs: Any,
    outputs: int,
    activation: str,
    width: int = 24,
    blocks: Sequence[int] = (1, 1, 2, 2),
    stem_stride: int = 2,
    dropout: float = 0.3,
) -> Any:
    """Answers of a residual network with squeeze-and-excitation: 1,559,990 parameters at 128×128×4 and 28 outputs.

    A 3×3 stem, then one stage for each of `blocks`, each stage but the first at half the resolution and twice the
    width; mean and maximum over the field side by side, since small bright structures vanish in a mean.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        width: filters of the first stage.
        blocks: residual blocks in each stage.
        stem_stride: 2 halves the resolution at once; 1 for images below 64 pixels.
        dropout: share of features dropped before the answer.

    Source: He et al., "Identity mappings in deep residual networks", 2016; the shortcut of He T. et al., "Bag of
    tricks for image classification with convolutional neural networks", 2019; Hu et al., "Squeeze-and-excitation
    networks", 2018.
    """
    x = layers.Conv2D(width, 3, strides=stem_stride, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _block(x, width * 2**stage, stride=2 if stage and not block else 1)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dropout(dropout)(x)
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)


def model17(inputs: Any, outputs: int, activation: str, dropout: float = 0.3) -> Any:
    """Answers of *model17*, also called *NewResNet*: 5,391,864 parameters at 128×128×4 and 28 outputs.

    What is known of the original is that it was residual and of about 5 million parameters. This is `residual` at that
    size: 44 filters, 64×64; four stages of two blocks, 8×8×352.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        dropout: share of features dropped before the answer.

    Source: as for `residual`.
    """
    return residual(inputs, outputs, activation, width=44, blocks=(2, 2, 2, 2), dropout=dropout)


def _block(x: Any, filters: int, stride: int) -> Any:
    shortcut = x
    if stride > 1:
        shortcut = layers.AveragePooling2D(stride, padding="same")(shortcut)
    if shortcut.shape[-1] != filters:
        shortcut = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(shortcut))
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    # Begins as the identity: the last scale of each branch is zero (He T. et al., 2019).
    y = layers.BatchNormalization(gamma_initializer="zeros")(y)
    return layers.ReLU()(layers.Add()([shortcut, _excited(y)]))


def _excited(x: Any, ratio: int = 8) -> Any:
    filters = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(max(filters // ratio, 4), 1, activation="relu")(gate)
    return layers.Multiply()([x, layers.Conv2D(filters, 1, activation="sigmoid")(gate)])
