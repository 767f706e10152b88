"""From a recipe's words to a model: what is refused, and how images are scaled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.models import build as module
from hpapipe.models import weights
from hpapipe.models.build import Scaling, build, check_options, mixing, scaling_of
from hpapipe.models.weights import MIX

pytestmark = pytest.mark.usefixtures("seeded")


def plain(inputs: Any, outputs: int, activation: str, sharpness: float = 1.0) -> Any:
    """Mean of each channel, and the answer: small enough to work by hand."""
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.layers.Dense(outputs, activation=activation, dtype="float32", kernel_initializer="ones")(x)


@pytest.fixture(autouse=True)
def only_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ARCHITECTURES", {"plain": plain})


def test_known_names_and_options_pass() -> None:
    """Nothing is raised for what exists."""
    check_options("plain", {"sharpness": 2.0})
    check_options("plain", {})


def test_an_unknown_architecture_names_the_nearest() -> None:
    """By its name in the recipe."""
    with pytest.raises(UserError, match=r"`model\.name` must be an architecture.*`plane`.*Did you mean `plain`"):
        check_options("plane", {})


def test_an_unknown_option_names_the_nearest() -> None:
    """Of this architecture, not of another."""
    with pytest.raises(UserError, match=r"options of `plain`.*`sharpnes`.*Did you mean `sharpness`"):
        check_options("plain", {"sharpnes": 2.0})


@pytest.mark.parametrize("option", ["inputs", "outputs", "activation"])
def test_what_the_builder_is_given_anyway_is_no_option(option: str) -> None:
    """A recipe cannot set the number of outputs here."""
    with pytest.raises(UserError, match=f"`{option}`"):
        check_options("plain", {option: 1})


def test_build_checks_too() -> None:
    """A model is never built from half-understood words."""
    with pytest.raises(UserError, match="Did you mean `plain`"):
        build("plan", {}, (8, 8, 1), 2, False, Scaling(np.ones(1), np.zeros(1)))


def test_options_that_do_not_fit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the options, the images' size and the reason."""

    def deep(inputs: Any, outputs: int, activation: str, depth: int = 2) -> Any:
        raise ValueError(f"{depth} halvings\nleave nothing")

    monkeypatch.setattr(module, "ARCHITECTURES", {"deep": deep})
    words = r"options of `deep` must fit.*\{'depth': 9\} for images of 8×16 \(“9 halvings leave nothing”\)"
    with pytest.raises(UserError, match=words):
        build("deep", {"depth": 9}, (8, 16, 1), 2, False, Scaling(np.ones(1), np.zeros(1)))


def test_scaling_stands_inside_the_model() -> None:
    """Raw integers in; the network sees image * scale + offset, each channel by its own."""
    model = build("plain", {}, (2, 2, 2), 1, False, Scaling(np.array([0.5, 0.01]), np.array([-1.0, 0.25])))
    image = np.zeros((1, 2, 2, 2), np.uint8)
    image[..., 0], image[..., 1] = 4, 50
    # 4 * 0.5 - 1 + 50 * 0.01 + 0.25 = 1.75, through a sigmoid.
    answer = keras.ops.convert_to_numpy(model(image))
    np.testing.assert_allclose(answer, [[1 / (1 + np.exp(-1.75))]], rtol=1e-6)


@pytest.mark.parametrize("one_label", [False, True])
def test_one_label_is_a_softmax(one_label: bool) -> None:
    """Several labels: a sigmoid each."""
    model = build("plain", {}, (2, 2, 1), 4, one_label, Scaling(np.ones(1), np.zeros(1)))
    answer = keras.ops.convert_to_numpy(model(np.full((1, 2, 2, 1), 2, np.uint8)))
    expected = 0.25 if one_label else 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(answer, np.full((1, 4), expected), rtol=1e-6)


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65535)])
def test_range_scales_the_integer_type_to_one(dtype: type, most: int) -> None:
    """Whatever the images hold."""
    scaling = scaling_of(np.zeros((1, 2, 2, 3), dtype), np.array([0]), "range")
    scale, offset = scaling.scale, scaling.offset
    np.testing.assert_allclose(scale * most + offset, np.ones(3))
    np.testing.assert_allclose(offset, np.zeros(3))


