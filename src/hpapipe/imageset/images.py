"""A folder of images and what is known of each field: the noun that everything else in this package works on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset.decode import ImageError, read_field
from hpapipe.imageset.table import file_name, refuse_unsafe
from hpapipe.imageset.view import fitted, view_of
from hpapipe.labels import LabelSet


@dataclass(frozen=True)
class ImageSet:
    """Fields of one folder, one file a channel.

    Args:
        folder: the folder that `data.files` is relative to.
        data: channels, labels, file pattern and size.
        ids: names of the fields.
        truth: uint8 `[fields, labels]`, ones where a label is present; no columns where nothing is known.
        groups: what must stay on one side of a split, one text a field; empty where unknown.
    """

    folder: Path
    data: Data
    ids: tuple[str, ...]
    truth: np.ndarray
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def paths(self, field: int) -> list[Path]:
        """The files of field number `field`, one a channel, in the recipe's order."""
        return [self.folder / file_name(self.data, self.ids[field], channel) for channel in self.data.channels]

    def read(self, field: int, dtype: np.dtype | None = None) -> np.ndarray:
        """Field number `field` as its networks see it, uint8 or uint16 `[height, width, channels]`.

        Args:
            field: its number.
            dtype: the integer type it must have; none: either.

        Raises:
            ImageError: a file cannot be used, or has another integer type.
        """
        image = fitted(read_field(self.paths(field), self.data.max_pixels), view_of(self.data), self.ids[field])
        refuse_other_depth(image, dtype, self.ids[field], self.ids[0])
        return image

    def take(self, fields: Sequence[int] | np.ndarray) -> ImageSet:
        """The set of these fields alone, in this order."""
        groups = tuple(self.groups[field] for field in fields) if self.groups else ()
        ids = tuple(self.ids[field] for field in fields)
        return replace(self, ids=ids, truth=self.truth[np.asarray(fields, int)], groups=groups)


def refuse_other_depth(image: np.ndarray, dtype: np.dtype | None, name: str, first: str) -> None:
    """Raise an ImageError where the image of field `name` has not the integer type `dtype` of `first`; none: either."""
    if dtype is not None and image.dtype != dtype:
        received = f"{image.dtype} for {name} beside {dtype} for {first}"
        raise ImageError("All fields must have one bit depth.", received, "Convert the odd ones, or take them out.")


def labelled(folder: Path, data: Data, facts: pd.DataFrame) -> ImageSet:
    """The labelled set of `folder`.

    Args:
        folder: where images and label table are.
        data: the recipe's section.
        facts: `hpapipe.imageset.table.label_facts`, without faulty rows.
    """
    truth = LabelSet(data.labels).read(list(facts["target"]))[:, list(data.indices)]
    groups = tuple(facts["group"]) if data.group_column else ()
    return ImageSet(folder, data, tuple(facts["id"]), truth, groups)


def unlabelled(folder: Path, data: Data) -> ImageSet:
    """All fields whose files lie in `folder` itself, found by the name part of `data.files`, in the order of their ids.

    Raises:
        UserError: the folder does not exist or holds no file of that pattern.
    """
    pattern = PurePosixPath(data.files).name
    if not folder.is_dir():
        raise UserError(
            "Images must lie in a folder.", f"{folder}, which does not exist", "Give the folder of the images."
        )
    if "{id}" not in pattern or "{channel}" not in pattern:
        rule = "The file name in `data.files` must hold {id} and {channel} where images have no table."
        raise UserError(rule, f"{data.files}", "Name the files so, and set `data.files`.")
    channels = "|".join(re.escape(channel) for channel in data.channels)
    parts = (re.escape(part) for part in re.split(r"(\{id\}|\{channel\})", pattern))
    form = "".join(parts).replace(r"\{id\}", "(?P<id>.+)").replace(r"\{channel\}", f"(?:{channels})")
    ids = sorted({match["id"] for file in folder.iterdir() if (match := re.fullmatch(form, file.name))})
    if not ids:
        others = sorted(file.name for file in folder.iterdir() if file.is_file())
        received = f"{others[0]} and {len(others) - 1} other files" if others else "no files"
        rule = f"The folder must hold images named {pattern} for the channels {', '.join(data.channels)}."
        raise UserError(rule, f"{received} in {folder}", "Rename the files, or set `data.files`.")
    refuse_unsafe(ids, str(folder))
    here = data.model_copy(update={"files": pattern})
    return ImageSet(folder, here, tuple(ids), np.zeros((len(ids), 0), np.uint8))
