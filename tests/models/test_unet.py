"""The U-Net: as it was, layer by layer, and what its options change."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from hpapipe.errors import UserError
from hpapipe.models.build import Scaling, build
from hpapipe.models.segmenters import SEGMENTERS
from hpapipe.models.unet import unet
from hpapipe.models.weights import load

pytestmark = pytest.mark.usefixtures("seeded")


def built(size: tuple[int, int] = (32, 32), channels: int = 1, **options: Any) -> keras.Model:
    scaling = Scaling(np.ones(channels), np.zeros(channels))
    return build("unet", options, (*size, channels), 1, False, scaling, SEGMENTERS)


def kinds(model: keras.Model, kind: type) -> list[Any]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_as_many_parameters_as_it_had() -> None:
    """8,629,921, as the docstring says, and each part as many as its table says."""
    model = built((256, 256))
    assert model.count_params() == 8_629_921
    words = unet.__doc__ or ""
    assert "8,629,921 parameters at 256×256×1" in words
    parts = [int(part.replace(",", "")) for row in re.findall(r": ([\d,+ ]+) \|", words) for part in row.split(" + ")]
    assert sum(parts) + 33 == model.count_params()


def test_without_dropout_it_has_as_many() -> None:
    """And drops nothing while training."""
    model = built(dropout=0, width=2)
    assert model.count_params() == built(width=2).count_params()
    assert {layer.rate for layer in kinds(model, layers.Dropout)} == {0}


def test_layers_as_they_were() -> None:
    """Filters double over four blocks; 3×3 transposed convolutions; dropout 0.25, then 0.5; sigmoid on a 1×1."""
    model = built((256, 256))
    convolutions = [layer for layer in kinds(model, layers.Conv2D) if layer.name != "head"]
    down = [32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    assert [layer.filters for layer in convolutions] == down + down[-3::-1]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    raised = kinds(model, layers.Conv2DTranspose)
    assert [(layer.filters, layer.kernel_size, layer.strides) for layer in raised] == [
        (filters, (3, 3), (2, 2)) for filters in (256, 128, 64, 32)
    ]
    assert [layer.rate for layer in kinds(model, layers.Dropout)] == [0.25] + [0.5] * 7
    assert kinds(model, layers.MaxPooling2D)[-1].output.shape[1:] == (16, 16, 256)
    head = model.get_layer("head")
    assert (head.kernel_size, head.activation) == ((1, 1), keras.activations.sigmoid)
    assert not kinds(model, layers.BatchNormalization)


def test_dropout_stands_after_poolings_and_joinings_only() -> None:
    """None between the two convolutions of a block, none in the bridge."""
    dropped = [layer.input._keras_history.operation for layer in kinds(built(width=2), layers.Dropout)]
    assert [type(layer) for layer in dropped] == [layers.MaxPooling2D] * 4 + [layers.Concatenate] * 4


@pytest.mark.parametrize(("width", "depth"), [(2, 1), (3, 2), (2, 3), (1, 5)])
def test_width_and_depth(width: int, depth: int) -> None:
    """As many poolings as levels, and twice the filters at each."""
    model = built(width=width, depth=depth)
    filters = [layer.filters for layer in kinds(model, layers.Conv2D) if layer.name != "head"]
    assert filters[: 2 * depth + 2] == [width * 2**level for level in range(depth + 1) for _ in range(2)]
    assert len(kinds(model, layers.MaxPooling2D)) == len(kinds(model, layers.Conv2DTranspose)) == depth


def test_normalization_stands_after_every_convolution_of_a_block() -> None:
    """In place of its bias."""
    model = built(width=2, depth=2, normalization="batch")
    normalized = [layer for layer in kinds(model, layers.Conv2D) if layer.name != "head"]
    assert len(kinds(model, layers.BatchNormalization)) == len(normalized) == 10
    assert not any(layer.use_bias for layer in normalized)


def test_a_residual_block_adds_what_came_in() -> None:
    """With all its own convolutions at zero, a block hands on its input, and relu is all that is left."""
    model = built((8, 8), channels=2, width=2, depth=1, residual=True, dropout=0)
    for layer in kinds(model, layers.Conv2D):
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    first = keras.Model(model.input, kinds(model, layers.MaxPooling2D)[0].input)
    images = np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(first(images)), np.maximum(images, 0))
    assert len(kinds(model, layers.Add)) == 3


def test_weights_are_taken_over_to_more_channels() -> None:
    """The first convolution is widened, so that an image that is alike in both gives the same bridge."""
    grey, two = built(width=2, depth=2), built(width=2, depth=2, channels=2)
    load(two, grey)
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype(np.float32)
    deep, deep_of_two = (keras.Model(model.input, model.get_layer("head").input) for model in (grey, two))
    expected = keras.ops.convert_to_numpy(deep(image))
    found = keras.ops.convert_to_numpy(deep_of_two(np.repeat(image, 2, axis=-1)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_each_pixel_sees_far_and_near() -> None:
    """A change in one corner is seen in that corner, through the bridge beyond its own level, and nowhere else."""
    model = built((64, 64), width=4, depth=3, dropout=0)
    image = np.full((1, 64, 64, 1), 1.0, np.float32)
    other = image.copy()
    other[0, 0, 0] = 50
    change = np.abs(keras.ops.convert_to_numpy(model(other)) - keras.ops.convert_to_numpy(model(image)))[0, ..., 0]
    assert change[0, 0] > 0
    assert change[20:40, 0].max() > 0
    assert change[63, 63] == 0


@pytest.mark.parametrize(
    ("height", "width", "depth", "asked"),
    [(250, 256, 4, "256×256"), (96, 100, 3, "96×104"), (33, 33, 1, "34×34"), (8, 8, 4, "16×16")],
)
def test_sizes_that_cannot_be_halved_are_told(height: int, width: int, depth: int, asked: str) -> None:
    """With the next larger size that can."""
    words = rf"of depth {depth} .* by {2**depth}\. Received {height}×{width}\. Set `data\.size` to {asked}, or lower"
    with pytest.raises(UserError, match=words):
        built((height, width), depth=depth)


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 0},
        {"depth": "deep"},
        {"depth": 2.0},
        {"width": 0},
        {"width": "wide"},
        {"normalization": "layer"},
        {"dropout": 3},
        {"dropout": -1},
    ],
)
def test_options_out_of_range_are_told(options: dict[str, object]) -> None:
    """As a fault of the recipe, not as a traceback."""
    with pytest.raises(UserError, match="options of `unet` must fit the images"):
        built(**options)
