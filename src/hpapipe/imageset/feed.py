"""Batches for Keras. What is drawn and how it is laid depends on the seed, the epoch and the batch alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.imageset.augment import augment, draw_ways
from hpapipe.imageset.sources import Source
from hpapipe.imageset.view import cropped


class Draws(keras.utils.PyDataset):
    """Which fields stand in which batch of an epoch: what all feeds have in common.

    Args:
        truth: uint8 `[fields, labels]`, by which rare labels are drawn more often.
        fields: int, the numbers of the fields to draw from.
        recipe: batch size and drawing.
        seed: source of all chance here.
        epoch: the epoch to begin with; a resumed run draws what the stopped one would have drawn.

    Raises:
        UserError: more fields in a batch than there are.
    """

    def __init__(self, truth: np.ndarray, fields: np.ndarray, recipe: config.Feed, seed: int, epoch: int) -> None:
        super().__init__()
        self.truth, self.fields, self.recipe, self.seed = truth, fields, recipe, seed
        self.batch_size = int(recipe.batch_size)
        if self.batch_size > len(fields):
            rule = "`feed.batch_size` must not exceed the training fields."
            raise UserError(rule, f"{self.batch_size} for {len(fields)} fields", "Lower it, or add fields.")
        self.begin(epoch)

    @property
    def drawn(self) -> int:
        """Fields in an epoch."""
        return sum(map(len, self.batches))

    def __len__(self) -> int:
        return len(self.batches)

    def chosen(self, batch: int) -> tuple[np.ndarray, np.random.Generator]:
        """The numbers of the fields of a batch, and the source of chance for how they are laid."""
        # Sorted: neighbours in the memory map are read together.
        return np.sort(self.batches[batch]), np.random.default_rng([self.seed, self.epoch, batch + 1])

    def on_epoch_end(self) -> None:
        self.begin(self.epoch + 1)

    def begin(self, epoch: int) -> None:
        """Draw the fields of `epoch`."""
        self.epoch = epoch
        rng = np.random.default_rng([self.seed, self.epoch, 0])
        drawn = DRAWS[self.recipe.draw](self.truth[self.fields], self.recipe, rng)
        # Evenly split: a last batch of one field would upset batch normalization.
        self.batches = np.array_split(self.fields[drawn], math.ceil(len(drawn) / self.batch_size))


class Feed(Draws):
    """Training batches: images in their integer type `[batch, height, width, channels]`, truth float32 `[batch,
    labels]`.

    Args:
        images: `[fields, height, width, channels]`: a pack's memory map, or another source.
        truth: uint8 `[fields, labels]`.
        fields: int, the numbers of the fields to draw from.
        recipe: batch size, drawing and augmentation.
        seed: source of all chance here.
        epoch: the epoch to begin with; a resumed run draws what the stopped one would have drawn.
        size: height and width that are cut out of the images at random places; none: images stay whole.

    Raises:
        UserError: more fields in a batch than there are.
    """

    def __init__(
        self,
        images: Source,
        truth: np.ndarray,
        fields: np.ndarray,
        recipe: config.Feed,
        seed: int,
        epoch: int = 0,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(truth, fields, recipe, seed, epoch)
        self.images = images
        self.size = size or images.shape[1:3]

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        chosen, rng = self.chosen(batch)
        images = self.images[chosen]
        if images.shape[1:3] != tuple(self.size):
            room = np.subtract(images.shape[1:3], self.size)
            images = cropped(images, rng.integers(room + 1, size=(len(images), 2)), self.size)
        square = images.shape[1] == images.shape[2]
        ways = draw_ways(len(images), self.recipe.flips, self.recipe.turns, square, rng)
        return augment(images, ways), self.truth[chosen].astype(np.float32)


def in_order(truth: np.ndarray, recipe: config.Feed, rng: np.random.Generator) -> np.ndarray:
    """Every field once, as the table has them: int `[fields]`."""
    return np.arange(len(truth))


def shuffled(truth: np.ndarray, recipe: config.Feed, rng: np.random.Generator) -> np.ndarray:
    """Every field once, in random order: int `[fields]`."""
    return rng.permutation(len(truth))


def replacement(truth: np.ndarray, recipe: config.Feed, rng: np.random.Generator) -> np.ndarray:
    """Fields drawn alike, with replacement: int `[epoch_fields]`."""
    return rng.integers(len(truth), size=recipe.epoch_fields or len(truth))


def balanced(truth: np.ndarray, recipe: config.Feed, rng: np.random.Generator) -> np.ndarray:
    """Fields drawn with replacement, those with a rare label more often: int `[epoch_fields]`."""
    shares = draw_shares(truth, recipe.balance)
    return rng.choice(len(truth), recipe.epoch_fields or len(truth), p=shares)


def draw_shares(truth: np.ndarray, balance: float) -> np.ndarray:
    """The chance of each field to be drawn, float64 `[fields]`, summing to 1.

    A field weighs as much as its rarest label: (1 / share of that label) to the power of `balance`; without
    labels it weighs 1, the least there is.
    """
    share = np.maximum(truth.mean(0), 1 / len(truth))
    weight = np.where(truth > 0, share**-balance, 1).max(1)
    return weight / weight.sum()


DRAWS: dict[str, Callable[[np.ndarray, config.Feed, np.random.Generator], np.ndarray]] = {
    "in_order": in_order,
    "shuffled": shuffled,
    "replacement": replacement,
    "balanced": balanced,
}
