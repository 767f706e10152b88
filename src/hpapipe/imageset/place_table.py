"""Fields that a table names: an id, and for each channel a path or an address."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpapipe.errors import UserError, nearest
from hpapipe.imageset.address import Patience, fetch, filesystem, local_path, protocol_of, without_secrets
from hpapipe.imageset.decode import Held, ImageError
from hpapipe.imageset.stored import (
    ABSENT,
    UNKNOWN,
    Stored,
    facts_of,
    field_of,
    held_file,
    most_bytes,
    refuse_twice,
)
from hpapipe.imageset.table import refuse_unsafe
from hpapipe.imageset.twice import Twice

if TYPE_CHECKING:
    from hpapipe.config import Data

IDS = ("id", "Id")
"""Names that the column of ids may have."""

_BATCH = 1 << 16


class TablePlace:
    """The rows of a CSV or Parquet file, in their order.

    A path is relative to the table's folder, or absolute: whoever writes a table can name any file that they may read.
    A field with an empty cell is listed, and is a fault when it is read.

    Args:
        path: the table, with a column `id` or `Id` and a column for each channel.
        data: the recipe's section.
        name: what the user gave.
        patience: how long an answer is waited for.

    Raises:
        UserError: it cannot be read, lacks a column, or has no rows.
    """

    in_order = False

    def __init__(self, path: Path, data: Data, name: str, patience: Patience) -> None:
        self.path, self.data, self.name, self.patience = path, data, name, patience
        self.notes: list[str] = []
        self._most = most_bytes(data)
        if next(self._rows(), None) is None:
            raise UserError("The table must name at least one field.", f"no rows in {name}", "Add rows to it.")

    def fields(self) -> Iterator[Stored]:
        """Every field in the order of the rows; held are eight bytes for each id.

        Raises:
            UserError: a row is damaged, has no id or one that could lead out of a folder, an id stands twice, or an
                address cannot be asked.
        """
        twice, protocols = Twice(), {"", "file"}
        for number, (field, *files) in self._rows():
            if not field:
                raise UserError("Each row must have an id.", f"none in row {number:,} of {self.name}", "Fill it in.")
            refuse_unsafe([field], self.name)  # answers may be files of that name
            twice.add(field)
            for file in files:
                if (protocol := protocol_of(file)) not in protocols:
                    filesystem(file, self.patience)
                    protocols.add(protocol)
            facts = [self._facts(file) for file in files]
            yield Stored(field, tuple(files), tuple(size for size, _ in facts), tuple(stamp for _, stamp in facts))
        refuse_twice(twice.names(), self.name)

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """The field as it is stored, and the hash of its files.

        Raises:
            ImageError: a cell is empty, a file is missing, cannot be used or has changed, or an address gives none.
        """
        cells = zip(self.data.channels, stored.files, stored.sizes, stored.stamps, strict=True)
        channels = []
        for channel, file, size, stamp in cells:
            if not file:
                received = f"an empty cell in column `{channel}` for {stored.id}"
                raise ImageError(ABSENT, received, "Fill it in, or delete the row.")
            if path := self._path(file):
                channels.append(held_file(path, without_secrets(file), (size, stamp), self._most))
            else:
                name = without_secrets(file)
                channels.append(Held(name, fetch(file, name, self._most, self.patience)))
        return field_of(channels, self.data)

    def close(self) -> None:
        """Nothing stays open between two fields."""

    def _facts(self, file: str) -> tuple[int, int]:
        path = self._path(file) if file else None
        return facts_of(path) if path else (UNKNOWN, 0)

    def _path(self, file: str) -> Path | None:
        """The file of a cell on this machine; none: it lies elsewhere."""
        protocol = protocol_of(file)
        if protocol == "file":
            return local_path(file)
        return None if protocol else self.path.parent / file

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number of each row in the file, its id, and its cells in the order of the channels."""
        rows = self._parquet() if self.path.suffix.lower() == ".parquet" else self._csv()
        try:
            yield from rows
        except (OSError, ValueError, csv.Error) as error:  # Arrow's faults are ValueErrors
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            received, how = f"“{reason}” for {self.name}", "Save it as comma-separated UTF-8 text, or as Parquet."
            raise UserError("The table of images must be readable.", received, how) from None

    def _csv(self) -> Iterator[tuple[int, list[str]]]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = [name.strip() for name in next(rows, [])]
            wanted = [header.index(name) for name in self._columns(header)]
            for row in rows:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(header):
                    received = f"{len(row)} in line {rows.line_num:,} of {self.name}"
                    rule = f"Each row must have {len(header)} values, as the header."
                    raise UserError(rule, received, "Mend this line.")
                yield rows.line_num, [row[place].strip() for place in wanted]

    def _parquet(self) -> Iterator[tuple[int, list[str]]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            wanted = self._columns(file.schema_arrow.names)
            first = 1
            for batch in file.iter_batches(_BATCH, columns=wanted, use_threads=False):
                columns = [batch.column(name).to_pylist() for name in wanted]
                for number, row in enumerate(zip(*columns, strict=True), first):
                    yield number, ["" if cell is None else str(cell).strip() for cell in row]
                first += batch.num_rows

    def _columns(self, header: Sequence[str]) -> list[str]:
        """The names of the columns that are read."""
        ids = [name for name in IDS if name in header]
        for name in (*(ids[:1] or IDS[:1]), *self.data.channels):
            if list(header).count(name) != 1:
                received = f"{', '.join(header) or 'no header'} in {self.name}"
                remedy = nearest(name, header) if header else "Write one: id, and the names of the channels."
                raise UserError(f"The table of images must have one column `{name}`.", received, remedy)
        return [ids[0], *self.data.channels]
