"""Areas that a human measured, from a CSV, and how well a trace agrees with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hpapipe.errors import UserError, shown
from hpapipe.movies.trace import Trace, normalized

TIMES = ("hours", "hour", "minutes", "minute", "seconds", "time")
"""Columns that stand for the frame where there is none of that name."""

UNITS: Mapping[str, str] = {"": "px", "_px": "px", "_um2": "um2", "_µm2": "um2", "_µm²": "um2"}
"""How the name of a column of areas may end -> unit; the first that is there is taken."""

LAYOUT = "Give the columns frame, pool and area, or frame and one column of areas for each pool, such as r1c1."


class Manual(NamedTuple):
    """Areas that a human measured.

    `table`: sorted, with the columns pool (its name), cell (from 1), frame (from 0), area (nan: not measured), unit.
    `understood`: in words, what was taken for the first frame and the first pool.
    """

    table: pd.DataFrame
    understood: str


def read_manual(path: Path, pools: Sequence[str], frames: int) -> Manual:
    """Measured areas.

    Two layouts are understood: frame, pool and area, with cell where a pool holds two, other columns being left out; or
    frame and one column of areas for each pool, named like it. In place of frame there may be a time. Names of columns
    of areas may end in `_px` or `_um2`; pixels are meant where they do not. Commas, semicolons and tabs part the
    values, and where commas do not, they may be decimal commas. Pools are names, or numbers from 0 row by row. Frames
    count from 0 or from 1.

    Args:
        path: of the CSV.
        pools: names of the movie's pools, row by row.
        frames: of the movie.

    Raises:
        UserError: no such file, no readable CSV, or all that is wrong in it.
    """
    lines, time = _lines(_read(path), path)
    numbered = lines["pool"].str.isdigit().any()
    known = {name.lower(): name for name in pools} | {str(number): name for number, name in enumerate(pools)}
    faults = [*_unknown_pools(lines, known, pools, path), *_wrong_numbers(lines, bool(time), path)]
    lines = lines.assign(pool=lines["pool"].str.lower().map(known)).dropna(subset="pool")
    for column in ("cell", "frame", "area"):
        lines[column] = pd.to_numeric(lines[column], errors="coerce").astype(np.float64)
    counted = ""
    if lines[["cell", "frame"]].notna().all(axis=None):
        lines["frame"], counted = _counted(lines, time, frames)
        faults += _wrong_frames(lines, frames, path)
    if faults:
        raise UserError.joined(faults)
    lines["order"] = lines["pool"].map({name: number for number, name in enumerate(pools)})
    lines = lines.sort_values(["order", "cell", "frame"], ignore_index=True)
    table = lines.astype({"frame": "int64", "cell": "int64"})[["pool", "cell", "frame", "area", "unit"]]
    return Manual(table, counted + (f", pools by number from 0, which is {pools[0]}" if numbered else ""))


def manual_table(trace: Trace, manual: pd.DataFrame) -> pd.DataFrame:
    """A trace's table with the columns manual (area, nan where none was measured), its unit, and manual_normalized.

    Args:
        trace: of one cell.
        manual: the table of `read_manual`.

    Raises:
        UserError: areas were measured in µm² and the movie's pixel size is not known.
    """
    own = manual[(manual["pool"] == trace.pool) & (manual["cell"] == trace.cell)]
    unit = "um2" if (own["unit"] == "um2").any() else "px"
    if unit == "um2" and trace.table["area_um2"].isna().all():
        remedy = "Give it with `--movie.pixel_um`, or measure in pixels."
        raise UserError("Areas in µm² need the movie's pixel size.", f"manual areas in µm² for {trace.pool}", remedy)
    area = own.set_index("frame")["area"].reindex(trace.table["frame"]).to_numpy(np.float64)
    return trace.table.assign(manual=area, unit=unit, manual_normalized=normalized(area))


def compare_manual(trace: Trace, manual: pd.DataFrame) -> dict[str, float]:
    """How well a trace agrees with what a human measured of the same cell; nan where it cannot be said.

    `frames`: with both areas. `correlation`: Pearson's, of both areas and so of both curves from 0 to 1.
    `error_percent`: mean absolute error in % of the human's area. `normalized_error`: mean absolute difference of the
    two curves, each from 0 to 1 over these frames. The same of the trusted frames alone (`trusted_frames` …), and of
    the smoothed trace in all frames (`smoothed_correlation` …).

    Args:
        trace: of one cell.
        manual: the table of `read_manual`.

    Raises:
        UserError: as `manual_table`.
    """
    table = manual_table(trace, manual)
    both = table[(table["area_px"] > 0) & table["manual"].notna()]
    unit = table["unit"].iloc[0] if len(table) else "px"
    found = _agreement(both[f"area_{unit}"], both["manual"])
    trusted = both[both["trusted"]]
    parts = {"trusted": (trusted, f"area_{unit}"), "smoothed": (both, f"smoothed_{unit}")}
    for part, (rows, column) in parts.items():
        found |= {f"{part}_{name}": value for name, value in _agreement(rows[column], rows["manual"]).items()}
    return found


def alike(measured: Sequence[Trace], manual: pd.DataFrame) -> pd.DataFrame:
    """`manual` with the two cells of a pool numbered as the traces are: whoever drew them numbered them as they liked.

    Of both ways the one with the smaller error in all is taken; pools with one cell stay as they are.

    Args:
        measured: of all pools.
        manual: the table of `read_manual`.
    """
    other = manual.assign(cell=3 - manual["cell"])
    swapped = []
    for pool, of_pool in manual.groupby("pool"):
        own = [trace for trace in measured if trace.pool == pool and trace.has_cell]
        if len(own) == 2 and set(of_pool["cell"]) == {1, 2}:
            errors = [sum(compare_manual(trace, table)["error_percent"] for trace in own) for table in (manual, other)]
            swapped += [pool] if errors[1] < errors[0] else []
    return manual.where(~manual["pool"].isin(swapped), other).astype(manual.dtypes.to_dict())


def _agreement(answer: pd.Series, manual: pd.Series) -> dict[str, float]:
    one, other = answer.to_numpy(np.float64), manual.to_numpy(np.float64)
    varies = len(one) > 1 and np.ptp(one) > 0 and np.ptp(other) > 0
    measured = other > 0
    return {
        "frames": float(len(one)),
        "correlation": float(np.corrcoef(one, other)[0, 1]) if varies else math.nan,
        "error_percent": float(100 * np.mean(np.abs(one / other - 1)[measured])) if measured.any() else math.nan,
        "normalized_error": float(np.mean(np.abs(normalized(one) - normalized(other)))) if varies else math.nan,
    }


def _read(path: Path) -> pd.DataFrame:
    """The CSV as text, without blank rows; the index counts its rows from 0, names of columns are in small letters."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            parts = max(",;\t", key=file.readline().count)
        text = pd.read_csv(
            path, sep=parts, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        )
    except FileNotFoundError:
        received = f"{path}, which does not exist"
        raise UserError("The manual areas must be a file.", received, "Give the path of their CSV.") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = " ".join(str(error).split())
        remedy = "Save them as CSV in UTF-8."
        raise UserError("Manual areas must be readable CSV.", f"“{reason}” for {path}", remedy) from None
    if not isinstance(text.index, pd.RangeIndex):  # pandas takes the first value of longer rows for an index
        received = f"more values than the header's {len(text.columns)} in {path}"
        raise UserError("Rows must have one value a column.", received, "Delete what stands at the ends of the rows.")
    text = text.rename(columns=lambda name: str(name).strip().lower())
    twice = [f"`{name}`" for name in text.columns[text.columns.duplicated()]]
    if twice:
        raise UserError("Each column must have its own name.", f"{shown(twice)} twice in {path}", "Rename one of them.")
    text = text.apply(lambda values: values.fillna("").str.strip())
    text = text[(text != "").any(axis=1)]
    return text if parts == "," else text.apply(lambda values: values.str.replace(",", "."))


