"""One contract for all architectures that answer for every pixel."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.models import ARCHITECTURES
from hpapipe.models.build import Scaling, build, check_options
from hpapipe.models.segmenters import SEGMENTERS
from hpapipe.models.weights import load

pytestmark = pytest.mark.usefixtures("seeded")

SMALL: dict[str, list[dict[str, Any]]] = {
    "unet": [
        {"width": 4, "depth": 2, "dropout": 0.2},
        {"width": 4, "depth": 2, "dropout": 0.0, "normalization": "batch", "residual": True},
    ],
}
"""Options with which each architecture is small enough to be tested in seconds: the plain form, and its others."""

SIDE = 16


@pytest.fixture(params=[(name, options) for name in SEGMENTERS for options in SMALL[name]], ids=str)
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Each architecture there is, in each of its forms."""
    return request.param  # type: ignore[no-any-return]


Case = tuple[str, dict[str, Any]]


def built(case: Case, channels: int = 1, scale: float = 1 / 255, offset: float = 0.0, side: int = SIDE) -> keras.Model:
    name, options = case
    scaling = Scaling(np.full(channels, scale), np.full(channels, offset))
    return build(name, options, (side, side, channels), 1, False, scaling, SEGMENTERS)


def pairs(channels: int = 1, dtype: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """Four images, half of each brighter than the rest, and float32 masks `[4, side, side, 1]` of the bright halves."""
    most = np.iinfo(dtype).max
    images = np.random.default_rng(1).integers(0, most // 4, (4, SIDE, SIDE, channels), dtype)
    masks = np.zeros((4, SIDE, SIDE, 1), np.float32)
    half = SIDE // 2
    masks[0, :half], masks[1, half:], masks[2, :, :half], masks[3, :, half:] = 1, 1, 1, 1
    return images + (masks * (most // 2)).astype(dtype), masks


def answers(model: keras.Model, images: np.ndarray, training: bool = False) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=training))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_any_channels_give_a_probability_for_each_pixel(case: Case, channels: int) -> None:
    """Float32, at the size of the image, between 0 and 1."""
    answer = answers(built(case, channels), pairs(channels)[0])
    assert (answer.shape, answer.dtype) == ((4, SIDE, SIDE, 1), np.float32)
    assert 0 <= answer.min() < answer.max() <= 1


def test_oblong_images_keep_their_shape(case: Case) -> None:
    """Height and width each by themselves."""
    name, options = case
    model = build(name, options, (16, 32, 1), 1, False, Scaling(np.ones(1), np.zeros(1)), SEGMENTERS)
    assert model.output_shape == (None, 16, 32, 1)


def test_same_seed_same_weights(case: Case) -> None:
    """And another seed others."""
    images, seen = pairs()[0], []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        seen.append(answers(built(case), images))
    np.testing.assert_array_equal(seen[0], seen[1])
    assert np.abs(seen[0] - seen[2]).max() > 0


def test_save_and_load_give_the_same_answers(case: Case, tmp_path: Path) -> None:
    """From the file alone: no code of this package is needed to load it, scaling is in it."""
    model, images = built(case, scale=0.02, offset=-1.5), pairs()[0]
    answers(model, images, training=True)  # moves the statistics of batch normalization off their start
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(answers(loaded, images), answers(model, images))


def test_scaling_is_inside(case: Case) -> None:
    """Raw images into a scaling model are scaled images into a model that does not scale."""
    model, images = built(case, scale=0.02, offset=-1.5), pairs()[0]
    bare = built(case, scale=1.0)
    bare.set_weights(model.get_weights())
    scaled = images.astype(np.float32) * np.float32(0.02) + np.float32(-1.5)
    np.testing.assert_allclose(answers(model, images), answers(bare, scaled), rtol=1e-4, atol=1e-6)
    assert np.abs(answers(bare, images.astype(np.float32)) - answers(model, images)).max() > 1e-4


def test_steps_lower_the_loss(case: Case) -> None:
    """A fixed batch of bright halves is learned: the loss falls by a quarter within 40 steps, most often
    within ten."""
    model = built(case, scale=1 / 64, offset=-1.0)
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", run_eagerly=True)
    images, masks = pairs()
    losses: list[float] = []
    while len(losses) < 40 and (len(losses) < 6 or np.mean(losses[-3:]) > 0.75 * np.mean(losses[:3])):
        losses.append(float(model.train_on_batch(images, masks)))
    assert np.mean(losses[-3:]) <= 0.75 * np.mean(losses[:3])


def test_raw_16_bit_images_do_not_overflow_in_mixed_precision(case: Case) -> None:
    """The brightest pixels are scaled in float32, answers are float32, and a step is finite and changes weights."""
    keras.config.set_dtype_policy("mixed_float16")
    model, (images, masks) = built(case, scale=1 / 65535), pairs(dtype=np.uint16)
    images[0] = 65535
    assert "float16" in {layer.compute_dtype for layer in model.layers}
    answer = answers(model, images)
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", run_eagerly=True)
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
    changed = False
    for _ in range(6):  # a step whose gradients overflow is left out, and the next is scaled less
        assert np.isfinite(model.train_on_batch(images, masks))
        after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
        changed = any((one != other).any() for one, other in zip(before, after, strict=True))
        if changed:
            break
    assert changed
    assert all(weight.dtype == np.float32 and np.isfinite(weight).all() for weight in after)


def test_full_precision_agrees_with_mixed(case: Case) -> None:
    """The same weights answer alike in half precision, to its three digits."""
    model, images = built(case), pairs()[0]
    keras.config.set_dtype_policy("mixed_float16")
    mixed = built(case)
    mixed.set_weights(model.get_weights())
    np.testing.assert_allclose(answers(mixed, images), answers(model, images), atol=0.02)


def test_weights_of_another_size_are_taken_over(case: Case) -> None:
    """All but the head: a pixel is a pixel at every size."""
    trained, fresh = built(case), built(case, side=2 * SIDE)
    load(fresh, trained)
    for layer, other in zip(trained.layers, fresh.layers, strict=True):
        alike = [(one == two).all() for one, two in zip(layer.get_weights(), other.get_weights(), strict=True)]
        assert all(alike) == (layer.name != "head")


def test_an_unknown_name_or_option_is_refused(case: Case) -> None:
    """Naming the nearest, before anything is built."""
    name, _ = case
    with pytest.raises(UserError, match=f"Did you mean `{name}`"):
        check_options(f"{name}x", {}, SEGMENTERS)
    for option in list(inspect.signature(SEGMENTERS[name]).parameters)[3:]:
        check_options(name, {option: None}, SEGMENTERS)
        with pytest.raises(UserError, match=f"Did you mean `{option}`"):
            check_options(name, {f"{option}x": None}, SEGMENTERS)


def test_no_name_means_two_things() -> None:
    """What a recipe names is one network, whatever the task."""
    assert not set(SEGMENTERS) & set(ARCHITECTURES)


def test_every_architecture_is_under_the_contract() -> None:
    """From its first line, and its docstring names its source."""
    assert set(SMALL) == set(SEGMENTERS)
    assert all("Source:" in (builder.__doc__ or "") for builder in SEGMENTERS.values())
