"""One contract for all architectures: what any of them promises to the rest of the package."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.models import ARCHITECTURES, LEAST_SIDE
from hpapipe.models.build import Scaling, build, check_options

pytestmark = pytest.mark.usefixtures("seeded", "small_bodies")


def side(name: str) -> int:
    """The smallest images that are worth testing with."""
    return max(32, LEAST_SIDE.get(name, 0))


def built(
    name: str, channels: int = 4, outputs: int = 5, one_label: bool = False, scale: float = 1 / 255, offset: float = 0.0
) -> keras.Model:
    shape = (side(name), side(name), channels)
    return build(name, {}, shape, outputs, one_label, Scaling(np.full(channels, scale), np.full(channels, offset)))


def pixels(name: str, count: int = 4, channels: int = 4, dtype: type = np.uint8) -> np.ndarray:
    chance = np.random.default_rng(1)
    return chance.integers(0, np.iinfo(dtype).max, (count, side(name), side(name), channels), dtype, endpoint=True)


def answers(model: keras.Model, images: np.ndarray, training: bool = False) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=training))


@pytest.fixture(params=sorted({builder: name for name, builder in ARCHITECTURES.items()}.values()))
def name(request: pytest.FixtureRequest) -> str:
    """Each architecture there is: a new one is under this contract from its first line."""
    return str(request.param)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_any_channels_give_a_probability_for_each_label(name: str, channels: int) -> None:
    """Float32, one row an image, each between 0 and 1 and free of the others."""
    answer = answers(built(name, channels), pixels(name, 3, channels))
    assert (answer.shape, answer.dtype) == ((3, 5), np.float32)
    assert answer.min() >= 0
    assert answer.max() <= 1
    assert np.abs(answer.sum(1) - 1).max() > 1e-3


def test_one_label_sums_to_one(name: str) -> None:
    """Softmax over the labels."""
    answer = answers(built(name, outputs=3, one_label=True), pixels(name))
    assert answer.min() >= 0
    np.testing.assert_allclose(answer.sum(1), np.ones(4), rtol=1e-5)


def test_same_seed_same_weights(name: str) -> None:
    """And another seed others."""
    images, seen = pixels(name, 1), []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        seen.append(answers(built(name), images))
    np.testing.assert_array_equal(seen[0], seen[1])
    assert np.abs(seen[0] - seen[2]).max() > 0


def test_save_and_load_give_the_same_answers(name: str, tmp_path: Path) -> None:
    """From the file alone: no code of this package is needed to load it, scaling is in it."""
    model, images = built(name, scale=0.02, offset=-1.5), pixels(name)
    answers(model, images, training=True)  # moves the statistics of batch normalization off their start
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(answers(loaded, images), answers(model, images))


def test_scaling_is_inside(name: str) -> None:
    """Raw images into a scaling model are scaled images into a model that does not scale."""
    model, images = built(name, scale=0.02, offset=-1.5), pixels(name)
    bare = built(name, scale=1.0)
    bare.set_weights(model.get_weights())
    scaled = images.astype(np.float32) * np.float32(0.02) + np.float32(-1.5)
    np.testing.assert_allclose(answers(model, images), answers(bare, scaled), rtol=1e-4, atol=1e-6)
    assert np.abs(answers(bare, images.astype(np.float32)) - answers(model, images)).max() > 1e-4


def told_apart(name: str, count: int = 6) -> np.ndarray:
    """Images of three kinds: in each, one of the first three channels is bright."""
    images = pixels(name, count) // 4
    for number, image in enumerate(images):
        image[..., number % 3] += 150
    return images


@pytest.mark.parametrize("one_label", [False, True])
def test_steps_lower_the_loss(name: str, one_label: bool) -> None:
    """A fixed batch of three kinds of images is learned within 40 steps, most often within ten."""
    model = built(name, outputs=3, one_label=one_label, scale=1 / 64, offset=-1.0)
    loss = "categorical_crossentropy" if one_label else "binary_crossentropy"
    model.compile(keras.optimizers.Adam(2e-3), loss, run_eagerly=True)
    images, truth = told_apart(name), np.eye(3, dtype=np.float32)[np.arange(6) % 3]
    losses: list[float] = []
    while len(losses) < 40 and (len(losses) < 6 or np.mean(losses[-3:]) > 0.75 * np.mean(losses[:3])):
        losses.append(float(model.train_on_batch(images, truth)))
    assert np.mean(losses[-3:]) <= 0.75 * np.mean(losses[:3])


def test_raw_16_bit_images_do_not_overflow_in_mixed_precision(name: str) -> None:
    """Float16 ends at 65504: the brightest pixels are scaled in float32, answers are float32, and steps are finite."""
    keras.config.set_dtype_policy("mixed_float16")
    model, images = built(name, outputs=3, scale=1 / 65535), pixels(name, 4, dtype=np.uint16)
    images[0] = 65535
    assert "float16" in {layer.compute_dtype for layer in model.layers}
    answer = answers(model, images)
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", run_eagerly=True)
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
    changed = False
    for _ in range(6):  # a step whose gradients overflow is left out, and the next is scaled less
        assert np.isfinite(model.train_on_batch(images, np.ones((4, 3), np.float32)))
        after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
        changed = any((one != other).any() for one, other in zip(before, after, strict=True))
        if changed:
            break
    assert changed
    assert all(weight.dtype == np.float32 and np.isfinite(weight).all() for weight in after)


def test_full_precision_agrees_with_mixed(name: str) -> None:
    """The same weights answer alike in half precision, to its three digits."""
    model, images = built(name, outputs=3), pixels(name)
    keras.config.set_dtype_policy("mixed_float16")
    mixed = built(name, outputs=3)
    mixed.set_weights(model.get_weights())
    np.testing.assert_allclose(answers(mixed, images), answers(model, images), atol=0.02)


def test_an_unknown_name_or_option_is_refused(name: str) -> None:
    """Naming the nearest, before anything is built."""
    with pytest.raises(UserError, match=f"Did you mean `{name}`"):
        check_options(f"{name}x", {})
    for option in list(inspect.signature(ARCHITECTURES[name]).parameters)[3:]:
        check_options(name, {option: None})
        with pytest.raises(UserError, match=f"Did you mean `{option}`"):
            check_options(name, {f"{option}x": None})


def test_docstring_names_its_source(name: str) -> None:
    """A paper, or the kernel that it came from."""
    assert "Source:" in (ARCHITECTURES[name].__doc__ or "")


def test_the_least_side_is_enough_and_one_less_is_refused(name: str) -> None:
    """Told with the size that it takes, not as a fault of some layer."""
    least = LEAST_SIDE.get(name, 8)
    build(name, {}, (least, least, 1), 2, False, Scaling(np.ones(1), np.zeros(1)))
    if name in LEAST_SIDE:
        with pytest.raises(UserError, match=rf"Images for `{name}` must have {least}×{least}.*Received {least - 1}×"):
            build(name, {}, (least - 1, least, 1), 2, False, Scaling(np.ones(1), np.zeros(1)))


def test_what_is_limited_exists() -> None:
    """No limit outlives its architecture."""
    assert set(LEAST_SIDE) <= set(ARCHITECTURES)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("residual", {"blocks": [0, -1, "x"]}),
        ("residual", {"width": "wide"}),
        ("residual", {"dropout": 2}),
        ("residual", {"width": 0}),
        ("model15", {"dropout": -1}),
        ("model7", {"filters": 0}),
        ("model5", {"units": "many"}),
    ],
)
def test_options_out_of_range_are_told(name: str, options: dict[str, object]) -> None:
    """As a fault of the recipe, not as a traceback."""
    with pytest.raises(UserError, match=f"options of `{name}` must fit the images"):
        build(name, options, (side(name), side(name), 1), 2, False, Scaling(np.ones(1), np.zeros(1)))


def test_aliases_are_the_same_builder() -> None:
    """Two names of one network."""
    assert ARCHITECTURES["NewResNet"] is ARCHITECTURES["model17"]
    assert ARCHITECTURES["model13"] is ARCHITECTURES["model12"]


@pytest.mark.parametrize("name", ["model6", "model7"])
def test_only_model7_has_a_penalty_and_on_every_kernel(name: str) -> None:
    """0.01 times the sum of squares: two convolutions, the dense layer and the answer."""
    model = built(name)
    kernels = [weight for weight in model.trainable_variables if weight.name == "kernel"]
    expected = 0.01 * sum(float(keras.ops.sum(kernel**2)) for kernel in kernels) if name == "model7" else 0.0
    assert len(kernels) == 4
    np.testing.assert_allclose(sum(float(loss) for loss in model.losses), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["model14", "model16", "model18"])
def test_the_regularized_suffix(name: str) -> None:
    """A penalty on its three kernels and normalization after both of its layers; in model14 neither."""
    model = built(name)
    suffix = [layer for layer in model.layers if layer.name.startswith("suffix") or layer.name == "head"]
    penalised = [layer.name for layer in suffix if getattr(layer, "kernel_regularizer", None) is not None]
    norms = [layer.name for layer in suffix if isinstance(layer, keras.layers.BatchNormalization)]
    assert (len(penalised), len(norms)) == ((0, 0) if name == "model14" else (3, 2))
