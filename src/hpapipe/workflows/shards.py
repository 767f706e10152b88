"""The folder of a prediction: what was asked, the fields, and their answers in shards that appear whole or not at all.

    job.json                      what is asked, and who answers
    fields.parquet                every field, a row group a shard
    shards/000000.parquet …       a row a field, in their order: its answer, or why there is none

What stands here after a kill is kept; the same call answers the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from hpapipe.errors import UserError
from hpapipe.imageset.listing import Listing, write_listing
from hpapipe.imageset.stored import Place, Stored

FAULT = "fault"
"""Column of a shard: why a field could not be answered; none where it was."""

ABOUT = b"hpapipe"
"""Key, in a Parquet file's metadata, of what was asked and who answered."""

FILES = b"files"
"""Key, in a shard's metadata, of the digest of the files that were read for it."""

FORM = 1
"""Of the folder."""

_JOB, _FIELDS, _SHARDS, _LOCK = "job.json", "fields.parquet", "shards", ".lock"
_KINDS = {"f": pa.float32(), "i": pa.int64(), "u": pa.int64(), "b": pa.bool_()}


@dataclass(frozen=True)
class Job:
    """A prediction that was begun.

    Args:
        folder: for the answers.
        about: what is asked, and who answers.
        listing: the fields.
        schema: columns of a shard.
        since: fields that came, went or changed since the job was begun.
    """

    folder: Path
    about: dict[str, Any]
    listing: Listing
    schema: pa.Schema
    since: int

    def shard(self, number: int) -> Path:
        return self.folder / _SHARDS / f"{number:06d}.parquet"

    def missing(self) -> list[int]:
        """The numbers of the shards that are not there yet."""
        return [number for number in range(self.listing.groups) if not self.shard(number).exists()]

    @property
    def rows(self) -> int:
        """Fields in a shard; the last may have fewer."""
        return int(self.about["asked"]["shard"])

    def write(
        self, number: int, fields: Sequence[Stored], answers: pd.DataFrame | None, faults: Mapping[int, str], files: str
    ) -> None:
        """Write a shard whole or not at all.

        Args:
            number: of the shard.
            fields: all of it.
            answers: a row for each field that has an answer, indexed by its place in `fields`; none: there is none.
            faults: place of each other field, and why it has none.
            files: digest of what was read.
        """
        places = range(len(fields))
        columns: list[Any] = [[field.id for field in fields], [faults.get(place) for place in places]]
        for name in self.schema.names[len(columns) :]:
            columns.append([None] * len(fields) if answers is None else answers[name].reindex(places))
        kinds = self.schema.types
        arrays = [pa.array(column, kind, from_pandas=True) for column, kind in zip(columns, kinds, strict=True)]
        told = {**(self.schema.metadata or {}), FILES: files}
        with whole(self.shard(number)) as part:
            pq.write_table(pa.Table.from_arrays(arrays, schema=self.schema.with_metadata(told)), part)

    def digest(self) -> str:
        """Of all files that were read, 32 hex digits; every shard must be there."""
        digest = hashlib.blake2b(digest_size=16)
        for number in range(self.listing.groups):
            digest.update(pq.read_schema(self.shard(number)).metadata[FILES])
        return digest.hexdigest()


