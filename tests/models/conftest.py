"""Small bodies in place of the large ones that Keras brings, so that the contract is tested in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers

BODIES = {
    "InceptionResNetV2": "inception_resnet_v2",
    "InceptionV3": "inception_v3",
    "ResNet50": "resnet50",
    "DenseNet121": "densenet121",
    "EfficientNetV2B0": "efficientnetv2-b0",
}


def small_body(name: str) -> Callable[..., keras.Model]:
    """A function that is called as those of keras.applications are, and gives 8 filters in two convolutions."""

    def application(
        include_top: bool, weights: None, input_shape: tuple[int, int, int], include_preprocessing: bool = False
    ) -> keras.Model:
        assert not include_top
        assert not include_preprocessing, "scaling is the network's own"
        images = keras.Input(input_shape)
        x: Any = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(images)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(8, 3, strides=16, padding="same", activation="relu")(x)
        return keras.Model(images, x, name=name)

    return application


@pytest.fixture
def small_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each body of keras.applications that is used here, replaced by a small one of its name."""
    for function, name in BODIES.items():
        monkeypatch.setattr(keras.applications, function, small_body(name))
