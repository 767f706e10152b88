"""The architectures, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpapipe.models.applications import densenet121, efficientnetv2b0, resnet50
from hpapipe.models.gapnet import gapnet
from hpapipe.models.haltuf import model15
from hpapipe.models.inception import model14, model16, model18
from hpapipe.models.residual import model17, residual
from hpapipe.models.resnet import model12, resnet34
from hpapipe.models.two_way import model5, model6, model7, model8

ARCHITECTURES: dict[str, Callable[..., Any]] = {
    "residual": residual,
    "model5": model5,
    "model6": model6,
    "model7": model7,
    "model8": model8,
    "model12": model12,
    "model13": model12,
    "model14": model14,
    "model15": model15,
    "model16": model16,
    "model17": model17,
    "NewResNet": model17,
    "model18": model18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "densenet121": densenet121,
    "efficientnetv2b0": efficientnetv2b0,
    "gapnet": gapnet,
}
"""Name -> builder(scaled inputs, outputs, activation, **options) -> answers.

A new architecture is one builder and one line here. Its last layer is called `head`; layers that are not part of its
body have names that begin with `suffix`: pretrained weights are not read into these, and freezing leaves them out.
"""

LEAST_SIDE = {"model5": 11, "model6": 144, "model7": 144, "model8": 144, "model15": 32}
LEAST_SIDE |= dict.fromkeys(("model14", "model16", "model18"), 75)
LEAST_SIDE |= dict.fromkeys(("model12", "model13", "resnet34", "resnet50", "densenet121", "efficientnetv2b0"), 32)
"""Smallest height and width in pixels that an architecture takes, where it does not take any."""