def test_standard_by_hand() -> None:
    """Pixels 0 and 4: mean 2, spread 2."""
    images = np.array([0, 4], np.uint8).reshape(1, 1, 2, 1)
    scaling = scaling_of(images, np.array([0]), "standard")
    scale, offset = scaling.scale, scaling.offset
    np.testing.assert_allclose((scale, offset), ([0.5], [-1.0]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_standard_gives_mean_0_and_spread_1_over_the_training_fields(dtype: type) -> None:
    """More fields than are read at once; what is not trained on has no say."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, [100, np.iinfo(dtype).max], (600, 2, 2, 2), dtype, endpoint=True)
    images[::2] = np.iinfo(dtype).max
    train = np.arange(1, 600, 2)
    scaling = scaling_of(images, train, "standard")
    scale, offset = scaling.scale, scaling.offset
    seen = images[train] * scale + offset
    np.testing.assert_allclose(seen.mean((0, 1, 2)), np.zeros(2), atol=1e-9)
    np.testing.assert_allclose(seen.std((0, 1, 2)), np.ones(2), rtol=1e-9)


def test_a_constant_channel_is_not_divided_by_zero() -> None:
    """It is moved to zero and left alone."""
    images = np.full((2, 2, 2, 1), 7, np.uint8)
    scaling = scaling_of(images, np.arange(2), "standard")
    scale, offset = scaling.scale, scaling.offset
    np.testing.assert_allclose((scale, offset), ([1.0], [-7.0]))


def seen_by(scaling: Scaling, images: np.ndarray) -> np.ndarray:
    """What the network sees of raw images."""
    inputs = keras.Input(images.shape[1:])
    return np.asarray(keras.Model(inputs, scaling(inputs)).predict_on_batch(images))


def test_scaling_by_batch_by_hand() -> None:
    """Pixels 8, 4 and 0, 0: by their maximum 1, 1/2, 0 and 0, less their mean, 3/8; another batch, another way."""
    scaling = scaling_of(np.zeros((1, 1, 2, 1), np.uint8), np.array([0]), "batch")
    images = np.array([8, 4, 0, 0], np.uint8).reshape(2, 1, 2, 1)
    np.testing.assert_allclose(seen_by(scaling, images).ravel(), [0.625, 0.125, -0.375, -0.375])
    np.testing.assert_allclose(seen_by(scaling, images[:1]).ravel(), [0.25, -0.25])


def test_a_black_batch_is_not_divided_by_zero() -> None:
    """It is all zeros."""
    scaling = scaling_of(np.zeros((1, 2, 2, 1), np.uint8), np.array([0]), "batch")
    np.testing.assert_array_equal(seen_by(scaling, np.zeros((3, 2, 2, 1), np.uint8)), 0)


MIXED = [["red", "yellow"], ["green", "yellow"], ["blue"]]
CHANNELS = ("red", "green", "blue", "yellow")


def test_channels_are_mixed_in_equal_shares() -> None:
    """By the places of their names; nothing to mix is no mixing."""
    shares = mixing(MIXED, CHANNELS)
    assert shares is not None
    assert shares.dtype == np.float32
    assert shares.tolist() == [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 1], [0.5, 0.5, 0]]
    assert mixing([], CHANNELS) is None


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65535)])
def test_mixed_channels_by_hand(dtype: type, most: int) -> None:
    """Red 4, green 6, blue 8 and yellow 2, in shares of the type's range: 3, 4 and 8."""
    images: np.ndarray = np.tile(np.array([4, 6, 8, 2], dtype), (1, 2, 2, 1))
    scaling = scaling_of(images, np.array([0]), "range", mixing(MIXED, CHANNELS))
    found = seen_by(scaling, images)
    assert found.shape == (1, 2, 2, 3)
    np.testing.assert_allclose(found * most, np.tile([3.0, 4.0, 8.0], (1, 2, 2, 1)), rtol=1e-6)


def test_mixing_follows_scaling() -> None:
    """Channels of their own mean and spread: 0 and 4 become -1 and 1, and so does their mean with another such."""
    images = np.array([[0, 100], [4, 200]], np.uint8).reshape(1, 1, 2, 2)
    scaling = scaling_of(images, np.array([0]), "standard", mixing([["x", "y"]], ("x", "y")))
    np.testing.assert_allclose(seen_by(scaling, images).ravel(), [-1, 1], rtol=1e-6)


@pytest.mark.parametrize("how", ["standard", "range", "batch"])
@pytest.mark.parametrize("mix", [(), MIXED], ids=["plain", "mixed"])
def test_scaling_is_saved_with_the_network(how: str, mix: list[list[str]], tmp_path: Path) -> None:
    """As layers that Keras loads without running any code: the same answers, and nothing of it is trained."""
    images = np.random.default_rng(0).integers(0, 255, (6, 4, 4, 4), np.uint8)
    scaling = scaling_of(images, np.arange(6), how, mixing(mix, CHANNELS))
    model = build("plain", {}, (4, 4, 4), 2, False, scaling)
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(again.predict_on_batch(images), model.predict_on_batch(images))
    for each in (model, again):
        assert [weight.name for weight in each.trainable_variables] == ["kernel", "bias"]


@pytest.mark.parametrize("how", ["standard", "range", "batch"])
def test_scaling_and_mixing_stay_float32(how: str) -> None:
    """Where all else has 16 bits: a pixel of 65535 is infinite there."""
    keras.config.set_dtype_policy("mixed_float16")
    images = np.full((2, 4, 4, 4), 65535, np.uint16)
    images[0, 0] = 0
    scaling = scaling_of(images, np.arange(2), how, mixing(MIXED, CHANNELS))
    model = build("plain", {}, (4, 4, 4), 2, False, scaling)
    seen = keras.Model(model.inputs, model.get_layer(MIX).output).predict_on_batch(images)
    assert (model.get_layer(MIX).compute_dtype, seen.dtype) == ("float32", np.float32)
    assert np.isfinite(seen).all()
    assert seen.max() > seen.min()


def convolved(inputs: Any, outputs: int, activation: str) -> Any:
    """A body of one convolution, with a dense layer behind it."""
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 3, name="first")(inputs))
    return keras.layers.Dense(outputs, activation=activation, dtype="float32", name="head")(x)


