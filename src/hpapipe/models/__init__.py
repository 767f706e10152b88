"""The architectures, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpapipe.models.haltuf import model15
from hpapipe.models.residual import residual

ARCHITECTURES: dict[str, Callable[..., Any]] = {
    "model15": model15,
    "residual": residual,
}
"""Name -> builder(scaled inputs, outputs, activation, **options) -> answers.

A new architecture is one builder and one line here.
"""
