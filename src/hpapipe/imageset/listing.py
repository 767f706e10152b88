"""All fields of a place in one Parquet file, written once, so that a job can be cut into parts and begun again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hpapipe.errors import UserError
from hpapipe.imageset.stored import Place, Stored

_ABOUT = b"hpapipe listing"
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("files", pa.list_(pa.string())),
        ("sizes", pa.list_(pa.int64())),
        ("stamps", pa.list_(pa.int64())),
    ]
)


@dataclass(frozen=True)
class Listing:
    """The fields of a place, in groups of equal size; the last may be smaller.

    Args:
        file: the Parquet file.
        name: of the place.
        fingerprint: 32 hex digits that change with any id, address or size, and not with times of change.
        notes: what the place left out, a sentence each.
        rows: fields in a group.
    """

    file: Path
    name: str
    fingerprint: str
    notes: tuple[str, ...]
    rows: int
    _facts: pq.FileMetaData = field(repr=False, compare=False)

    @classmethod
    def open(cls, file: Path) -> Listing:
        """The listing in `file`.

        Raises:
            UserError: it is not there, or is no listing.
        """
        try:
            facts = pq.read_metadata(file)
            about = json.loads((facts.metadata or {})[_ABOUT])
            return cls(file, about["name"], about["fingerprint"], tuple(about["notes"]), about["rows"], facts)
        except (OSError, KeyError, ValueError) as error:  # Arrow's faults are ValueErrors
            reason = " ".join(str(error).split())
            received = f"“{reason}” for {file}"
            raise UserError("The list of fields must be readable.", received, "Delete it, and begin anew.") from None

    def __len__(self) -> int:
        return self._facts.num_rows

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self._facts.num_row_groups

    def count(self, group: int) -> int:
        """Number of fields in group number `group`."""
        return int(self._facts.row_group(group).num_rows)

    def read(self, group: int) -> list[Stored]:
        """The fields of group number `group`, in their order; any thread may ask.

        Raises:
            UserError: the file cannot be read.
        """
        try:
            with pq.ParquetFile(self.file, metadata=self._facts) as parquet:
                table = parquet.read_row_group(group, use_threads=False)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            received = f"“{reason}” for {self.file}"
            raise UserError("The list of fields must be readable.", received, "Delete it, and begin anew.") from None
        columns = (table[name].to_pylist() for name in _SCHEMA.names)
        return [
            Stored(name, tuple(files), tuple(sizes), tuple(stamps))
            for name, files, sizes, stamps in zip(*columns, strict=True)
        ]


def write_listing(place: Place, file: Path, rows: int) -> Listing:
    """List all fields of `place` in `file`, whole or not at all; no more than a group of them is held at once.

    Args:
        place: the fields.
        file: Parquet file, replaced where it is there.
        rows: fields in a group.

    Raises:
        UserError: of `place`, or the file cannot be written.
    """
    part = file.with_name(f"{file.name}.part")
    digest = hashlib.blake2b(digest_size=16)
    try:
        with part.open("wb") as sink, pq.ParquetWriter(sink, _SCHEMA) as writer:
            for group in _groups(place.fields(), rows):
                for each in group:
                    digest.update(json.dumps([each.id, each.files, each.sizes]).encode())
                writer.write_table(_table(group), row_group_size=rows)
            about = {"name": place.name, "fingerprint": digest.hexdigest(), "notes": place.notes, "rows": rows}
            writer.add_key_value_metadata({_ABOUT.decode(): json.dumps(about)})
        part.replace(file)
    except OSError as error:
        received = f"“{error.strerror or error}” at {file}"
        raise UserError(
            "The list of fields must be written.", received, "Free space, or give another folder."
        ) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return Listing.open(file)


def _groups(fields: Iterator[Stored], rows: int) -> Iterator[list[Stored]]:
    while group := list(islice(fields, rows)):
        yield group


def _table(group: list[Stored]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [getattr(each, name) for each in group] for name in _SCHEMA.names}
    return pa.table(columns, schema=_SCHEMA)
