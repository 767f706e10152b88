"""Shards of a prediction answered: fields decoded ahead by threads, while the networks answer those before them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from hpapipe import config
from hpapipe.config import Data
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.decoded import ahead, as_seen
from hpapipe.imageset.stored import Place, Stored
from hpapipe.workflows.shards import Job

AHEAD = 4
"""Batches that are decoded before the networks ask for them."""

OPEN = {"classification": ("data.files",), "segmentation": ("data.files", "data.channels")}
"""Task -> options of `data` that a prediction can change."""

Seen = tuple[np.ndarray, bytes] | ImageError
"""A field as the Version wants it and the digest of its files, or why it cannot be used."""


@dataclass(frozen=True)
class Done:
    """A shard that was written.

    Args:
        number: of the shard.
        answered: fields with an answer.
        unreadable: fields without.
    """

    number: int
    answered: int
    unreadable: int


def answer_shards(
    job: Job, numbers: Sequence[int], place: Place, version: Any, batch_size: int, advance: Callable[[int], None]
) -> Iterator[Done]:
    """Answer shards of a job, one after the other, and write each.

    Batches begin anew with each shard, so that a shard is the same whoever answers it, and whenever.

    Args:
        job: the prediction.
        numbers: of the shards, ascending.
        place: where the fields are.
        version: a `Classifier` or `Segmenter`.
        batch_size: fields that the networks are given at a time.
        advance: is told how many fields were answered, batch by batch.
    """

    def see(field: Stored) -> Seen:
        try:
            image, digest = place.read(field)
            return as_seen(image, version.view, version.spec.bits, field.id), digest
        except ImageError as fault:
            return fault

    fields = (field for number in numbers for field in job.listing.read(number))
    seen = ahead(see, fields, AHEAD * batch_size, threads=1 if place.in_order else None)
    for number in numbers:  # all shards are full but the last
        yield _answer(job, number, islice(seen, job.rows), version, batch_size, advance)


def data_of(metadata: Mapping[str, Any], typed: Mapping[str, str]) -> Data:
    """How fields are stored that a Version can answer: as those that it was trained on.

    Images of a segmenter have one file each, so that the end of its name stands where others have their channel.

    Args:
        metadata: of the Version.
        typed: options of `data` that say otherwise: `data.files` for the names, and for a segmenter `data.channels`
            for their end.
    """
    trained = config.parse(metadata["recipe"])
    of = {"segmentation": {"data.files": "{id}.{channel}", "data.channels": "png"}}
    told = {**of.get(trained.task, {}), **{name: typed[name] for name in OPEN[trained.task] if name in typed}}
    return config.changed(trained, told).data


def _answer(
    job: Job,
    number: int,
    seen: Iterator[tuple[Stored, Seen]],
    version: Any,
    batch_size: int,
    advance: Callable[[int], None],
) -> Done:
    """A shard's fields answered and written."""
    fields: list[Stored] = []
    faults: dict[int, str] = {}
    answers: list[pd.DataFrame] = []
    digest = hashlib.blake2b(digest_size=16)
    while batch := list(islice(seen, batch_size)):
        images: dict[int, np.ndarray] = {}
        for field, found in batch:
            if isinstance(found, ImageError):
                faults[len(fields)] = str(found)
            else:
                images[len(fields)], files = found
                digest.update(files)
            fields.append(field)
        if images:
            answers.append(version.rows(list(images.values())).set_axis(list(images)))
        advance(len(batch))
    job.write(number, fields, pd.concat(answers) if answers else None, faults, digest.hexdigest())
    return Done(number, len(fields) - len(faults), len(faults))
