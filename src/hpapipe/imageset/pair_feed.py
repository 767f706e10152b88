"""Batches of images and masks for Keras, warped together."""

from __future__ import annotations

import numpy as np

from hpapipe import config
from hpapipe.imageset.feed import Draws
from hpapipe.imageset.pairs_augment import Ranges, augment_pairs


class PairFeed(Draws):
    """Training batches: images in their integer type and masks float32 (1 in the cell), both `[batch, height, width,
    1]`. What is drawn and how it is laid depends on the seed, the epoch and the batch alone.

    Args:
        images: uint8 or uint16 `[pairs, height, width, 1]`: a pack's memory map, or an array.
        masks: bool `[pairs, height, width]`.
        fields: int, the numbers of the pairs to draw from.
        recipe: batch size and drawing; all pairs weigh alike, so that `balanced` is `replacement`. Its flips and turns
            are not looked at: `ranges` holds what is done to pairs.
        seed: source of all chance here.
        epoch: the epoch to begin with; a resumed run draws what the stopped one would have drawn.
        ranges: how far pairs are warped; none: never.

    Raises:
        UserError: more pairs in a batch than there are.
    """

    def __init__(
        self,
        images: np.ndarray,
        masks: np.ndarray,
        fields: np.ndarray,
        recipe: config.Feed,
        seed: int,
        epoch: int = 0,
        ranges: Ranges | None = None,
    ) -> None:
        super().__init__(np.ones((len(images), 1), np.uint8), fields, recipe, seed, epoch)
        self.images, self.masks, self.ranges = images, masks, ranges

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        chosen, rng = self.chosen(batch)
        images, masks = self.images[chosen], self.masks[chosen]
        if self.ranges is not None:
            images, masks = augment_pairs(images, masks, self.ranges, rng)
        return images, masks[..., None].astype(np.float32)
