"""A folder of new images, answered by a Version."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError, shown
from hpapipe.imageset.decoded import decoded
from hpapipe.imageset.images import ImageSet, unlabelled
from hpapipe.imageset.table import read_sample
from hpapipe.progress import bar
from hpapipe.tasks.classifier import BATCH
from hpapipe.tracking import registry
from hpapipe.workflows.refused import refuse_other


@dataclass(frozen=True)
class Predicted:
    """What was written.

    Args:
        answered: number of fields.
        unreadable: number of fields whose images could not be used.
        version: number of the Version that answered.
        files: what was written, in `out`.
        left_out: number of fields that the sample submission lacks.
        empty: number of ids of the submission that have no prediction, since they could not be read.
    """

    answered: int
    unreadable: int
    version: str
    files: tuple[Path, ...]
    left_out: int
    empty: int


def predict(
    recipe: Recipe,
    folder: Path,
    out: Path,
    which: str,
    parquet: bool,
    files: str | None = None,
    sample: Path | None = None,
) -> Predicted:
    """Write probabilities and names, the challenge's submission, and a table of what could not be read.

    The submission holds the ids of `sample` in its order, or those of the folder. A field that could not be read has an
    empty `Predicted` there: what its images show is not known, and a guess would pass for an answer.

    Args:
        recipe: names the registered model.
        folder: images.
        out: folder for the tables; made where it does not exist.
        which: alias or number of the Version.
        parquet: write the table of probabilities as Parquet, not CSV.
        files: pattern of the files' names; none: that of the training set.
        sample: the challenge's sample submission, with the columns `Id,Predicted`.

    Raises:
        UserError: no such Version, a faulty sample or one with ids that the folder lacks, no image that can be used, or
            `out` cannot be written.
    """
    refuse_other(recipe, "classification", "predict", "Measure a movie with `hpapipe movie measure`.")
    listed = read_sample(sample) if sample else None
    model, metadata, number = registry.load(recipe.register_as, which)
    data = config.parse(metadata["recipe"]).data
    images = unlabelled(folder, data.model_copy(update={"files": files}) if files else data)
    ids = images.ids if listed is None else _in_folder(listed, images)
    classifier = model.unwrap_python_model().version
    _make(out)
    answers, faults = [], []
    with bar("Predicting", len(images)) as advance:
        for batch in decoded(images, classifier.view, classifier.spec.bits, BATCH):
            faults += batch.faults
            if batch.ids:
                table = classifier.table(classifier.probabilities(batch.fields))
                answers.append(pd.concat([pd.DataFrame({"id": batch.ids}), table], axis=1))
            advance(len(batch.ids) + len(batch.faults))
    unreadable = pd.DataFrame(faults, columns=["id", "fault"])
    if not answers:
        raise UserError(
            "At least one field must be readable.",
            f"none of {len(images)} in {folder}",
            str(unreadable["fault"].iloc[0]),
        )
    table = pd.concat(answers, ignore_index=True)
    challenge = table.set_index("id")["Predicted"].reindex(list(ids)).rename_axis("Id").reset_index()
    written = [
        _write(table, out / f"predictions.{'parquet' if parquet else 'csv'}"),
        _write(challenge, out / "submission.csv"),
        _write(unreadable, out / "unreadable.csv"),
    ]
    left_out, empty = len(images) - len(ids), len(set(ids).intersection(unreadable["id"]))
    return Predicted(len(table), len(unreadable), number, tuple(written), left_out, empty)


def _in_folder(ids: tuple[str, ...], images: ImageSet) -> tuple[str, ...]:
    """`ids`, each of which the folder has images of."""
    present = set(images.ids)
    if absent := [name for name in ids if name not in present]:
        rule = "Every id of the sample submission must have images in the folder."
        remedy = "Give the folder of the challenge's test set, or its own sample."
        raise UserError(rule, f"none of {shown(absent)} in {images.folder}", remedy)
    return ids


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