def _lines(text: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, str]:
    """A row an area, as text: line (of the file), pool, cell, frame, area, unit; and which times stand for frames."""
    frame = next((name for name in ("frame", *TIMES) if name in text), None)
    kept = [name for name in text if name != "frame" and name not in TIMES]
    areas = {f"area{end}": unit for end, unit in UNITS.items() if f"area{end}" in text}
    missing = ["frame"] * (frame is None)
    if "pool" in text:
        missing += ["area"] * (not areas)
    elif areas or not kept:
        missing += ["pool"]
    if frame is None or missing:
        received = f"no column {' and none '.join(missing)} among {shown(list(text.columns), 8)} in {path}"
        raise UserError("Manual areas must have columns of frames, pools and areas.", received, LAYOUT)
    lines = text.rename(columns={frame: "frame"}).assign(line=text.index + 2)  # the header is line 1
    if areas:
        column, unit = next(iter(areas.items()))
        lines = lines.rename(columns={column: "area"}).assign(unit=unit)
    else:
        lines = lines.melt(["frame", "line"], kept, "pool", "area")
        ends = lines["pool"].str.extract(r"^(?P<pool>.+?)(?P<end>_px|_um2|_µm2|_µm²)?$").fillna({"end": ""})
        lines = lines.assign(pool=ends["pool"], unit=ends["end"].map(UNITS))
        lines = lines.sort_values("unit", kind="stable").drop_duplicates(["line", "pool"])  # px before um2
    return lines.assign(cell=lines.get("cell", "1")), "" if frame == "frame" else frame


