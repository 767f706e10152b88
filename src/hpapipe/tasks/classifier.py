"""A trained classifier that answers alone: weights, preprocessing, thresholds and labels in one folder.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hpapipe.errors import UserError
from hpapipe.imageset.reading import Reading
from hpapipe.imageset.view import View, fitted
from hpapipe.labels import format_target
from hpapipe.runtimes import KERAS
from hpapipe.runtimes.runtime import Runner
from hpapipe.scoring.thresholds import most_likely, name
from hpapipe.tasks import given
from hpapipe.tasks.networks import read_networks, write_networks

BATCH = 64
FORMAT = 2
"""Of a Version's folder; 1 had one network for all labels, and its size."""


@dataclass(frozen=True)
class Member:
    """What a network sees of a field, and which labels it answers.

    Args:
        view: how a field is brought to its size.
        columns: places of its labels among those of the classifier.
        fold: that it never saw.
    """

    view: View
    columns: tuple[int, ...]
    fold: int


@dataclass(frozen=True)
class Spec:
    """What a classifier needs beside its weights.

    Args:
        channels: names, in the order of the model's last axis.
        files: file pattern with {id} and {channel}.
        bits: 8 or 16, the integer type that the networks' scaling was made for.
        max_pixels: larger images are refused.
        labels: names, in the order of the model's answers.
        indices: place of each label in the label table, by which it is named in `Predicted`.
        one_label: the most likely label is the answer; thresholds play no part.
        thresholds: one a label.
        always_name_one: the most likely label is named even below its threshold.
        turns: the answers for all ways to turn and mirror a field are averaged.
        join: `mean` or `maximum` of the answers for the crops of a field.
        members: one a network.
    """

    channels: tuple[str, ...]
    files: str
    bits: int
    max_pixels: int
    labels: tuple[str, ...]
    indices: tuple[int, ...]
    one_label: bool
    thresholds: tuple[float, ...]
    always_name_one: bool
    turns: bool
    join: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Classifier:
    """Networks whose probabilities are averaged label by label, and the rule that turns these into names."""

    networks: tuple[Runner, ...]
    spec: Spec

    @property
    def view(self) -> View | None:
        """What all networks see of a field; none where they differ, and whole fields must be given."""
        views = {replace(member.view, crops=1) for member in self.spec.members}
        return views.pop() if len(views) == 1 else None

    def probabilities(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Float32 `[images, labels]`.

        Args:
            images: integers of the type that the classifier was trained on, each `[height, width, channels]`; brought
                to the networks' size where they have another.

        Raises:
            UserError: another number of channels, or another integer type.
        """
        spec = self.spec
        if not len(images):
            return np.zeros((0, len(spec.labels)), np.float32)
        self._refuse(images)
        total, networks = np.zeros((len(images), len(spec.labels)), np.float32), np.zeros(len(spec.labels), np.float32)
        seen: dict[View, np.ndarray] = {}
        for network, member in zip(self.networks, spec.members, strict=True):
            kept = replace(member.view, crops=1)
            if kept not in seen:
                seen[kept] = np.stack([fitted(image, kept) for image in images])
            asked = ask(network, seen[kept], np.arange(len(images)), BATCH, member, spec.turns, spec.join)
            total[:, member.columns] += asked
            networks[list(member.columns)] += 1
        return total / networks

    def named(self, probabilities: np.ndarray) -> np.ndarray:
        """The labels named, uint8 `[images, labels]`."""
        if self.spec.one_label:
            return most_likely(probabilities)
        return name(probabilities, np.asarray(self.spec.thresholds), self.spec.always_name_one)

    def answer(self, images: Any) -> pd.DataFrame:
        """One row an image: `Predicted` (indices), `names`, and a probability for each label.

        Args:
            images: an array or a table of files, as for `hpapipe.tasks.given.fields`.

        Raises:
            UserError: images that cannot be answered.
        """
        spec = self.spec
        return self.rows(given.fields(images, spec.channels, spec.bits, spec.max_pixels))

    def rows(self, fields: Sequence[np.ndarray] | np.ndarray) -> pd.DataFrame:
        """What `answer` says of fields, of which there may be none; each `[height, width, channels]`."""
        return self.table(self.probabilities(fields))

    def table(self, probabilities: np.ndarray) -> pd.DataFrame:
        """The answer in words, as `answer` gives it.

        Args:
            probabilities: float32 `[images, labels]`.
        """
        chosen = [np.flatnonzero(row).tolist() for row in self.named(probabilities)]
        labels, indices = self.spec.labels, self.spec.indices
        answers = {
            "Predicted": [format_target([indices[place] for place in places]) for places in chosen],
            "names": ["; ".join(labels[place] for place in places) for places in chosen],
        }
        return pd.DataFrame(answers, dtype=str).join(pd.DataFrame(probabilities, columns=list(labels)))

    def _refuse(self, images: Sequence[np.ndarray] | np.ndarray) -> None:
        channels = self.spec.channels
        wanted = np.dtype(f"uint{self.spec.bits}")
        for image in images[:1] if isinstance(images, np.ndarray) else images:
            if image.ndim != 3 or image.shape[-1] != len(channels) or image.dtype != wanted:
                rule = f"Images must be {wanted} [images, height, width, {len(channels)}] ({', '.join(channels)})."
                received = f"{image.dtype} {[len(images), *image.shape]}"
                raise UserError(rule, received, "Convert them as for training.")


def ask(
    network: Runner, images: Any, fields: np.ndarray, batch_size: int, member: Member, turns: bool, join: str
) -> np.ndarray:
    """What a network says of fields, float32 `[fields, columns of the member]`.

    Args:
        network: the network.
        images: integers, to be indexed by fields, at the size that the member's view keeps.
        fields: int, the numbers of the fields.
        batch_size: fields at a time.
        member: what it sees, and which labels it answers.
        turns: average its answers for all ways to turn and mirror a field.
        join: `mean` or `maximum` over the crops of a field.
    """
    reading = Reading(images, fields, batch_size, member.view, turns)
    said = np.concatenate([np.asarray(network.predict_on_batch(seen)) for (seen,) in reading.batches()])
    answers = reading.by_way(present(said, member.columns))
    return np.asarray(JOINS[join](answers, axis=1).mean(axis=0))


def present(outputs: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """The probability of each label of a network, float32 `[answers, columns]`.

    Args:
        outputs: of the network; where it answers a single label, a two-way softmax: absent, present.
        columns: of its labels.
    """
    return outputs[:, 1:] if len(columns) == 1 else outputs


JOINS: dict[str, Callable[..., np.ndarray]] = {"mean": np.mean, "maximum": np.max}
"""Name -> what is made of the answers for several crops."""


def seen_by(member: Member, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Fields as a network gets them, integers `[fields × crops, height, width, channels]`.

    Args:
        member: what it sees.
        images: as for `Classifier.probabilities`.
    """
    stored = np.stack([fitted(image, replace(member.view, crops=1)) for image in images])
    return np.concatenate([seen for (seen,) in Reading(stored, np.arange(len(images)), BATCH, member.view).batches()])


def write_version(
    folder: Path,
    networks: Sequence[Any],
    spec: Spec,
    runtime: str = KERAS,
    seen: Sequence[np.ndarray] | None = None,
) -> None:
    """Write what `read_version` reads; for the arguments see `write_networks`."""
    write_networks(folder, networks, {"format": FORMAT, **asdict(spec)}, runtime, seen)


def read_version(folder: str | Path) -> Classifier:
    """The classifier in `folder`. Loads weights and a description of layers, never code.

    Raises:
        UserError: it was written in another form.
    """
    networks, spec = read_networks(folder, FORMAT)
    members = [
        Member(View(**_tuples(each["view"])), tuple(each["columns"]), each["fold"]) for each in spec.pop("members")
    ]
    return Classifier(networks, Spec(**_tuples(spec), members=tuple(members)))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
