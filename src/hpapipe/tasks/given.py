"""Images as a program or a client gives them: an array, or a table of files.

A text is never a path: it is an image in base64, and a file on disk is named by a `pathlib.Path`, which no request can
hold. So no server, whichever it is, reads a file that a client names.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hpapipe.errors import UserError, shown
from hpapipe.imageset.decode import read_image, stacked
from hpapipe.imageset.sent import content, opened, pixels

MOST = 256
"""Images in a request."""

JSON = (np.dtype(np.int64), np.dtype(np.uint64))
"""What whole numbers become that come without a type."""


def fields(given: Any, columns: Sequence[str], bits: int, max_pixels: int) -> Sequence[np.ndarray] | np.ndarray:
    """The images in `given`, integers, each `[height, width, columns]`.

    Args:
        given: an array `[images, height, width, columns]`, also without its last axis where there is one column; or a
            table, its columns by name, or its rows, with a file for each of `columns`: a `Path`, bytes, or base64.
        columns: names of the channels.
        bits: 8 or 16, that the images must have.
        max_pixels: a file with more is refused undecoded; so are all, where those that were sent together hold more
            pixels than one field of that size.

    Raises:
        UserError: anything else.
    """
    if isinstance(given, np.ndarray):
        return _array(given, columns, bits)
    return _table(_framed(given, columns), max_pixels)


def _array(given: np.ndarray, columns: Sequence[str], bits: int) -> np.ndarray:
    wanted, top = np.dtype(f"uint{bits}"), 2**bits - 1
    images = given[..., None] if given.ndim == 3 and len(columns) == 1 else given
    received = f"{given.dtype} {list(given.shape)}" if given.dtype.kind in "biuf" else "other things than numbers"
    fits = images.ndim == 4 and images.shape[-1] == len(columns) and 0 not in images.shape[1:]
    if not fits or (images.dtype != wanted and images.dtype not in JSON):
        rule = f"Images must be {wanted} [images, height, width, {len(columns)}] ({', '.join(columns)})."
        raise UserError(rule, received, f"Give whole numbers from 0 to {top}, as for training.")
    if images.dtype == wanted:
        return images
    _refuse_many(len(images))
    if images.min() < 0 or images.max() > top:
        rule = f"Pixels of {bits} bits must be whole numbers from 0 to {top}."
        raise UserError(rule, f"{images.min()} to {images.max()}", "Convert them as for training.")
    return images.astype(wanted)


def _framed(given: Any, columns: Sequence[str]) -> pd.DataFrame:
    """`given` as a table of `columns` that has rows.

    MLflow's server makes a dictionary of arrays of objects under `instances`, and a list of dictionaries, each value an
    array without axes, of those under `inputs`.
    """
    table = given
    if isinstance(given, dict):
        columnwise = {name: list(np.atleast_1d(values)) for name, values in given.items()}
        lengths = [f"{len(values)} of {name}" for name, values in columnwise.items()]
        if len({len(values) for values in columnwise.values()}) > 1:
            raise UserError("Each image must have all its channels.", shown(lengths), "Send as many of each.")
        table = pd.DataFrame(columnwise)
    elif isinstance(given, list) and all(isinstance(row, dict) for row in given):
        table = pd.DataFrame([{name: np.asarray(value)[()] for name, value in row.items()} for row in given])
    if not isinstance(table, pd.DataFrame):
        remedy = "Give [images, height, width, channels], or a column of files for each channel."
        raise UserError("Images must be an array or a table.", f"a value of type {type(given).__name__}", remedy)
    if not len(table):
        raise UserError("There must be an image to answer.", "none", "Give a row for each image.")
    named = [str(name) for name in table.columns]
    if any(named.count(column) != 1 for column in columns):
        rule = f"The table of images must have the column{'s' * (len(columns) > 1)} {', '.join(columns)}, each once."
        raise UserError(rule, shown(named), "Give a file for each channel.")
    return table[list(columns)]


def _table(table: pd.DataFrame, max_pixels: int) -> list[np.ndarray]:
    many = len(table.columns)
    names = [f"channel {column} of image {row + 1}" for row in range(len(table)) for column in table.columns]
    held = [
        cell if isinstance(cell, Path) else content(cell, name)
        for cell, name in zip(table.to_numpy(object).ravel(), names, strict=True)
    ]
    if not all(isinstance(file, Path) for file in held):
        _refuse_many(len(table))
    files = [
        file if isinstance(file, Path) else opened(file, name, max_pixels)
        for file, name in zip(held, names, strict=True)
    ]
    total = sum(file.width * file.height for file in files if not isinstance(file, Path))
    if total > (most := max_pixels * many):
        rule = f"The images of a request must together have at most {most:,} pixels."
        raise UserError(rule, f"{total:,}", "Send fewer at a time.")
    read = [
        read_image(file, max_pixels) if isinstance(file, Path) else pixels(file, name)
        for file, name in zip(files, names, strict=True)
    ]
    return [stacked(read[start:][:many], names[start:][:many]) for start in range(0, len(read), many)]


def _refuse_many(count: int) -> None:
    if not count:
        raise UserError("There must be an image to answer.", "none", "Give one or more.")
    if count > MOST:
        raise UserError(f"A request must hold at most {MOST} images.", f"{count:,}", "Send fewer at a time.")
