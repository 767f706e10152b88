"""Pretrained weights: what is taken over, what stays fresh, how a first convolution is widened, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.errors import UserError
from hpapipe.models import ARCHITECTURES, LEAST_SIDE
from hpapipe.models.build import Scaling, build
from hpapipe.models.published import PUBLISHED
from hpapipe.models.weights import base, check_file, freeze, load, widened

pytestmark = pytest.mark.usefixtures("seeded", "small_bodies")
NAMES = sorted({builder: name for name, builder in ARCHITECTURES.items()}.values())


def built(name: str, channels: int = 3, outputs: int = 2, **options: Any) -> keras.Model:
    side = max(32, LEAST_SIDE.get(name, 0))
    shape = (side, side, channels)
    return build(name, options, shape, outputs, False, Scaling(np.full(channels, 1 / 64), np.full(channels, -2.0)))


def disturbed(model: keras.Model) -> keras.Model:
    """Every weight moved off its start, statistics too."""
    chance = np.random.default_rng(3)
    model.set_weights([weight + chance.uniform(0.01, 0.1, weight.shape) for weight in model.get_weights()])
    return model


def values(layers: list[keras.layers.Layer]) -> list[np.ndarray]:
    return [weight for layer in layers for weight in layer.get_weights()]


def body_of(model: keras.Model) -> keras.Model:
    (body,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    return body


def as_published(body: keras.Model, path: Path) -> Path:
    """The weights of `body` in the older layout of the files that keras.applications downloads."""
    with h5py.File(path, "w") as file:
        named = [layer for layer in body.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in named]
        for layer in named:
            group, names = file.create_group(layer.name), []
            for number, weight in enumerate(layer.get_weights()):
                names.append(f"{layer.name}/{number}:0".encode())
                group[names[-1].decode()] = weight
            group.attrs["weight_names"] = names
    return path


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each architecture there is."""
    return str(request.param)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_saved_network_gives_its_base_and_no_head(name: str, suffix: str, tmp_path: Path) -> None:
    """Whatever its number of labels was: what depends on it begins afresh."""
    source, network = disturbed(built(name, outputs=2)), built(name, outputs=5)
    path = tmp_path / f"source{suffix}"
    source.save(path) if suffix == ".keras" else source.save_weights(path)
    head = network.get_layer("head").get_weights()
    load(network, str(path))
    assert len(base(network)) == len(base(source)) > 0
    for taken, given_ in zip(values(base(network)), values(base(source)), strict=True):
        np.testing.assert_array_equal(taken, given_)
    for before, after in zip(head, network.get_layer("head").get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)


def test_a_network_in_memory_is_widened(name: str) -> None:
    """Three channels become five; all but the first convolution and the input's normalization is taken as it is."""
    source, network = disturbed(built(name, 3)), built(name, 5)
    load(network, source)
    pairs = list(zip(base(network), base(source), strict=True))
    convolutions = [pair for pair in pairs if pair[0].name != "input_norm"]
    for taken, given_ in zip(*(values(list(layers)) for layers in zip(*convolutions[1:], strict=True)), strict=True):
        np.testing.assert_array_equal(taken, given_)
    new, old = (layer.get_weights()[0] for layer in convolutions[0])
    np.testing.assert_allclose(new, widened(old, 5))
    for layer, _ in pairs:
        if layer.name == "input_norm":
            np.testing.assert_array_equal(layer.get_weights()[-1], np.ones(5))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_widening_keeps_the_answer_to_grey(old: int, new: int, seed: int) -> None:
    """The response to channels that are all alike is the same, however many there are."""
    kernel = np.random.default_rng(seed).normal(size=(2, 2, old, 3))
    wide = widened(kernel, new)
    assert wide.shape == (2, 2, new, 3)
    np.testing.assert_allclose(wide.sum(2), kernel.sum(2), atol=1e-12)