@contextmanager
def begun(
    folder: Path,
    place: Place,
    asked: Mapping[str, Any],
    by: Mapping[str, Any],
    answer: pd.DataFrame,
    rows: int,
    again: bool,
) -> Iterator[Job]:
    """The job of `folder`, begun or gone on with; no other process can have it meanwhile.

    Args:
        folder: for the answers; made where it is not there.
        place: where the fields are.
        asked: what the answers depend on beside the fields, as JSON has it.
        by: what else there is to know of who answers: labels, thresholds, code.
        answer: an empty one, for its columns.
        rows: fields in a shard.
        again: what stands here is removed first.

    Raises:
        UserError: another process works here, or the folder holds the answers of another job.
    """
    with _alone(folder):
        for part in folder.rglob("*.part"):  # of a process that was killed
            part.unlink()
        if again:
            _clear(folder)
        now = write_listing(place, folder / f"{_FIELDS}.now", rows)
        asked = {**asked, "shard": rows}
        about, since = _before(folder), 0
        if about is None:
            about = {"form": FORM, "asked": asked, "by": by, "fields": len(now), "data": now.fingerprint}
            os.replace(now.file, folder / _FIELDS)
            with whole(folder / _JOB) as part:
                part.write_text(json.dumps(about, indent=2))
        else:
            _refuse_other(folder, about["asked"], asked)
            if about["data"] == now.fingerprint:  # files may be copies, with other times of change
                os.replace(now.file, folder / _FIELDS)
            else:
                since = _changed(Listing.open(folder / _FIELDS), now)
                now.file.unlink()
        (folder / _SHARDS).mkdir(exist_ok=True)
        job = open_job(folder, answer, since)
        if since and not job.missing():
            rule = "Fields must be as they were when they were answered."
            remedy = "Give another folder with --out, or --again to answer all of them anew."
            raise UserError(rule, f"{since:,} that came, went or changed since, in {place.name}", remedy)
        yield job


def open_job(folder: Path, answer: pd.DataFrame, since: int = 0) -> Job:
    """The job that was begun in `folder`.

    Args:
        folder: of the answers.
        answer: an empty one, for its columns.
        since: as `Job` says.
    """
    about = json.loads((folder / _JOB).read_text())
    return Job(folder, about, Listing.open(folder / _FIELDS), _schema(answer, about), since)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to in the block, which becomes `path` where the block comes to its end.

    Raises:
        UserError: the disk is full, or cannot be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> UserError:
    """What is told where `path` cannot be written."""
    received = f"“{error.strerror or error}” at {path}"
    remedy = "Make room, or give another with --out; the same command goes on."
    return UserError("The folder for the answers must be writable.", received, remedy)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The block, while no other process is in it for this folder."""
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # refused now, not after an hour of answers
            pass
        lock.acquire()
    except Timeout:
        received = f"another that works in {folder}"
        raise UserError("A folder takes the answers of one job.", received, "Wait for it, or give --out.") from None
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        yield
    finally:
        lock.release()


def _clear(folder: Path) -> None:
    """Remove a job, what makes it a job first: a kill in between leaves nothing that looks whole."""
    for name in (_JOB, _FIELDS):
        (folder / name).unlink(missing_ok=True)
    for name in (_SHARDS, "masks"):
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)


def _before(folder: Path) -> dict[str, Any] | None:
    """What the job of `folder` is about; none where there is none."""
    try:
        about = json.loads((folder / _JOB).read_text())
    except FileNotFoundError:
        if any((folder / _SHARDS).glob("*.parquet")):
            received = f"shards without {_JOB} in {folder}"
            raise UserError("Shards must belong to a job.", received, "Give --out, or --again to begin anew.") from None
        return None
    except ValueError:
        about = {}
    if not isinstance(about, dict) or about.get("form") != FORM or not (folder / _FIELDS).exists():
        rule = "A job must be gone on with by the hpapipe that began it."
        received = f"{folder / _JOB} in another form"
        raise UserError(rule, received, "Give another folder with --out, or --again to begin anew.")
    return about


def _refuse_other(folder: Path, before: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to mix what is answered under different conditions."""
    for name in {**before, **asked}:
        if before.get(name) != asked.get(name):
            rule = "A folder takes the answers of one job."
            received = f"{name} {asked.get(name)}, and {before.get(name)} for what is in {folder}"
            raise UserError(rule, received, "Give another folder with --out, or --again to answer all of them anew.")


def _changed(before: Listing, now: Listing) -> int:
    """The number of fields of which the one listing knows and the other does not, or not so."""

    def known(listing: Listing) -> set[tuple[str, int]]:
        fields = (field for group in range(listing.groups) for field in listing.read(group))
        return {(field.id, hash((field.files, field.sizes))) for field in fields}

    return len({name for name, _ in known(before) ^ known(now)})


def _schema(answer: pd.DataFrame, about: Mapping[str, Any]) -> pa.Schema:
    columns = [(str(name), _KINDS.get(answer[name].dtype.kind, pa.string())) for name in answer]
    return pa.schema([("id", pa.string()), (FAULT, pa.string()), *columns], {ABOUT: json.dumps(about)})