def _unknown_pools(lines: pd.DataFrame, names: Mapping[str, str], pools: Sequence[str], path: Path) -> list[UserError]:
    unknown = [name or "an empty name" for name in lines["pool"].unique() if name.lower() not in names]
    if not unknown:
        return []
    rule = "Manual areas must be of pools that the movie has."
    remedy = f"Name them {pools[0]} to {pools[-1]}, or number them 0 to {len(pools) - 1} row by row."
    return [UserError(rule, f"{shown([f'`{name}`' for name in unknown])} in {path}", remedy)]


def _wrong_numbers(lines: pd.DataFrame, timed: bool, path: Path) -> list[UserError]:
    """The faults of values that are no numbers from 0; areas may be empty."""
    faults = []
    for column in ("frame", "cell", "area"):
        numbers = pd.to_numeric(lines[column], errors="coerce").to_numpy(np.float64)
        whole = (column == "area") | (column == "frame" and timed) | (numbers == np.floor(numbers))
        fits = (np.isfinite(numbers) & (numbers >= 0) & whole) | ((lines[column] == "") & (column == "area"))
        wrong = lines[~fits].drop_duplicates(["line", column]).sort_values("line")
        if len(wrong):
            each = [f"“{value}” in line {line}" for value, line in zip(wrong[column], wrong["line"], strict=True)]
            rule = f"The {column} of manual areas must be a {'number' if column == 'area' else 'whole number'} from 0."
            remedy = "Leave the area empty where none was measured." if column == "area" else "Mend them."
            faults.append(UserError(rule, f"{shown(each)} of {path}", remedy))
    return faults


def _counted(lines: pd.DataFrame, time: str, frames: int) -> tuple[pd.Series, str]:
    """(the frame of each row, from 0; in words, by the order of times or by its number from 0 or 1)."""
    if time:
        return lines.groupby(["pool", "cell"])["frame"].rank(method="dense") - 1, f"frames in the order of `{time}`"
    first = int(lines["frame"].min() == 1 and lines["frame"].max() == frames)
    return lines["frame"] - first, f"frames counted from {first}"


def _wrong_frames(lines: pd.DataFrame, frames: int, path: Path) -> list[UserError]:
    """The faults of pools that have not each frame of the movie once; those that have as many are told together."""
    odd: dict[str, list[str]] = {}
    for (pool, cell), own in lines.groupby(["pool", "cell"], sort=False):
        counts = own["frame"].value_counts()
        if len(counts) < len(own):
            fault = f"{counts.max()} rows of frame {counts.idxmax():g}"
        elif len(own) != frames:
            fault = f"{len(own)} frames"
        elif sorted(counts.index) != list(range(frames)):
            fault = f"frames {min(counts.index):g} to {max(counts.index):g}"
        else:
            continue
        odd.setdefault(fault, []).append(f"{pool}" if cell == 1 else f"cell {cell:g} of {pool}")
    rule = f"Manual areas must have each of the movie's {frames} frames once."
    remedy = "Give a row for each frame, with an empty area where none was measured."
    return [UserError(rule, f"{fault} for {shown(cells)} in {path}", remedy) for fault, cells in odd.items()]
