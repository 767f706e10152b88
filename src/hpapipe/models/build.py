"""From a recipe's words to a Keras model that takes raw integer images."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hpapipe.errors import UserError, nearest
from hpapipe.models import ARCHITECTURES, LEAST_SIDE
from hpapipe.models.weights import MIX

Builders = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Scaling:
    """What a network sees of integers: channel * scale + offset, and then means of some channels.

    Args:
        scale: float64 `[channels]`.
        offset: float64 `[channels]`.
        mix: float32 `[channels, inputs]`, the share of each channel in each input; none: the channels as they are.
        by_batch: scale and offset are passed over: divided by the maximum of the batch, less its mean.
    """

    scale: np.ndarray
    offset: np.ndarray
    mix: np.ndarray | None = None
    by_batch: bool = False

    def __call__(self, inputs: Any) -> Any:
        """Float32 `[batch, height, width, inputs]` of raw images `[batch, height, width, channels]`."""
        # float32 under mixed precision too: a 16-bit pixel value overflows float16.
        if self.by_batch:
            raw = keras.layers.Rescaling(1.0, dtype="float32", name="as_float")(inputs)
            x = raw / keras.ops.maximum(keras.ops.max(raw), 1.0)
            x = x - keras.ops.mean(x)
        else:
            scale, offset = self.scale.tolist(), self.offset.tolist()
            x = keras.layers.Rescaling(scale, offset, dtype="float32", name="scaling")(inputs)
        if self.mix is None:
            return x
        fixed = keras.initializers.Constant(self.mix.tolist())
        mixing = keras.layers.Dense(
            self.mix.shape[1], use_bias=False, kernel_initializer=fixed, dtype="float32", name=MIX, trainable=False
        )
        return mixing(x)


def check_options(name: str, options: Mapping[str, Any], builders: Builders | None = None) -> None:
    """Refuse an unknown architecture or option.

    Args:
        name: key of `builders`.
        options: options of that architecture.
        builders: none: `ARCHITECTURES`.

    Raises:
        UserError: naming the nearest that exists.
    """
    builders = ARCHITECTURES if builders is None else builders
    if name not in builders:
        raise UserError("`model.name` must be an architecture.", f"`{name}`", nearest(name, builders))
    known = list(inspect.signature(builders[name]).parameters)[3:]
    for option in options:
        if option not in known:
            rule = f"`model.options` must hold options of `{name}`."
            raise UserError(rule, f"`{option}`", nearest(option, known))


def check_size(name: str, height: int, width: int) -> None:
    """Refuse images that are too small for an architecture.

    Raises:
        UserError: with the size that it takes.
    """
    least = LEAST_SIDE.get(name, 1)
    if min(height, width) < least:
        rule = f"Images for `{name}` must have {least}×{least} pixels or more."
        remedy = f"Set `data.size` to {least} or more, or choose another `model.name`."
        raise UserError(rule, f"{height}×{width}", remedy)


def build(
    name: str,
    options: Mapping[str, Any],
    shape: tuple[int, int, int],
    outputs: int,
    one_label: bool,
    scaling: Scaling,
    builders: Builders | None = None,
) -> keras.Model:
    """A model from images as they are stored, `[batch, *shape]`, to probabilities, float32 `[batch, outputs]`.

    With `builders=SEGMENTERS` there is a probability for each pixel, `[batch, height, width, outputs]`.

    Args:
        name: key of `builders`.
        options: options of that architecture.
        shape: height, width, channels.
        outputs: number of labels.
        one_label: softmax over the labels, not a sigmoid each.
        scaling: what the network sees of the integers.
        builders: none: `ARCHITECTURES`.

    Raises:
        UserError: unknown name or option, or options that do not fit the images.
    """
    builders = ARCHITECTURES if builders is None else builders
    check_options(name, options, builders)
    check_size(name, *shape[:2])
    inputs = keras.Input(shape, name="images")
    activation = "softmax" if one_label else "sigmoid"
    try:
        answers = builders[name](scaling(inputs), outputs, activation, **options)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        received = f"{dict(options)} for images of {shape[0]}×{shape[1]} (“{reason}”)"
        raise UserError(f"The options of `{name}` must fit the images.", received, "Change `model.options`.") from error
    return keras.Model(inputs, answers, name=name)


def scaling_of(images: Any, fields: np.ndarray, how: str, mix: np.ndarray | None = None) -> Scaling:
    """The scaling that a recipe asks for.

    Args:
        images: integers, to be indexed by fields, `[fields, height, width, channels]`.
        fields: the numbers of the training fields.
        how: `range`: 0 to 1 over the integer type; `standard`: mean 0 and spread 1 over the training fields; `batch`:
            by each batch's own maximum and mean.
        mix: float32 `[channels, inputs]`, or none.
    """
    channels = images.shape[-1]
    if how != "standard":
        most = np.iinfo(images.dtype).max
        return Scaling(np.full(channels, 1 / most), np.zeros(channels), mix, by_batch=how == "batch")
    total, squares, pixels = np.zeros(channels), np.zeros(channels), 0
    for start in range(0, len(fields), 256):
        part = images[fields[start : start + 256]].reshape(-1, channels).astype(np.float64)
        total, squares, pixels = total + part.sum(0), squares + (part**2).sum(0), pixels + len(part)
    mean = total / pixels
    spread = np.sqrt(np.maximum(squares / pixels - mean**2, 0))
    scale = 1 / np.where(spread > 0, spread, 1)
    return Scaling(scale, -mean * scale, mix)


def mixing(mix: Sequence[Sequence[str]], channels: Sequence[str]) -> np.ndarray | None:
    """The share of each channel in each input, float32 `[channels, inputs]`; none where nothing is mixed.

    Args:
        mix: for each input the channels whose mean it is.
        channels: names, in the order of the images' last axis.
    """
    if not mix:
        return None
    shares = np.zeros((len(channels), len(mix)), np.float32)
    for place, mixed in enumerate(mix):
        for channel in mixed:
            shares[channels.index(channel), place] += 1 / len(mixed)
    return shares
