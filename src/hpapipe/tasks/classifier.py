"""A trained classifier that answers alone: weights, preprocessing, thresholds and labels in one folder.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from hpapipe.errors import UserError
from hpapipe.imageset.decode import read_field, resize
from hpapipe.labels import format_target
from hpapipe.scoring.thresholds import most_likely, name

BATCH = 64


@dataclass(frozen=True)
class Spec:
    """What a classifier needs beside its weights.

    Args:
        channels: names, in the order of the model's last axis.
        files: file pattern with {id} and {channel}.
        size: height and width in pixels.
        bits: 8 or 16, the integer type that the network's scaling was made for.
        max_pixels: larger images are refused.
        labels: names, in the order of the model's answers.
        one_label: the most likely label is the answer; thresholds play no part.
        thresholds: one a label.
        always_name_one: the most likely label is named even below its threshold.
    """

    channels: tuple[str, ...]
    files: str
    size: tuple[int, int]
    bits: int
    max_pixels: int
    labels: tuple[str, ...]
    one_label: bool
    thresholds: tuple[float, ...]
    always_name_one: bool


@dataclass(frozen=True)
class Classifier:
    """Networks whose probabilities are averaged, and the rule that turns these into names."""

    networks: tuple[keras.Model, ...]
    spec: Spec

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Float32 `[images, labels]`.

        Args:
            images: integers of the type that the classifier was trained on `[images, height, width, channels]`; brought
                to its size where they have another.

        Raises:
            UserError: another number of channels, or another integer type.
        """
        spec = self.spec
        wanted = np.dtype(f"uint{spec.bits}")
        if images.ndim != 4 or images.shape[-1] != len(spec.channels) or images.dtype != wanted:
            rule = (
                f"Images must be {wanted} [images, height, width, {len(spec.channels)}] ({', '.join(spec.channels)})."
            )
            raise UserError(rule, f"{images.dtype} {list(images.shape)}", "Convert them as for training.")
        if not len(images):
            return np.zeros((0, len(spec.labels)), np.float32)
        if images.shape[1:3] != tuple(spec.size):
            images = np.stack([_resized(image, spec.size) for image in images])
        answers = [network.predict(images, batch_size=BATCH, verbose=0) for network in self.networks]
        return np.mean(answers, axis=0)

    def named(self, probabilities: np.ndarray) -> np.ndarray:
        """The labels named, uint8 `[images, labels]`."""
        if self.spec.one_label:
            return most_likely(probabilities)
        return name(probabilities, np.asarray(self.spec.thresholds), self.spec.always_name_one)

    def answer(self, images: np.ndarray | pd.DataFrame) -> pd.DataFrame:
        """One row an image: `Predicted` (indices), `names`, and a probability for each label.

        Args:
            images: as for `probabilities`, or a table of file paths with a column for each channel.

        Raises:
            UserError: a file cannot be read, or a column is missing.
        """
        if isinstance(images, pd.DataFrame):
            images = self._read(images)
        return answer_table(self.spec.labels, self.probabilities(images), self.named)

    def _read(self, paths: pd.DataFrame) -> np.ndarray:
        missing = [channel for channel in self.spec.channels if channel not in paths]
        if missing:
            rule = f"The table of files must have the columns {', '.join(self.spec.channels)}."
            raise UserError(rule, f"{', '.join(map(str, paths.columns))}", "Add a path for each missing channel.")
        rows = paths[list(self.spec.channels)].itertuples(index=False)
        fields = [read_field([Path(file) for file in row], self.spec.size, self.spec.max_pixels) for row in rows]
        return np.stack(fields)


def answer_table(labels: Sequence[str], probabilities: np.ndarray, name_labels: Any) -> pd.DataFrame:
    """One row an image: `Predicted`, `names`, and a probability for each of `labels`.

    Args:
        labels: names.
        probabilities: float `[images, labels]`.
        name_labels: probabilities -> uint8 `[images, labels]`.
    """
    chosen = [np.flatnonzero(row).tolist() for row in name_labels(probabilities)]
    answers = {
        "Predicted": [format_target(indices) for indices in chosen],
        "names": ["; ".join(labels[index] for index in indices) for indices in chosen],
    }
    return pd.DataFrame(answers).join(pd.DataFrame(probabilities, columns=list(labels)))


def write_version(folder: Path, networks: Sequence[keras.Model], spec: Spec) -> None:
    """Write what `read_version` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, network in enumerate(networks):
        network.save(folder / f"network-{number:02d}.keras")
    (folder / "spec.json").write_text(json.dumps(asdict(spec), indent=2))


def read_version(folder: str | Path) -> Classifier:
    """The classifier in `folder`. Loads weights and a description of layers, never code."""
    spec = json.loads((Path(folder) / "spec.json").read_text())
    lists = {key: tuple(value) for key, value in spec.items() if isinstance(value, list)}
    files = sorted(Path(folder).glob("network-*.keras"))
    networks = tuple(keras.models.load_model(file, compile=False, safe_mode=True) for file in files)
    return Classifier(networks, Spec(**{**spec, **lists}))


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.stack([resize(image[..., channel], size) for channel in range(image.shape[-1])], axis=-1)
