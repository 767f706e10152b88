"""Inception bodies with a dense suffix: *model14*, known in the challenge as Vitoly's, and its regularized forms."""

from __future__ import annotations

from typing import Any

from keras import applications, layers, regularizers

from hpapipe.models.applications import body


def model14(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of *model14*: 58,742,664 parameters at 299×299×3 and 28 outputs.

    Batch normalization on the input; InceptionResNetV2 without its top, 8×8×1536; a 1×1 convolution to 128; flattened,
    8192; half dropped; dense 512; half dropped; the answer. With body and input normalization frozen 4,405,916
    parameters are trained.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: the kernel "InceptionResNetV2" by Vitoly of the Human Protein Atlas challenge, 2018; Szegedy et al.,
    "Inception-v4, Inception-ResNet and the impact of residual connections on learning", 2017.
    """
    x = body(applications.InceptionResNetV2, layers.BatchNormalization(name="input_norm")(inputs))
    x = layers.Conv2D(128, 1, activation="relu", name="suffix_convolution")(x)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.Dropout(0.5)(layers.Dense(512, activation="relu", name="suffix_dense")(x))
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)


def model16(inputs: Any, outputs: int, activation: str, l2: float = 0.01) -> Any:
    """Answers of *model16*: 58,745,224 parameters at 299×299×3 and 28 outputs.

    *model14* with a penalty on every kernel of the suffix, and batch normalization after each of its layers.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        l2: the penalty is this times the sum of squares of each kernel of the suffix.

    Source: the project on the Human Protein Atlas challenge, 2018, that hpapipe repeats; the body's as for `model14`.
    """
    x = body(applications.InceptionResNetV2, layers.BatchNormalization(name="input_norm")(inputs))
    return _regularized(x, outputs, activation, l2)


def model18(inputs: Any, outputs: int, activation: str, l2: float = 0.01) -> Any:
    """Answers of *model18*: 26,276,808 parameters at 299×299×3 and 28 outputs.

    The suffix of *model16* on InceptionV3, 8×8×2048: about half of *model16*'s size.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.
        l2: the penalty is this times the sum of squares of each kernel of the suffix.

    Source: as for `model16`; Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.
    """
    x = body(applications.InceptionV3, layers.BatchNormalization(name="input_norm")(inputs))
    return _regularized(x, outputs, activation, l2)


def _regularized(x: Any, outputs: int, activation: str, l2: float) -> Any:
    penalty = {"kernel_regularizer": regularizers.L2(l2)}
    x = layers.Conv2D(128, 1, name="suffix_convolution", **penalty)(x)
    x = layers.ReLU()(layers.BatchNormalization(name="suffix_convolution_norm")(x))
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.Dense(512, name="suffix_dense", **penalty)(x)
    x = layers.Dropout(0.5)(layers.ReLU()(layers.BatchNormalization(name="suffix_dense_norm")(x)))
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head", **penalty)(x)
