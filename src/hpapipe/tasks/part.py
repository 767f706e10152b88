"""The labels that one network answers: all of them, or a group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpapipe.config import Recipe
from hpapipe.labels import LabelSet
from hpapipe.tasks.classifier import present


@dataclass(frozen=True)
class Part:
    """Some of a recipe's labels.

    Args:
        columns: their places among the labels that are learned.
        label_set: their names.
        name: in words, such as `labels 0 to 13`; empty where one network answers all.
    """

    columns: tuple[int, ...]
    label_set: LabelSet
    name: str

    @property
    def two_way(self) -> bool:
        """A single label is answered by a softmax over its absence and its presence."""
        return len(self.columns) == 1

    @property
    def outputs(self) -> int:
        return 2 if self.two_way else len(self.columns)

    @property
    def one_output(self) -> bool:
        """Whether exactly one of the network's outputs is true."""
        return self.two_way or self.label_set.one_label

    def targets(self, truth: np.ndarray) -> np.ndarray:
        """What the network is to say, uint8 `[fields, outputs]`.

        Args:
            truth: uint8 `[fields, labels]`.
        """
        own = truth[:, list(self.columns)]
        return np.concatenate([1 - own, own], axis=1) if self.two_way else own

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """The probability of each of the labels, float32 `[fields, columns]`."""
        return present(outputs, self.columns)


def parts_of(recipe: Recipe) -> tuple[Part, ...]:
    """The parts that a recipe's `groups` make of its labels."""
    whole, indices = recipe.data.label_set, recipe.data.indices
    if not recipe.groups:
        return (Part(recipe.parts[0], whole, ""),)
    return tuple(
        Part(columns, LabelSet(tuple(whole.names[column] for column in columns)), _name([indices[c] for c in columns]))
        for columns in recipe.parts
    )


def _name(indices: list[int]) -> str:
    first, last = indices[0], indices[-1]
    if len(indices) == 1:
        return f"label {first}"
    if indices == list(range(first, last + 1)):
        return f"labels {first} to {last}"
    return f"labels {', '.join(map(str, indices))}"
