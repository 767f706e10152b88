"""The two sets that drift is told between: a prediction, and the fields that a Version's networks never learned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from hpapipe.config import Recipe
from hpapipe.errors import AwayError, UserError
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.decoded import ahead
from hpapipe.imageset.listing import Listing
from hpapipe.imageset.looks import LOOKS, looks
from hpapipe.imageset.places import open_place
from hpapipe.imageset.stored import Stored
from hpapipe.labels import parse_target
from hpapipe.progress import track
from hpapipe.scoring.thresholds import most_likely, name
from hpapipe.tasks.classified import PROBABILITY
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.prepare import inspect, source_folder

_ROWS = 50_000
"""Answers held at once."""


@dataclass(frozen=True)
class Side:
    """One of the two sets.

    Args:
        fields: number of those with an answer.
        unreadable: number of those without.
        named: how often each label was named, int `[labels]`.
        nothing: number of fields for which no label was named.
        top: the highest probability of each field, float32 `[fields]`.
        looks: `id`, `channel` and `LOOKS`, a row an image; empty where none was measured.
    """

    fields: int
    unreadable: int
    named: np.ndarray
    nothing: int
    top: np.ndarray
    looks: pd.DataFrame


def about(folder: Path) -> dict[str, Any]:
    """What `hpapipe predict` wrote about the answers in `folder`: `asked`, `by`, `fields` and more.

    Raises:
        UserError: there are no such answers, or they are no names.
    """
    rule = "Drift is told of a folder that `hpapipe predict` wrote."
    try:
        told = json.loads((folder / "about.json").read_text("utf-8"))
        found = {**told["by"], **told["asked"]}
    except (OSError, ValueError, KeyError, TypeError):
        received = f"{folder}, which holds no about.json that can be read"
        raise UserError(rule, received, f"Run `hpapipe predict {folder}`, and give the folder it names.") from None
    if "labels" not in found:
        raise UserError(rule, f"{folder}, whose answers are no names", "Give the answers of a classifier.")
    return dict(told)


def answered(folder: Path, told: Mapping[str, Any]) -> Side:
    """The side of a prediction, its images not measured.

    Args:
        folder: that `hpapipe predict` wrote.
        told: `about(folder)`.

    Raises:
        UserError: its table is missing, or is another than `hpapipe predict` writes.
    """
    labels, indices = told["by"]["labels"], told["by"]["indices"]
    place = {index: column for column, index in enumerate(indices)}
    named, nothing, top = np.zeros(len(labels), np.int64), 0, []
    try:
        for rows in _rows(folder, labels):
            for target, count in rows["Predicted"].value_counts().items():
                found = [place[index] for index in parse_target(str(target))]
                named[found] += count
                nothing += 0 if found else count
            top.append(rows[labels].to_numpy(np.float32).max(axis=1))
    except (OSError, ValueError, KeyError) as error:  # Arrow's and pandas' faults are ValueErrors
        reason = " ".join(str(error).split())
        remedy = "Call `hpapipe predict` again: it joins what it has answered."
        raise UserError("The table of answers must be readable.", f"“{reason}” in {folder}", remedy) from None
    tops = np.concatenate(top) if top else np.empty(0, np.float32)
    return Side(len(tops), int(told["fields"]) - len(tops), named, nothing, tops, pd.DataFrame())


def held_out(run: Run, rule: Mapping[str, Any], recipe: Recipe) -> Side:
    """The side of the fields that the networks of a run answered without having learned them.

    Args:
        run: that made the Version.
        rule: how the Version names labels: its spec.
        recipe: of the run.

    Raises:
        UserError: the run has no such answers, or its images were not measured and are not there any more.
    """
    table = runs.read_table(run, "predictions")
    scores = table[[f"{PROBABILITY}{label}" for label in rule["labels"]]].to_numpy(np.float32)
    thresholds = np.asarray(rule["thresholds"])
    named = most_likely(scores) if rule["one_label"] else name(scores, thresholds, rule["always_name_one"])
    measured = _measured(run, recipe)
    mine = measured[measured["id"].isin(set(table["id"]))]
    numbers = mine[list(LOOKS)].apply(pd.to_numeric, errors="coerce")
    return Side(
        fields=len(table),
        unreadable=0,
        named=named.sum(axis=0, dtype=np.int64),
        nothing=int((named.sum(axis=1) == 0).sum()),
        top=scores.max(axis=1),
        looks=pd.concat([mine[["id", "channel"]], numbers], axis=1),
    )


def sampled(folder: Path, told: Mapping[str, Any], recipe: Recipe, most: int) -> pd.DataFrame:
    """`id`, `channel` and `LOOKS` of a random sample of the fields that were predicted.

    Args:
        folder: that `hpapipe predict` wrote.
        told: `about(folder)`.
        recipe: of the run that made the Version.
        most: fields to measure.

    Raises:
        UserError: the images are not where they were, or none of the sample can be read.
    """
    listing = Listing.open(folder / "fields.parquet")
    count = min(most, len(listing))
    chosen = set(np.random.default_rng(recipe.split.seed).choice(len(listing), count, replace=False).tolist())
    place = open_place(told["asked"]["place"], recipe.data, listed=True)

    def seen(field: Stored) -> np.ndarray | ImageError:
        try:
            return place.read(field)[0]
        except ImageError as fault:
            return fault

    faults: list[ImageError] = []
    rows: list[dict[str, object]] = []
    try:
        found = ahead(seen, _chosen(listing, chosen), window=8, threads=1 if place.in_order else None)
        for field, image in track(found, "Measuring", count):
            if isinstance(image, ImageError):
                faults.append(image)
                continue
            for number, channel in enumerate(recipe.data.channels):
                rows.append({"id": field.id, "channel": channel, **looks(image[..., number])})
    finally:
        place.close()
    if not rows:
        raise UserError(
            "The images that were predicted must be readable.", f"none of {count:,} looked at", str(faults[0])
        )
    return pd.DataFrame(rows)


def _rows(folder: Path, labels: list[str]) -> Iterator[pd.DataFrame]:
    """`Predicted` and the probabilities, some rows at a time."""
    wanted = ["Predicted", *labels]
    if (file := folder / "predictions.parquet").exists():
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches(_ROWS, columns=wanted):
                yield batch.to_pandas()
        return
    types = {"Predicted": str, **dict.fromkeys(labels, np.float32)}
    with pd.read_csv(
        folder / "predictions.csv", usecols=wanted, dtype=types, keep_default_na=False, chunksize=_ROWS
    ) as tables:
        yield from tables


def _measured(run: Run, recipe: Recipe) -> pd.DataFrame:
    """What was measured of the images that the run trained on; measured now where it kept nothing of that."""
    try:
        return runs.read_table(run, "checks/measurements")
    except AwayError:
        raise
    except UserError:
        return inspect(recipe, source_folder(recipe)).measurements


def _chosen(listing: Listing, chosen: set[int]) -> Iterator[Stored]:
    """Some fields of a listing, in its order."""
    start = 0
    for group in range(listing.groups):
        many = listing.count(group)
        if places := [place for place in range(many) if start + place in chosen]:
            fields = listing.read(group)
            yield from (fields[place] for place in places)
        start += many
