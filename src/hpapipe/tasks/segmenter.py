"""A trained segmenter that answers alone: weights, size, cut and ways to turn in one folder.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.imageset.augment import all_ways, turned, unturned
from hpapipe.imageset.decode import resize
from hpapipe.imageset.upright import laid_back, upright
from hpapipe.runtimes import KERAS
from hpapipe.runtimes.runtime import Runner
from hpapipe.tasks import given
from hpapipe.tasks.networks import read_networks, write_networks

BATCH = 32
FORMAT = 1
"""Of a Version's folder."""


@dataclass(frozen=True)
class Member:
    """What a network sees of an image.

    Args:
        size: height and width in pixels that images are brought to.
        fold: that it never saw.
    """

    size: tuple[int, int]
    fold: int


@dataclass(frozen=True)
class Spec:
    """What a segmenter needs beside its weights.

    Args:
        bits: 8 or 16, the integer type that the networks' scaling was made for.
        max_pixels: larger image files are refused.
        cut: probability from which a pixel belongs to the cell.
        turns: answers are averaged over the ways to turn and mirror an image.
        members: one a network.
    """

    bits: int
    max_pixels: int
    cut: float
    turns: bool
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Segmenter:
    """Networks whose probabilities are averaged pixel by pixel, and the cut that makes masks of them."""

    networks: tuple[Runner, ...]
    spec: Spec

    @property
    def view(self) -> None:
        """Images are given at their own size: masks have that size, too."""
        return None

    def probabilities(self, images: Sequence[np.ndarray] | np.ndarray) -> list[np.ndarray]:
        """How likely each pixel belongs to the cell, float32 `[height, width]` for each image, at its own size.

        Args:
            images: integers of the type that the segmenter was trained on, each `[height, width]`.

        Raises:
            UserError: images of another kind.
        """
        answered = self.by_way(images, self.spec.turns)
        return [enlarged(answers.mean(axis=0), image.shape) for answers, image in zip(answered, images, strict=True)]

    def by_way(self, images: Sequence[np.ndarray] | np.ndarray, turns: bool) -> Iterator[np.ndarray]:
        """For each image the probabilities in every way to lay it, float32 `[ways, height, width]`.

        Ways are those of every network, one network after the other; the size is that of the networks, or of the first
        where they differ, and images that lie across it have been turned by `upright`.

        Args:
            images: as for `probabilities`.
            turns: lay images in all ways; else as they are.
        """
        self._refuse(images)
        first = self.spec.members[0].size
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            found = []
            for network, member in zip(self.networks, self.spec.members, strict=True):
                answers = ask(network, seen_by(member, part), turns)
                if member.size != first:
                    answers = np.stack([[enlarged(each, first) for each in way] for way in answers])
                found.append(answers)
            yield from np.concatenate(found).swapaxes(0, 1)

    def masks(self, probabilities: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The pixels of the cell, bool `[height, width]` each."""
        return [each >= self.spec.cut for each in probabilities]

    def answer(self, images: Any) -> pd.DataFrame:
        """One row an image: `area_px`, `height`, `width`, and `counts`, its mask.

        `counts` are run lengths, column by column and beginning with the pixels outside, in words: what COCO's files
        hold as an uncompressed mask.

        Args:
            images: an array, or a table of files in the column `image`, as for `hpapipe.tasks.given.fields`.

        Raises:
            UserError: images that cannot be answered.
        """
        spec = self.spec
        return self.rows(given.fields(images, ["image"], spec.bits, spec.max_pixels))

    def rows(self, fields: Sequence[np.ndarray] | np.ndarray) -> pd.DataFrame:
        """What `answer` says of images, of which there may be none; each `[height, width, 1]`."""
        masks = self.masks(self.probabilities([image[..., 0] for image in fields]))
        rows = [(int(mask.sum()), *mask.shape, " ".join(map(str, run_lengths(mask)))) for mask in masks]
        table = pd.DataFrame(rows, columns=["area_px", "height", "width", "counts"])
        return table.astype({"area_px": int, "height": int, "width": int, "counts": str})

    def _refuse(self, images: Sequence[np.ndarray] | np.ndarray) -> None:
        wanted = np.dtype(f"uint{self.spec.bits}")
        for image in images[:1] if isinstance(images, np.ndarray) else images:
            if image.ndim != 2 or image.dtype != wanted:
                received = f"{image.dtype} {list(image.shape)}"
                raise UserError(f"Images must be {wanted} [height, width].", received, "Convert them as for training.")


def ask(network: Runner, images: np.ndarray, turns: bool) -> np.ndarray:
    """What a network says of images, float32 `[ways, images, height, width]`.

    Args:
        network: the network.
        images: integers `[images, height, width, 1]` at its size.
        turns: lay them in all ways to turn and mirror; else as they are.
    """
    ways = all_ways(images.shape[1] == images.shape[2]) if turns else [0]
    said = []
    for way in ways:
        laid = np.ascontiguousarray(turned(images, way))
        parts = (laid[start : start + BATCH] for start in range(0, len(laid), BATCH))
        answers = np.concatenate([np.asarray(network.predict_on_batch(part)) for part in parts])
        said.append(unturned(answers, way)[..., 0])
    return np.stack(said)


def enlarged(probabilities: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A network's probabilities at the size of the image, float32 `[height, width]`, interpolated between neighbours.

    Args:
        probabilities: float32 `[height, width]`, of the image as `upright` laid it.
        size: height and width of the image, px.
    """
    probabilities = laid_back(probabilities, size)
    if probabilities.shape == tuple(size):
        return probabilities
    picture = Image.fromarray(np.ascontiguousarray(probabilities, np.float32))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def run_lengths(mask: np.ndarray) -> list[int]:
    """A mask as the lengths of its runs, column by column, beginning with pixels outside.

    Args:
        mask: bool `[height, width]`.

    Source: COCO API, maskApi.c, `rleEncode`.
    """
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff([0, *edges, mask.size]).tolist()


def seen_by(member: Member, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Images as a network gets them, integers `[images, height, width, 1]`.

    Args:
        member: what it sees.
        images: as for `Segmenter.probabilities`.
    """
    return np.stack([resize(upright(image, member.size), member.size) for image in images])[..., None]


def from_run_lengths(counts: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """The mask that `run_lengths` was made from, bool `[height, width]`.

    Args:
        counts: lengths of its runs.
        size: height and width, px.
    """
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(size, order="F")


def write_version(
    folder: Path,
    networks: Sequence[Any],
    spec: Spec,
    runtime: str = KERAS,
    seen: Sequence[np.ndarray] | None = None,
) -> None:
    """Write what `read_version` reads; for the arguments see `write_networks`."""
    write_networks(folder, networks, {"format": FORMAT, **asdict(spec)}, runtime, seen)


def read_version(folder: str | Path) -> Segmenter:
    """The segmenter in `folder`. Loads weights and a description of layers, never code.

    Raises:
        UserError: it was written in another form.
    """
    networks, spec = read_networks(folder, FORMAT)
    members = tuple(Member(tuple(each["size"]), each["fold"]) for each in spec.pop("members"))
    return Segmenter(networks, Spec(**spec, members=members))
