"""Batches for Keras. What is drawn and how it is laid depends on the seed, the epoch and the batch alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np

from hpapipe import config
from hpapipe.imageset.augment import augment, draw_ways


class Feed(keras.utils.PyDataset):
    """Training batches: images in their integer type `[batch, height, width, channels]`, truth float32 `[batch,
    labels]`.

    Args:
        images: `[fields, height, width, channels]`, such as a pack's memory map.
        truth: uint8 `[fields, labels]`.
        fields: int, the numbers of the fields to draw from.
        recipe: batch size, drawing and augmentation.
        seed: source of all chance here.
        epoch: the epoch to begin with; a resumed run draws what the stopped one would have drawn.
    """

    def __init__(
        self, images: np.ndarray, truth: np.ndarray, fields: np.ndarray, recipe: config.Feed, seed: int, epoch: int = 0
    ) -> None:
        super().__init__()
        self.images, self.truth, self.fields = images, truth, fields
        self.recipe, self.seed = recipe, seed
        self.begin(epoch)

    def __len__(self) -> int:
        return math.ceil(len(self.fields) / self.recipe.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        # Sorted: neighbours in the memory map are read together.
        chosen = np.sort(self.batches[batch])
        images = self.images[chosen]
        rng = np.random.default_rng([self.seed, self.epoch, batch + 1])
        square = images.shape[1] == images.shape[2]
        ways = draw_ways(len(images), self.recipe.flips, self.recipe.turns, square, rng)
        return augment(images, ways), self.truth[chosen].astype(np.float32)

    def on_epoch_end(self) -> None:
        self.begin(self.epoch + 1)

    def begin(self, epoch: int) -> None:
        """Draw the fields of `epoch`."""
        self.epoch = epoch
        rng = np.random.default_rng([self.seed, self.epoch, 0])
        drawn = DRAWS[self.recipe.draw](self.truth[self.fields], self.recipe, rng)
        # Evenly split: a last batch of one field would upset batch normalization.
        self.batches = np.array_split(self.fields[drawn], len(self))


def shuffled(truth: np.ndarray, recipe: config.Feed, rng: np.random.Generator) -> np.ndarray:
    """Every field once, in random order: int `[fields]`."""
    return rng.permutation(len(truth))


def balanced(truth: np.ndarray, recipe: config.Feed, rng: np.random.Generator) -> np.ndarray:
    """As many fields as there are, drawn with replacement, fields with a rare label more often: int `[fields]`."""
    shares = draw_shares(truth, recipe.balance)
    return rng.choice(len(truth), len(truth), p=shares)


def draw_shares(truth: np.ndarray, balance: float) -> np.ndarray:
    """The chance of each field to be drawn, float64 `[fields]`, summing to 1.

    A field weighs as much as its rarest label: (1 / share of that label) to the power of `balance`; without
    labels it weighs 1, the least there is.
    """
    share = np.maximum(truth.mean(0), 1 / len(truth))
    weight = np.where(truth > 0, share**-balance, 1).max(1)
    return weight / weight.sum()


DRAWS: dict[str, Callable[[np.ndarray, config.Feed, np.random.Generator], np.ndarray]] = {
    "shuffled": shuffled,
    "balanced": balanced,
}


class Reading(keras.utils.PyDataset):
    """Images alone, each once and in order: `[batch, height, width, channels]`.

    Args:
        images: `[fields, height, width, channels]`.
        fields: int, the numbers of the fields to read.
        batch_size: fields at a time.
    """

    def __init__(self, images: np.ndarray, fields: np.ndarray, batch_size: int) -> None:
        super().__init__()
        self.images, self.fields, self.batch_size = images, fields, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.fields) / self.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray]:
        return (self.images[self.fields[batch * self.batch_size :][: self.batch_size]],)
