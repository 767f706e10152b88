"""The architectures that answer for every pixel, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpapipe.models.unet import unet

SEGMENTERS: dict[str, Callable[..., Any]] = {"unet": unet}
"""Name -> builder(scaled inputs, outputs, activation, **options) -> `[batch, height, width, outputs]`.

A new architecture is one builder and one line here. What stands in `ARCHITECTURES` about names of layers holds here
too. `build` makes one of these networks where it is given this dictionary as its `builders`.
"""
