"""The shards of a prediction joined to the tables that people open: answers, the challenge's file, what failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.tasks.segmenter import from_run_lengths
from hpapipe.workflows.shards import FAULT, Job, whole

PREDICTED, COUNTS = "Predicted", "counts"


@dataclass(frozen=True)
class Joined:
    """The tables of a prediction.

    Args:
        answers: a row a field that was answered, CSV or Parquet.
        submission: the challenge's file; none where answers are no names.
        masks: folder of an image for each answer; none where answers are no masks.
        unreadable: id and fault of every other field.
        about: who answered what, as JSON.
        answered: number of fields with an answer.
        failed: number of fields without.
        left_out: number of fields that the sample submission lacks.
        empty: number of ids of the submission without a prediction.
    """

    answers: Path
    submission: Path | None
    masks: Path | None
    unreadable: Path
    about: Path
    answered: int
    failed: int
    left_out: int
    empty: int


def join(job: Job, parquet: bool, ids: tuple[str, ...] | None) -> Joined:
    """Write the tables, each whole or not at all, shard by shard.

    Args:
        job: all of whose shards are there.
        parquet: the answers as Parquet, not CSV.
        ids: of the challenge's file, in its order; none: those of the job.

    Raises:
        UserError: not one field has an answer, or the folder cannot be written.
    """
    unreadable = _csv(_faults(job), job.folder / "unreadable.csv")
    faults = pd.concat(_faults(job)).set_index("id")[FAULT]
    if len(faults) == len(job.listing):
        received = f"none of {len(faults):,} in {job.about['asked']['place']}"
        raise UserError("At least one field must be readable.", received, str(faults.iloc[0]))
    answers = _parquet(job) if parquet else _csv(_answered(job), job.folder / "predictions.csv")
    submission = None
    if PREDICTED in job.schema.names:
        submission = _csv(_submitted(job, ids), job.folder / "submission.csv")
    masks = _masks(job) if COUNTS in job.schema.names else None
    about = job.folder / "about.json"
    with whole(about) as part:
        part.write_text(json.dumps({**job.about, "files": job.digest()}, indent=2, ensure_ascii=False), "utf-8")
    return Joined(
        answers,
        submission,
        masks,
        unreadable,
        about,
        answered=len(job.listing) - len(faults),
        failed=len(faults),
        left_out=0 if ids is None else len(job.listing) - len(ids),
        empty=len(faults) if ids is None else len(set(ids).intersection(faults.index)),
    )


def _shards(job: Job, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    for number in range(job.listing.groups):
        yield pq.read_table(job.shard(number), columns=columns).to_pandas()


def _faults(job: Job) -> Iterator[pd.DataFrame]:
    """Id and fault of the fields without an answer, shard by shard."""
    for rows in _shards(job, ["id", FAULT]):
        yield rows[rows[FAULT].notna()]


def _answered(job: Job) -> Iterator[pd.DataFrame]:
    """The fields with an answer, shard by shard."""
    for rows in _shards(job):
        yield rows[rows[FAULT].isna()].drop(columns=FAULT)


def _submitted(job: Job, ids: tuple[str, ...] | None) -> Iterator[pd.DataFrame]:
    """Id and Predicted, which is empty where a field could not be read: a guess would pass for an answer."""
    rows = (each.rename(columns={"id": "Id"}) for each in _shards(job, ["id", PREDICTED]))
    if ids is None:
        yield from rows
        return
    wanted = set(ids)
    found = pd.concat([each[each["Id"].isin(wanted)] for each in rows])
    yield found.set_index("Id").reindex(list(ids)).reset_index()


def _csv(tables: Iterable[pd.DataFrame], path: Path) -> Path:
    with whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        for number, table in enumerate(tables):
            table.to_csv(file, index=False, header=not number)
    return path


def _parquet(job: Job) -> Path:
    path = job.folder / "predictions.parquet"
    schema = job.schema.remove(job.schema.get_field_index(FAULT))
    with whole(path) as part, pq.ParquetWriter(part, schema) as file:
        for rows in _answered(job):
            file.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False))
    return path


def _masks(job: Job) -> Path:
    """An image for each answer, white on black, named as its field; one that stands already is left alone."""
    folder = job.folder / "masks"
    folder.mkdir(exist_ok=True)
    for rows in _answered(job):
        for name, counts, *size in rows[["id", COUNTS, "height", "width"]].itertuples(index=False, name=None):
            if not (file := folder / f"{name}.png").exists():
                mask = from_run_lengths([int(count) for count in counts.split()], (int(size[0]), int(size[1])))
                file.parent.mkdir(parents=True, exist_ok=True)  # an id may name a folder, too
                with whole(file) as part:
                    Image.fromarray(np.uint8(255) * mask).save(part, "PNG")
    return folder
