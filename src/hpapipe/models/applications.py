"""Bodies that come with Keras, each with the mean over the field and one dense layer as its answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from keras import applications, layers


def resnet50(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of ResNet50: 23,648,220 parameters at 128×128×4 and 28 outputs.

    Last feature map 4×4×2048.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: He et al., "Deep residual learning for image recognition", 2016; keras.applications.
    """
    return _answers(body(applications.ResNet50, inputs), outputs, activation)


def densenet121(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of DenseNet121: 7,069,340 parameters at 128×128×4 and 28 outputs.

    Last feature map 4×4×1024. The best single models of the challenge were of this kind.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: Huang et al., "Densely connected convolutional networks", 2017; keras.applications.
    """
    return _answers(body(applications.DenseNet121, inputs), outputs, activation)


def efficientnetv2b0(inputs: Any, outputs: int, activation: str) -> Any:
    """Answers of EfficientNetV2-B0: 5,955,468 parameters at 128×128×4 and 28 outputs.

    Last feature map 4×4×1280.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`.
        outputs: number of labels.
        activation: of the answer.

    Source: Tan and Le, "EfficientNetV2: smaller models and faster training", 2021; keras.applications.
    """
    return _answers(body(applications.EfficientNetV2B0, inputs, include_preprocessing=False), outputs, activation)


def body(application: Callable[..., Any], inputs: Any, **options: Any) -> Any:
    """The last feature map of a network of keras.applications with fresh weights, for any number of channels.

    Args:
        application: a function of keras.applications.
        inputs: scaled images, float `[batch, height, width, channels]`.
        options: of that function.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This model usually expects 1 or 3 input channels")
        network = application(include_top=False, weights=None, input_shape=tuple(inputs.shape[1:]), **options)
    return network(inputs)


def _answers(features: Any, outputs: int, activation: str) -> Any:
    x = layers.GlobalAveragePooling2D()(features)
    return layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)
