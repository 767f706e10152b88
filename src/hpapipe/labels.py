"""The 28 structures of the Human Protein Atlas challenge, and label sets in general."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STRUCTURES: tuple[str, ...] = (
    "Nucleoplasm",
    "Nuclear membrane",
    "Nucleoli",
    "Nucleoli fibrillar center",
    "Nuclear speckles",
    "Nuclear bodies",
    "Endoplasmic reticulum",
    "Golgi apparatus",
    "Peroxisomes",
    "Endosomes",
    "Lysosomes",
    "Intermediate filaments",
    "Actin filaments",
    "Focal adhesion sites",
    "Microtubules",
    "Microtubule ends",
    "Cytokinetic bridge",
    "Mitotic spindle",
    "Microtubule organizing center",
    "Centrosome",
    "Lipid droplets",
    "Plasma membrane",
    "Cell junctions",
    "Mitochondria",
    "Aggresome",
    "Cytosol",
    "Cytoplasmic bodies",
    "Rods & rings",
)
"""Index -> name, in the order of the challenge's label table (Human Protein Atlas Image Classification, 2018)."""


@dataclass(frozen=True)
class LabelSet:
    """The names that a model can answer, in the order of their indices.

    Args:
        names: one name an index.
        one_label: True where each image has exactly one label (softmax, the most likely is the answer);
            False where it may have several (sigmoid, one threshold a label).
    """

    names: tuple[str, ...]
    one_label: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, targets: Sequence[Sequence[int]]) -> np.ndarray:
        """Targets as a table of ones and zeros, uint8 `[images, labels]`."""
        table = np.zeros((len(targets), len(self)), np.uint8)
        for row, indices in enumerate(targets):
            table[row, list(indices)] = 1
        return table

    def read(self, targets: Sequence[str]) -> np.ndarray:
        """Challenge targets such as `"16 0"` as a table of ones and zeros, uint8 `[images, labels]`."""
        return self.encode([parse_target(target) for target in targets])

    def decode(self, table: np.ndarray) -> list[tuple[int, ...]]:
        """The inverse of `encode`: the indices that are set in each row of `[images, labels]`."""
        return [tuple(int(index) for index in np.flatnonzero(row)) for row in table]


def parse_target(text: str) -> tuple[int, ...]:
    """The indices in a challenge target such as `"16 0"`.

    Raises:
        ValueError: where a word is no whole number.
    """
    return tuple(int(word) for word in text.split())


def format_target(indices: Sequence[int]) -> str:
    """A challenge target such as `"0 16"`, in rising order."""
    return " ".join(str(index) for index in sorted(indices))
