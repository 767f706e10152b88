"""From a recipe's words to a model: what is refused, and how images are scaled."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.models import build as module
from hpapipe.models.build import Scaling, build, check_options, scaling_of

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
