"""A folder of new images, answered by a Version."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.decode import ImageError, read_field
from hpapipe.imageset.images import ImageSet, unlabelled
from hpapipe.progress import bar
from hpapipe.tasks.classifier import BATCH, answer_table
from hpapipe.tracking import registry


@dataclass(frozen=True)
class Predicted:
    """What was written.

    Args:
        answered: number of fields.
        unreadable: number of fields whose images could not be used.
        version: number of the Version that answered.
        files: what was written, in `out`.
    """

    answered: int
    unreadable: int
    version: str
    files: tuple[Path, ...]


def predict(recipe: Recipe, folder: Path, out: Path, which: str, parquet: bool, files: str | None = None) -> Predicted:
    """Write probabilities and names, the challenge's submission, and a table of what could not be read.

    Args:
        recipe: names the registered model.
        folder: images.
        out: folder for the tables; made where it does not exist.
        which: alias or number of the Version.
        parquet: write the table of probabilities as Parquet, not CSV.
        files: pattern of the files' names; none: that of the training set.

    Raises:
        UserError: no such Version, no image that can be used, or `out` cannot be written.
    """
    model, metadata, number = registry.load(recipe.register_as, which)
    data = config.parse(metadata["recipe"]).data
    images = unlabelled(folder, data.model_copy(update={"files": files}) if files else data)
    classifier = model.unwrap_python_model().version
    _make(out)
    answers, faults = [], []
    with bar("Predicting", len(images)) as advance:
        for ids, fields, broken in _decoded(images, classifier.spec.bits):
            faults += broken
            if ids:
                table = answer_table(classifier.spec.labels, classifier.probabilities(fields), classifier.named)
                answers.append(pd.concat([pd.DataFrame({"id": ids}), table], axis=1))
            advance(len(ids) + len(broken))
    unreadable = pd.DataFrame(faults, columns=["id", "fault"])
    if not answers:
        raise UserError(
            "At least one field must be readable.",
            f"none of {len(images)} in {folder}",
            str(unreadable["fault"].iloc[0]),
        )
    table = pd.concat(answers, ignore_index=True)
    challenge = table[["id", "Predicted"]].rename(columns={"id": "Id"})
    written = [
        _write(table, out / f"predictions.{'parquet' if parquet else 'csv'}"),
        _write(challenge, out / "submission.csv"),
        _write(unreadable, out / "unreadable.csv"),
    ]
    return Predicted(len(table), len(unreadable), number, tuple(written))


def _decoded(images: ImageSet, bits: int) -> Iterator[tuple[list[str], np.ndarray, list[tuple[str, str]]]]:
    """(ids, fields, (id, fault) of those that cannot be used), a batch at a time."""

    def read(field: int) -> np.ndarray | ImageError:
        try:
            image = read_field(images.paths(field), images.data.size, images.data.max_pixels)
        except ImageError as fault:
            return fault
        if (found := 8 * image.dtype.itemsize) != bits:
            rule = f"Images must have {bits} bits, as those of training."
            return ImageError(rule, f"{found} bits for {images.ids[field]}", "Convert them as for training.")
        return image

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for start in range(0, len(images), BATCH):
            batch = range(start, min(start + BATCH, len(images)))
            found = list(zip((images.ids[field] for field in batch), workers.map(read, batch), strict=True))
            good = [(name, image) for name, image in found if not isinstance(image, ImageError)]
            broken = [(name, str(fault)) for name, fault in found if isinstance(fault, ImageError)]
            yield [name for name, _ in good], np.array([image for _, image in good]), broken


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # refused now, not after an hour of answers
            pass
    except OSError as error:
        raise _unwritable(folder, error) from None


def _write(table: pd.DataFrame, path: Path) -> Path:
    """Write a table whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    try:
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_csv(part, index=False)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(path, error) from None
    return path


def _unwritable(path: Path, error: OSError) -> UserError:
    received = f"“{error.strerror or error}” at {path}"
    return UserError("The folder for the answers must be writable.", received, "Give another with --out.")
