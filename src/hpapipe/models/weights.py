"""Pretrained weights: ImageNet's by name, those of a local file, or those of another network.

Only arrays and descriptions of layers are read, never pickled objects or code.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np

from hpapipe.errors import UserError
from hpapipe.models.published import PUBLISHED, Published, fetch

IMAGENET = "imagenet"
INPUT_NORMS = ("input_norm", "bn_data")
"""Names of the normalization of the input: it belongs to the images that a network is trained on, as scaling does."""

Stored = tuple[str, list[np.ndarray]]
"""A layer's name and its weights."""

MIX = "mix"
"""Name of the layer that mixes channels as the recipe says: no weights of it are learned, and none are read."""


def begin(network: keras.Model, source: str | keras.Model | None, frozen: bool) -> None:
    """Give `network` the weights that its training begins with.

    Args:
        network: as built.
        source: as `load` takes it; none: its own, by chance.
        frozen: what was loaded stays as it is.

    Raises:
        UserError: as `load`.
    """
    if source is not None:
        load(network, source)
    if frozen:
        freeze(network)


def load(network: keras.Model, source: str | keras.Model) -> None:
    """Give the body of `network` the weights of `source`; its suffix and head stay as they are.

    The first convolution is widened where the numbers of channels differ. The normalization of the input is taken over
    from a network or its weights if it has as many channels, and stays fresh otherwise.

    Args:
        network: as built.
        source: `imagenet`; a `.keras`, `.weights.h5` or `.h5` file; or a network.

    Raises:
        UserError: no such file; no published weights; weights of another shape.
    """
    if isinstance(source, keras.Model):
        _take(network, [_of(layer) for layer in base(source)], f"network `{source.name}`")
        return
    body = _body(network)
    path = fetch(body.name if body else network.name) if source == IMAGENET else check_file(source)
    try:
        if path.suffix == ".keras":
            saved = keras.models.load_model(path, compile=False, safe_mode=True)
            _take(network, [_of(layer) for layer in base(saved)], path.name)
        else:
            _load_h5(network, path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        rule = "`model.weights` must be a file of weights that Keras has saved."
        raise UserError(rule, f"{path} (“{reason}”)", "Save the network again, or give another file.") from error


def freeze(network: keras.Model) -> None:
    """Train the suffix and the head only; normalization before them keeps its statistics."""
    for layer in network.layers:
        layer.trainable = not _is_base(layer)


def base(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers with weights that come before the suffix, those of a nested body each."""
    return list(_leaves([layer for layer in network.layers if _is_base(layer) and layer.name != MIX]))


def kernels(network: keras.Model) -> dict[str, np.ndarray]:
    """Path -> weights of every kernel, of frozen layers too; the mixing of channels has no weights of its own."""
    weights = [weight for layer in network.layers if layer.name != MIX for weight in layer.weights]
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in weights if weight.name.endswith("kernel")}


def suffix_paths(network: keras.Model) -> set[str]:
    """The paths of all weights that follow the body: those of the suffix and the head."""
    return {weight.path for layer in network.layers if not _is_base(layer) for weight in layer.weights}


def widened(kernel: np.ndarray, channels: int) -> np.ndarray:
    """A first convolution's kernel for another number of channels.

    The mean over its channels is repeated, and scaled by old / new channels, so that a picture that is grey to the old
    kernel and alike in all channels to the new one gives the same activations.

    Args:
        kernel: float `[height, width, channels, filters]`.
        channels: that the new kernel takes.

    Source: inflation, over channels instead of frames, of Carreira and Zisserman, "Quo vadis, action recognition?",
    2017, section 2.4.
    """
    mean = kernel.mean(axis=2, keepdims=True) * (kernel.shape[2] / channels)
    return np.repeat(mean, channels, axis=2).astype(kernel.dtype)


def check_file(source: str) -> Path:
    """The path of a local file of weights.

    Raises:
        UserError: it does not exist, or is of another kind.
    """
    path = Path(source).expanduser()
    rule = "`model.weights` must be `imagenet`, a .keras, .weights.h5 or .h5 file, or `models:/NAME@ALIAS`."
    if path.suffix not in (".keras", ".h5"):
        raise UserError(rule, f"`{source}`", "Save the weights with Keras, or leave `model.weights` out.")
    if not path.is_file():
        raise UserError(rule, f"`{source}`, which does not exist", "Give the path of a file that is there.")
    return path


def _is_base(layer: keras.layers.Layer) -> bool:
    return layer.name != "head" and not layer.name.startswith("suffix")


def _body(network: keras.Model) -> keras.Model | None:
    return next((layer for layer in network.layers if isinstance(layer, keras.Model)), None)


def _leaves(layers: Sequence[keras.layers.Layer]) -> Iterator[keras.layers.Layer]:
    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer.layers)
        elif layer.weights:
            yield layer


def _of(layer: keras.layers.Layer) -> Stored:
    return layer.name, [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


def _load_h5(network: keras.Model, path: Path) -> None:
    with h5py.File(path) as file:
        group = file.get("model_weights", file)
        if "layer_names" not in group.attrs and "layer_names0" not in group.attrs:
            _take(network, list(_by_place(network, file)), path.name)
            return
        body = _body(network)
        known = PUBLISHED.get(body.name) if body else None
        _take(network, list(_in_order(group)), path.name, known)


def _in_order(group: Any) -> Iterator[Stored]:
    """Layers of a file in Keras' older layout, which names them in their order."""
    for name in _names(group, "layer_names"):
        arrays = [np.asarray(group[name][weight]) for weight in _names(group[name], "weight_names")]
        if arrays:
            yield name, arrays


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names, which the older layout splits where it is long."""
    parts = [attribute] if attribute in group.attrs else [f"{attribute}{number}" for number in range(len(group.attrs))]
    found = [name for part in parts if part in group.attrs for name in group.attrs[part]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


def _by_place(network: keras.Model, file: Any) -> Iterator[Stored]:
    """Layers of a `.weights.h5` file, which keeps them by kind and number, in the order of `network`.

    It may hold the whole network or its body alone.
    """
    body = _body(network)
    whole = body is None or "layers/functional" in file
    yield from _places(network.layers if body is None or whole else body.layers, file["layers"])


def _places(layers: Sequence[keras.layers.Layer], group: Any) -> Iterator[Stored]:
    seen: Counter[str] = Counter()
    for layer in layers:
        kind = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()
        place = f"{kind}_{seen[kind]}" if seen[kind] else kind
        seen[kind] += 1
        if not _is_base(layer) or place not in group:
            continue
        if isinstance(layer, keras.Model):
            yield from _places(layer.layers, group[place]["layers"])
        elif layer.weights:
            held = group[place]["vars"]
            yield layer.name, [np.asarray(held[str(number)]) for number in range(len(held))]


def _take(network: keras.Model, stored: list[Stored], origin: str, known: Published | None = None) -> None:
    """Assign `stored` to the base of `network`, layer after layer; nothing is assigned unless everything fits."""
    target = base(network)
    norm = [layer for layer in target if layer.name in INPUT_NORMS]
    target = [layer for layer in target if layer.name not in INPUT_NORMS]
    stored_norm = [arrays for name, arrays in stored if name in INPUT_NORMS]
    # A dense layer is the head of the network that the file was made of: no base here has one.
    kept = [each for each in stored if each[0] not in INPUT_NORMS and each[1][0].ndim != 2]
    found: list[tuple[keras.layers.Layer, list[np.ndarray]]] = []
    for layer, each in itertools.zip_longest(target, kept):
        name, arrays = each or ("nothing", [])
        if layer is not None and not found:
            arrays = _first(arrays, layer, known)
        _check(network, layer, name, arrays, origin)
        found.append((layer, arrays))
    if known is None and norm and stored_norm and _shapes(stored_norm[0]) == _shapes(norm[0].weights):
        found.append((norm[0], stored_norm[0]))
    for layer, arrays in found:
        layer.set_weights(arrays)


def _first(arrays: list[np.ndarray], layer: keras.layers.Layer, known: Published | None) -> list[np.ndarray]:
    """The first layer's weights, for this network's channels and for pixels of spread 1."""
    if not arrays or arrays[0].ndim != 4:
        return arrays
    kernel, channels = arrays[0], layer.weights[0].shape[2]
    kernel = kernel if kernel.shape[2] == channels else widened(kernel, channels)
    return [kernel * known.spread if known else kernel, *arrays[1:]]


def _check(
    network: keras.Model, layer: keras.layers.Layer | None, name: str, arrays: list[np.ndarray], origin: str
) -> None:
    wanted, given = _shapes(layer.weights) if layer else [], _shapes(arrays)
    if wanted == given:
        return
    rule = f"Weights must have the shapes of `{network.name}`."
    place = f"layer `{layer.name}` is {wanted}" if layer else "it ends"
    received = f"{origin}, which differs first where {place}: there it holds `{name}` {given}"
    raise UserError(rule, received, "Give weights of the same architecture and options.")


def _shapes(weights: Sequence[Any]) -> list[list[int]]:
    return [list(weight.shape) for weight in weights]
