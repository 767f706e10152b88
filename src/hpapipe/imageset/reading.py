"""Images for a network's answers: each once, in order, laid in all the ways that are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from hpapipe.imageset.augment import all_ways, turned
from hpapipe.imageset.view import View, cropped


class Reading(keras.utils.PyDataset):
    """Batches of images alone, `[batch, height, width, channels]`: each batch as often as there are ways to see it.

    Args:
        images: integers, to be indexed by fields, `[fields, height, width, channels]` at the size that `view` keeps.
        fields: int, the numbers of the fields to read.
        batch_size: fields at a time.
        view: its crops are ways to see a field.
        turns: the ways to turn and mirror a field are ways to see it, too.
    """

    def __init__(self, images: Any, fields: np.ndarray, batch_size: int, view: View, turns: bool = False) -> None:
        super().__init__()
        self.images, self.fields, self.batch_size, self.view = images, fields, batch_size, view
        laid = all_ways(view.size[0] == view.size[1]) if turns else [0]
        self.ways = [(way, origin) for way in laid for origin in view.origins]
        self.held = (-1, np.empty(0))

    def __len__(self) -> int:
        return math.ceil(len(self.fields) / self.batch_size) * len(self.ways)

    def __getitem__(self, place: int) -> tuple[np.ndarray]:
        batch, number = divmod(place, len(self.ways))
        if self.held[0] != batch:  # read once, for all its ways
            self.held = batch, self.images[self.fields[batch * self.batch_size :][: self.batch_size]]
        way, origin = self.ways[number]
        images = self.held[1]
        if len(self.view.origins) > 1 or self.view.stored != self.view.size:
            images = cropped(images, np.tile(origin, (len(images), 1)), self.view.size)
        return (turned(images, way),)

    def batches(self) -> Iterator[tuple[np.ndarray]]:
        """All batches, in order."""
        return (self[place] for place in range(len(self)))

    def by_way(self, answers: np.ndarray) -> np.ndarray:
        """A network's answers to all batches, `[answers, …]`, as `[laid, crops, fields, …]`."""
        crops, ways = len(self.view.origins), len(self.ways)
        joined = []
        for first in range(0, len(self.fields), self.batch_size):
            count = min(self.batch_size, len(self.fields) - first)
            start = first * ways
            joined.append(
                answers[start : start + count * ways].reshape(ways // crops, crops, count, *answers.shape[1:])
            )
        return np.concatenate(joined, axis=2)
