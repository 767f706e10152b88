"""From a recipe's words to a Keras model that takes raw integer images."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from hpapipe.errors import UserError, nearest
from hpapipe.models import ARCHITECTURES, LEAST_SIDE


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an unknown architecture or option.

    Raises:
        UserError: naming the nearest that exists.
    """
    if name not in ARCHITECTURES:
        raise UserError("`model.name` must be an architecture.", f"`{name}`", nearest(name, ARCHITECTURES))
    known = list(inspect.signature(ARCHITECTURES[name]).parameters)[3:]
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
    scale: np.ndarray,
    offset: np.ndarray,
) -> keras.Model:
    """A model from images as they are stored, `[batch, *shape]`, to probabilities, float32 `[batch, outputs]`.

    Args:
        name: key of `ARCHITECTURES`.
        options: options of that architecture.
        shape: height, width, channels.
        outputs: number of labels.
        one_label: softmax over the labels, not a sigmoid each.
        scale: float `[channels]`; the network sees image * scale + offset.
        offset: float `[channels]`.

    Raises:
        UserError: unknown name or option, or options that do not fit the images.
    """
    check_options(name, options)
    check_size(name, *shape[:2])
    inputs = keras.Input(shape, name="images")
    # float32 under mixed precision too: a 16-bit pixel value overflows float16.
    scaling = keras.layers.Rescaling(scale.tolist(), offset.tolist(), dtype="float32", name="scaling")
    activation = "softmax" if one_label else "sigmoid"
    try:
        answers = ARCHITECTURES[name](scaling(inputs), outputs, activation, **options)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        received = f"{dict(options)} for images of {shape[0]}×{shape[1]} (“{reason}”)"
        raise UserError(f"The options of `{name}` must fit the images.", received, "Change `model.options`.") from error
    return keras.Model(inputs, answers, name=name)


def scaling_of(images: np.ndarray, fields: np.ndarray, how: str) -> tuple[np.ndarray, np.ndarray]:
    """(scale, offset) of each channel, float64 `[channels]` both.

    Args:
        images: integers `[fields, height, width, channels]`.
        fields: the numbers of the training fields.
        how: `range`: 0 to 1 over the integer type; `standard`: mean 0 and spread 1 over the training fields.
    """
    channels = images.shape[-1]
    if how == "range":
        return np.full(channels, 1 / np.iinfo(images.dtype).max), np.zeros(channels)
    total, squares, pixels = np.zeros(channels), np.zeros(channels), 0
    for start in range(0, len(fields), 256):
        part = images[fields[start : start + 256]].reshape(-1, channels).astype(np.float64)
        total, squares, pixels = total + part.sum(0), squares + (part**2).sum(0), pixels + len(part)
    mean = total / pixels
    spread = np.sqrt(np.maximum(squares / pixels - mean**2, 0))
    scale = 1 / np.where(spread > 0, spread, 1)
    return scale, -mean * scale