@pytest.mark.parametrize("suffix", ["", ".keras", ".weights.h5"])
@pytest.mark.parametrize("mixed", ["source", "target", "both"])
def test_mixing_is_no_weight_to_begin_with(
    mixed: str, suffix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From a network or its file, with mixing or without: the convolution is taken over, the mixing stays its own."""
    monkeypatch.setattr(module, "ARCHITECTURES", {"convolved": convolved})

    def made(own: bool) -> keras.Model:
        mix = mixing(MIXED, CHANNELS) if own else None
        channels = 4 if own else 3
        return build("convolved", {}, (8, 8, channels), 2, False, Scaling(np.ones(channels), np.zeros(channels), mix))

    source, target = made(mixed != "target"), made(mixed != "source")
    origin: Any = source
    if suffix:
        origin = str(tmp_path / f"source{suffix}")
        (source.save if suffix == ".keras" else source.save_weights)(origin)
    head = target.get_layer("head").get_weights()[0]
    weights.load(target, origin)
    np.testing.assert_array_equal(
        target.get_layer("first").get_weights()[0], source.get_layer("first").get_weights()[0]
    )
    np.testing.assert_array_equal(target.get_layer("head").get_weights()[0], head)
    if mixed != "source":
        np.testing.assert_array_equal(target.get_layer(MIX).get_weights()[0], mixing(MIXED, CHANNELS))
    weights.freeze(target)
    assert [weight.path for weight in target.trainable_variables] == ["head/kernel", "head/bias"]
