"""The architectures with the bodies that they really have: sizes as documented, saved, loaded and trained."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from hpapipe.models import ARCHITECTURES, LEAST_SIDE
from hpapipe.models.build import Scaling, build
from hpapipe.models.weights import freeze

pytestmark = pytest.mark.usefixtures("seeded")

LARGE = ("model14", "model16", "model18", "resnet50", "densenet121", "efficientnetv2b0")
WITH_LARGE = [pytest.param(name, marks=pytest.mark.whole) if name in LARGE else name for name in sorted(ARCHITECTURES)]


def built(name: str, height: int, width: int, channels: int, outputs: int) -> keras.Model:
    return build(
        name, {}, (height, width, channels), outputs, False, Scaling(np.full(channels, 1 / 255), np.zeros(channels))
    )


@pytest.mark.parametrize("name", WITH_LARGE)
def test_as_many_parameters_as_the_docstring_says(name: str) -> None:
    """At the image size and number of labels that stand there too."""
    words = r"([\d,]+) parameters at (\d+)×(\d+)×(\d+) and (\d+) outputs"
    found = re.search(words, ARCHITECTURES[name].__doc__ or "")
    assert found
    count, *given = (int(word.replace(",", "")) for word in found.groups())
    assert built(name, *given).count_params() == count


def test_model17_is_of_the_size_that_is_known() -> None:
    """Between 4.5 and 5.5 million parameters."""
    assert 4.5e6 < built("model17", 128, 128, 4, 28).count_params() < 5.5e6


@pytest.mark.whole
def test_model14_in_all_and_frozen() -> None:
    """58,742,664 parameters, of which 4,405,916 are trained with body and input normalization frozen."""
    model = built("model14", 299, 299, 3, 28)
    assert model.count_params() == 58_742_664
    freeze(model)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 4_405_916


@pytest.mark.whole
@pytest.mark.parametrize("name", LARGE)
def test_the_real_body_is_saved_loaded_and_trained(name: str, tmp_path: Path) -> None:
    """Four channels, no code of this package in the file, and a step of training that changes the body."""
    side = LEAST_SIDE[name]
    model = built(name, side, side, 4, 3)
    images = np.random.default_rng(0).integers(0, 255, (2, side, side, 4), np.uint8, endpoint=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(each(images)) for each in (model, loaded)))
    (body,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    before = keras.ops.convert_to_numpy(body.trainable_weights[0])
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", run_eagerly=True)
    assert np.isfinite(model.train_on_batch(images, np.ones((2, 3), np.float32)))
    assert (keras.ops.convert_to_numpy(body.trainable_weights[0]) != before).any()
