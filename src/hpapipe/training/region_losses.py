"""Losses for masks: of each pixel, and of the overlap of whole regions."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

SMOOTH = 1.0
"""Pixels added above and below the overlap's fraction line: an empty mask that is answered as empty has no loss."""


def pixel_loss(truth: Any, probabilities: Any) -> Any:
    """Mean over the pixels of the binary cross-entropy, float32 `[batch]`.

    Args:
        truth: 0 or 1, any dtype, `[batch, height, width, channels]`.
        probabilities: any float dtype, the same shape, 0 to 1; taken as at least 1e-7 away from 0 and 1.
    """
    losses = ops.binary_crossentropy(ops.cast(truth, "float32"), ops.cast(probabilities, "float32"))
    return ops.mean(losses, axis=(1, 2, 3))


def dice_loss(truth: Any, probabilities: Any) -> Any:
    """1 - (2 Σ truth · probability + 1) / (Σ truth + Σ probability + 1) of each image, float32 `[batch]`.

    Each image counts alike, however large its mask is. Where the truth is empty the loss is 0 for an empty answer, and
    its gradient is finite; it is small where far too much is answered, so add `pixel_loss` where masks may be empty.

    Args:
        truth: 0 or 1, any dtype, `[batch, height, width, channels]`.
        probabilities: any float dtype, the same shape, 0 to 1.

    Source: Milletari et al., "V-Net: fully convolutional neural networks for volumetric medical image segmentation",
    2016, section 3, without its squares; Drozdzal et al., "The importance of skip connections in biomedical image
    segmentation", 2016, equation 1.
    """
    # float16 ends at 65504, below the number of pixels of an image of 256×256.
    truth, probabilities = ops.cast(truth, "float32"), ops.cast(probabilities, "float32")
    overlap = ops.sum(truth * probabilities, axis=(1, 2, 3))
    sizes = ops.sum(truth + probabilities, axis=(1, 2, 3))
    return 1 - (2 * overlap + SMOOTH) / (sizes + SMOOTH)


class RegionLoss(keras.losses.Loss):
    """`crossentropy` · `pixel_loss` + `dice` · `dice_loss`, mean over the batch.

    Args:
        crossentropy: weight of the pixels' loss; 0: Dice alone.
        dice: weight of the regions' loss; 0: cross-entropy alone.

    Source: the sum, Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image
    segmentation", 2021.
    """

    def __init__(self, crossentropy: float = 1.0, dice: float = 1.0, name: str = "region") -> None:
        super().__init__(name=name)
        self.crossentropy, self.dice = crossentropy, dice

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, float32 `[batch]`."""
        return self.crossentropy * pixel_loss(y_true, y_pred) + self.dice * dice_loss(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """What this loss is made from again."""
        return {"crossentropy": self.crossentropy, "dice": self.dice, "name": self.name}