def test_widening_by_hand() -> None:
    """Kernel values 1, 2 and 6 have the mean 3; 3 * 3 / 4 for each of four channels."""
    kernel = np.array([1, 2, 6], np.float32).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(widened(kernel, 4), np.full((1, 1, 4, 1), 2.25, np.float32))
    np.testing.assert_array_equal(widened(kernel, 1), np.full((1, 1, 1, 1), 9, np.float32))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_a_widened_body_answers_a_grey_image_as_before(channels: int) -> None:
    """Through the whole body, in inference."""
    source, network = disturbed(built("resnet50", 3)), built("resnet50", channels)
    load(network, source)
    grey = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)
    before, after = (
        keras.ops.convert_to_numpy(body_of(model)(np.repeat(grey, count, 3)))
        for model, count in ((source, 3), (network, channels))
    )
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("save", [lambda body, path: body.save(path), as_published], ids=["keras", "published"])
def test_a_body_in_the_older_layout(save: Callable[[keras.Model, Path], object], tmp_path: Path) -> None:
    """As keras.applications publishes them: pixels of spread 1 instead of 57.6 (0 to 255) give the same response."""
    source, network = disturbed(built("resnet50", 3)), built("resnet50", 3)
    path = tmp_path / "body.h5"
    save(body_of(source), path)
    load(network, str(path))
    first, *others = values(base(source))
    taken, *kept = values(base(network))
    np.testing.assert_allclose(taken, first * 57.6, rtol=1e-6)
    for one, other in zip(kept, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_body_alone_in_the_newer_layout(tmp_path: Path) -> None:
    """`body.save_weights`: nothing is known of its pixels, so nothing is scaled."""
    source, network = disturbed(built("model14", 3)), built("model14", 3)
    body_of(source).save_weights(tmp_path / "body.weights.h5")
    load(network, str(tmp_path / "body.weights.h5"))
    for one, other in zip(body_of(network).get_weights(), body_of(source).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(network.get_layer("input_norm").get_weights()[-1], np.ones(3))


def test_published_weights_of_resnet18_fit(tmp_path: Path) -> None:
    """Their file begins with a normalization of the input and ends with a head: both are left out."""
    source, network = disturbed(built("model12", 3)), built("model12", 4)
    with h5py.File(as_published(body_of(source), tmp_path / "resnet18.h5"), "a") as file:
        named = [layer.name.encode() for layer in body_of(source).layers if layer.weights]
        file.attrs["layer_names"] = [b"bn_data", *named, b"fc1"]
        for layer_name, shapes in (("bn_data", [(3,)] * 3), ("fc1", [(512, 10), (10,)])):
            group = file.create_group(layer_name)
            group.attrs["weight_names"] = [f"{number}".encode() for number in range(len(shapes))]
            for number, shape in enumerate(shapes):
                group[f"{number}"] = np.full(shape, 9.0)
    load(network, str(tmp_path / "resnet18.h5"))
    np.testing.assert_allclose(values(base(network))[3], widened(values(base(source))[3], 4))
    np.testing.assert_array_equal(values(base(network))[2], np.ones(4))
    np.testing.assert_array_equal(values(base(network))[-1], values(base(source))[-1])


def test_weights_of_another_shape_name_the_first_layer_that_differs(tmp_path: Path) -> None:
    """With both shapes, and before anything is changed."""
    built("residual", width=8).save(tmp_path / "narrow.keras")
    network = built("residual", width=16)
    before = network.get_weights()
    words = (
        r"shapes of `residual`. Received narrow.keras, which differs first where layer `conv2d\w*` is "
        r"\[\[3, 3, 3, 16\]\]: there it holds `conv2d\w*` \[\[3, 3, 3, 8\]\]"
    )
    with pytest.raises(UserError, match=words):
        load(network, str(tmp_path / "narrow.keras"))
    for one, other in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_shorter_and_a_longer_network_are_refused() -> None:
    """One ends before the other."""
    short, long = built("residual", blocks=[1]), built("residual", blocks=[1, 1])
    with pytest.raises(UserError, match="there it holds `nothing`"):
        load(long, short)
    with pytest.raises(UserError, match="where it ends"):
        load(short, long)


def test_imagenet_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of this body is asked for by its name and checksum, and read."""
    source, network, asked = disturbed(built("densenet121", 3)), built("densenet121", 4), []

    def get_file(name: str, origin: str, cache_subdir: str, file_hash: str) -> str:
        asked.append((name, origin, cache_subdir, file_hash))
        return str(as_published(body_of(source), tmp_path / "densenet.h5"))

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    load(network, "imagenet")
    known = PUBLISHED["densenet121"]
    assert asked == [(known.file, f"{known.origin}/{known.file}", "models", known.md5)]
    np.testing.assert_allclose(values(base(network))[0], widened(values(base(source))[0], 4))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("model14", "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("resnet50", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("model12", "resnet18_imagenet_1000_no_top.h5"),
    ],
)
def test_without_a_network_the_error_says_which_file_to_put_where(
    name: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exact name, the folder, and the way around it."""

    def get_file(*given: object, **options: object) -> str:
        raise Exception("URL fetch failure on https://x: None -- [Errno -2] Name or service not known")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    words = rf"Received “URL fetch failure.*Put {file} from https://.*{file} into ~/.keras/models, or give its path"
    with pytest.raises(UserError, match=words):
        load(built(name), "imagenet")


@pytest.mark.parametrize("name", ["residual", "gapnet", "model15"])
def test_imagenet_for_what_was_never_trained_on_it(name: str) -> None:
    """Names what was."""
    with pytest.raises(UserError, match=rf"needs an architecture whose weights are published.*`{name}`.*resnet50"):
        load(built(name), "imagenet")


@pytest.mark.whole
@pytest.mark.parametrize(
    "function", ["InceptionResNetV2", "InceptionV3", "ResNet50", "DenseNet121", "EfficientNetV2B0"]
)
def test_published_names_are_those_that_keras_uses(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, address and checksum are what keras.applications itself would download."""
    from keras.src.utils import file_utils

    monkeypatch.undo()  # the real bodies
    asked: list[tuple[str, str, str]] = []

    def get_file(name: str, origin: str, cache_subdir: str, file_hash: str) -> str:
        asked.append((name, origin, file_hash))
        raise InterruptedError

    monkeypatch.setattr(file_utils, "get_file", get_file)
    with pytest.raises(InterruptedError):
        getattr(keras.applications, function)(include_top=False, input_shape=(96, 96, 3))
    ((file, origin, md5),) = asked
    assert (file, origin, md5) in [
        (known.file, f"{known.origin}/{known.file}", known.md5) for known in PUBLISHED.values()
    ]


@pytest.mark.parametrize(
    ("given_", "received"),
    [("weights.pkl", "`weights.pkl`"), ("imagnet", "`imagnet`"), ("gone.keras", "gone.keras`, which does not exist")],
)
def test_what_is_no_file_of_weights_is_refused(given_: str, received: str) -> None:
    """A pickle, a slip in `imagenet`, a file that is not there."""
    with pytest.raises(UserError, match=rf"must be `imagenet`, a .keras.*{received}"):
        check_file(given_)


@pytest.mark.parametrize("file", ["broken.keras", "broken.h5", "empty.h5"])
def test_a_broken_file_is_told(file: str, tmp_path: Path) -> None:
    """With its path, not as a traceback."""
    if file == "empty.h5":
        h5py.File(tmp_path / file, "w").close()
    else:
        (tmp_path / file).write_bytes(b"no weights")
    with pytest.raises(UserError, match=rf"must be a file of weights that Keras has saved. Received .*{file} \(“"):
        load(built("residual"), str(tmp_path / file))


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    """A lambda layer would be code of whoever made the file."""
    images = keras.Input((32, 32, 3))
    keras.Model(images, keras.layers.Lambda(lambda x: x + 1)(images)).save(tmp_path / "code.keras")
    with pytest.raises(UserError, match=r"must be a file of weights.*code.keras"):
        load(built("residual"), str(tmp_path / "code.keras"))


def test_frozen_trains_suffix_and_head_only(name: str) -> None:
    """A step moves these, and neither the body's weights nor its statistics."""
    network = built(name)
    freeze(network)
    fixed = values(base(network))
    network.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 255, (2, *network.input_shape[1:]), np.uint8, endpoint=True)
    head = network.get_layer("head").get_weights()
    network.train_on_batch(images, np.ones((2, 2), np.float32))
    for before, after in zip(fixed, values(base(network)), strict=True):
        np.testing.assert_array_equal(after, before)
    assert (network.get_layer("head").get_weights()[1] != head[1]).any()
    assert all(
        layer.name == "head" or layer.name.startswith("suffix") for layer in network.layers if layer.trainable_weights
    )
