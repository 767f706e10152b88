"""The losses, by name, for labels that may be several (binary) or exactly one (categorical), and for masks."""

from __future__ import annotations

from collections.abc import Callable

import keras

from hpapipe.config import Fit
from hpapipe.training.region_losses import RegionLoss


def loss(recipe: Fit, one_label: bool) -> keras.losses.Loss:
    """The loss of a recipe: truth and probabilities float `[batch, labels]` -> mean over batch and labels."""
    return LOSSES[recipe.loss, one_label](recipe)


def mask_loss(recipe: Fit) -> keras.losses.Loss:
    """The loss of a recipe for masks: truth and probabilities `[batch, height, width, 1]` -> mean over the batch."""
    return MASK_LOSSES[recipe.loss]()


def _binary(recipe: Fit) -> keras.losses.Loss:
    return keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)


def _categorical(recipe: Fit) -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)


def _binary_focal(recipe: Fit) -> keras.losses.Loss:
    """Lin et al., "Focal loss for dense object detection", 2017, equation 4."""
    return keras.losses.BinaryFocalCrossentropy(gamma=recipe.focal_gamma, label_smoothing=recipe.label_smoothing)


def _categorical_focal(recipe: Fit) -> keras.losses.Loss:
    """The same for softmax; alpha 1 leaves the labels' weights alone."""
    return keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=recipe.focal_gamma, label_smoothing=recipe.label_smoothing
    )


LOSSES: dict[tuple[str, bool], Callable[[Fit], keras.losses.Loss]] = {
    ("crossentropy", False): _binary,
    ("crossentropy", True): _categorical,
    ("focal", False): _binary_focal,
    ("focal", True): _categorical_focal,
}
"""(name, one label) -> loss."""

MASK_LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "crossentropy": lambda: RegionLoss(dice=0),
    "dice": lambda: RegionLoss(crossentropy=0),
    "crossentropy_dice": RegionLoss,
}
