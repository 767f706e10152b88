"""The label table of a folder of images, and the facts about each of its rows that the checks judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from hpapipe.config import Data
from hpapipe.errors import UserError, nearest, shown


def read_table(folder: Path, data: Data) -> pd.DataFrame:
    """The label table as text: columns `row` (line in the file), `id`, `target`, `group`.

    A byte-order mark, other line ends and blanks around names and values are accepted.

    Raises:
        UserError: no such folder or file, no readable CSV, a missing column, no rows, or an id that leaves the folder.
    """
    path = folder / data.table
    if not folder.is_dir():
        raise UserError(
            "`data.folder` must be a folder.", f"{folder}", "Give the folder that holds images and label table."
        )
    columns = [column for column in (data.id_column, data.target_column, data.group_column) if column]
    remedy = "Set `data.id_column`, `data.target_column` or `data.group_column`."
    try:
        text = _read_text(path, "label table", columns, remedy)
    except FileNotFoundError:
        beside = [file.name for file in sorted(folder.glob("*.csv"))]
        hint = nearest(data.table, beside) if beside else "Write it with the columns Id,Target, or set `data.table`."
        raise UserError("The folder must hold its label table.", f"no {data.table} in {folder}", hint) from None
    rows = pd.DataFrame(
        {
            "row": range(2, len(text) + 2),  # the header is line 1
            "id": text[data.id_column],
            "target": text[data.target_column],
            "group": text[data.group_column] if data.group_column else "",
        }
    )
    rows = rows[~((rows["id"] == "") & (rows["target"] == ""))].reset_index(drop=True)
    if rows.empty:
        raise UserError("The label table must name at least one field.", f"no rows in {path}", "Add rows to it.")
    refuse_unsafe(list(rows["id"]), str(data.table))
    return rows


def read_sample(path: Path) -> tuple[str, ...]:
    """The ids of a challenge's sample submission, in its order; its columns are `Id,Predicted`.

    Raises:
        UserError: no such file, no readable CSV, a missing column, no rows, a row without an id, or an id twice.
    """
    try:
        text = _read_text(path, "sample submission", ("Id", "Predicted"), "Give the challenge's own file.")
    except FileNotFoundError:
        raise UserError("The sample submission must exist.", f"{path}", "Give its path with --sample.") from None
    ids = text["Id"][(text["Id"] != "") | (text["Predicted"] != "")]
    if ids.empty:
        raise UserError("The sample submission must name at least one id.", f"no rows in {path}", "Add rows to it.")
    wrong = ["an empty id"] * bool((ids == "").any()) + [f"`{name}` twice" for name in ids[ids.duplicated()].unique()]
    if wrong:
        rule = "Each row of the sample submission must have its own id."
        raise UserError(rule, f"{shown(wrong)} in {path}", "Give the challenge's own file.")
    return tuple(ids)


def refuse_unsafe(ids: list[str], source: str) -> None:
    """Raise a UserError where an id could lead out of its folder."""
    unsafe = [name for name in ids if not is_safe(name)]
    if unsafe:
        rule = "An id must name a file inside the image folder: not empty, relative, without `..`."
        received = shown([name or "an empty id" for name in unsafe])
        raise UserError(rule, f"{received} in {source}", "Rename these fields.")


def is_safe(name: str) -> bool:
    """Whether an id is no empty, absolute, climbing or otherwise dangerous path, on any system."""
    if name and name[0] != "/" and ".." not in name and not any(letter in name for letter in "\\:\0"):
        return True  # most are: of millions, none needs the closer look
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    leaves = windows.drive or windows.root or posix.is_absolute() or ".." in windows.parts or ".." in posix.parts
    return bool(name) and not leaves and "\0" not in name


def file_name(data: Data, name: str, channel: str) -> str:
    """The file of one channel of the field `name`, relative to the image folder."""
    return data.files.replace("{id}", name).replace("{channel}", channel)


def label_facts(rows: pd.DataFrame, folder: Path, data: Data) -> pd.DataFrame:
    """What the checks of the label table judge, one line a row of `read_table`.

    Columns beside those of `rows`: `copies` (rows with this id), `labels` (indices named), `wrong_labels` (words that
    are no index of a label), `repeated_labels`, `missing_files` (channels without a file), `faults` (these in words).
    """
    facts = rows.copy()
    facts["copies"] = rows.groupby("id")["id"].transform("size")
    present = _Listing(folder)
    details = [_row_facts(name, target, present, data) for name, target in zip(rows["id"], rows["target"], strict=True)]
    return facts.assign(**pd.DataFrame(details, index=facts.index))


def _row_facts(name: str, target: str, present: _Listing, data: Data) -> dict[str, object]:
    words = target.split()
    wrong = [word for word in words if not _is_index(word, len(data.labels))]
    missing = [channel for channel in data.channels if not present.has(file_name(data, name, channel))]
    faults = []
    if wrong:
        faults.append(
            f"`{data.target_column}` must hold indices 0 to {len(data.labels) - 1}: received {', '.join(wrong)}"
        )
    if not words:
        faults.append(f"`{data.target_column}` is empty")
    if missing:
        faults.append(f"no file for {', '.join(missing)}, such as {file_name(data, name, missing[0])}")
    return {
        "labels": len(words),
        "wrong_labels": len(wrong),
        "repeated_labels": len(words) - len(set(words)),
        "missing_files": len(missing),
        "faults": "; ".join(faults),
    }


def _is_index(word: str, labels: int) -> bool:
    # int() alone would also take `1_0`, `+5` and digits of other scripts.
    return word.isascii() and word.isdigit() and int(word) < labels


class _Listing:
    """Which files a folder holds: one listing a subfolder instead of a question a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[Path, set[str]] = {}

    def has(self, relative: str) -> bool:
        path = self.folder / relative
        if path.parent not in self.names:
            inside = path.parent.iterdir() if path.parent.is_dir() else ()
            self.names[path.parent] = {entry.name for entry in inside}
        return path.name in self.names[path.parent]


def _read_text(path: Path, what: str, columns: Sequence[str], remedy: str) -> pd.DataFrame:
    """A CSV as text, a row for each line after the header, also for blank ones.

    Args:
        path: the file.
        what: it is, for messages.
        columns: that it must have.
        remedy: what else to do where one of them is missing.

    Raises:
        FileNotFoundError: it does not exist.
        UserError: no readable CSV, or a missing column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = " ".join(str(error).split())
        how = "Save it as comma-separated UTF-8 text."
        raise UserError(f"The {what} must be readable CSV.", f"“{reason}” for {path}", how) from None
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the first value of longer rows for an index
        received = f"more values than the header's {len(table.columns)} in {path}"
        raise UserError("Rows must have one value a column.", received, "Delete the commas at the ends of the rows.")
    table = table.rename(columns=lambda name: str(name).strip())
    for column in columns:
        if list(table.columns).count(column) > 1:
            raise UserError("Each column must have its own name.", f"`{column}` twice in {path}", "Rename one of them.")
        if column not in table:
            received = f"{', '.join(table.columns)} in {path}"
            raise UserError(
                f"The {what} must have a column `{column}`.", received, f"{nearest(column, table.columns)} {remedy}"
            )
    return table.apply(lambda values: values.fillna("").str.strip())
