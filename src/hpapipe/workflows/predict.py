"""Any number of fields answered by a Version: in shards that outlive a kill, joined to tables at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from hpapipe.config import Recipe
from hpapipe.errors import UserError, shown
from hpapipe.imageset.places import open_place
from hpapipe.imageset.stored import Place
from hpapipe.imageset.table import read_sample
from hpapipe.progress import bar, say
from hpapipe.tracking import runs
from hpapipe.workflows.answer import answer_shards, data_of
from hpapipe.workflows.answering import Answering, load
from hpapipe.workflows.cluster import answer_on_cluster
from hpapipe.workflows.join import Joined, join
from hpapipe.workflows.shards import Job, begun

PLAIN, RAY = "plain", "ray"


@dataclass(frozen=True)
class Asked:
    """What is to be answered, and how.

    Args:
        place: a folder, a table of paths or addresses, a zip or tar, a pack, or an address that fsspec knows.
        out: folder for the answers; none: `predictions/` and one named by place, model and Version.
        which: alias or number of the Version.
        runtime: that answers, or `auto`.
        typed: options of `data` that say how files are named, where it is otherwise than in training.
        sample: the challenge's sample submission, with the columns `Id,Predicted`.
        parquet: write the table of answers as Parquet, not CSV.
        again: remove what stands in `out`, and begin anew.
        engine: `plain`, or `ray`.
        address: of a Ray cluster; none: one of this machine alone.
    """

    place: str
    out: Path | None = None
    which: str = "champion"
    runtime: str = "auto"
    typed: Mapping[str, str] = field(default_factory=dict)
    sample: Path | None = None
    parquet: bool = False
    again: bool = False
    engine: str = PLAIN
    address: str | None = None


@dataclass(frozen=True)
class Predicted:
    """What was written.

    Args:
        joined: tables, and numbers of fields.
        version: number of the Version that answered.
        runtime: that answered.
        kept: number of fields that had been answered by an earlier call.
        since: number of fields that came, went or changed since the job was begun.
        notes: what the place left out, a sentence each.
    """

    joined: Joined
    version: str
    runtime: str
    kept: int
    since: int
    notes: list[str]


def predict(recipe: Recipe, asked: Asked) -> Predicted:
    """Answer every field of a place; what an earlier call answered in the same folder is kept.

    Args:
        recipe: names the registered model; its section `predict` says how many fields are answered at a time.
        asked: what, by whom, and where to.

    Raises:
        UserError: no such Version, a faulty sample or one with ids that the place lacks, no image that can be used,
            another job's answers in the folder, or it cannot be written.
    """
    if asked.engine not in (PLAIN, RAY):
        raise UserError(f"--engine must be {PLAIN} or {RAY}.", asked.engine, "Leave it out for this machine alone.")
    listed = read_sample(asked.sample) if asked.sample else None  # a fault there is told before any work
    return answer(recipe, asked, load(recipe, asked.which, asked.runtime), listed)


def answer(recipe: Recipe, asked: Asked, answering: Answering, listed: tuple[str, ...] | None = None) -> Predicted:
    """As `predict`, by a Version that was loaded before; `listed` are the ids of the sample submission."""
    # In one form, so that a folder is the same from wherever it is named.
    given = str(Path(asked.place).resolve()) if Path(asked.place).exists() else asked.place
    place = open_place(given, data_of(answering.metadata, asked.typed))
    try:
        if listed is not None:
            _refuse_absent(listed, place)
        folder = asked.out or Path("predictions") / f"{_slug(place.name)}-{recipe.register_as}-{answering.number}"
        same = {
            "place": place.name,
            "model": recipe.register_as,
            "version": answering.number,
            "run": answering.metadata["run"],
            "runtime": answering.runtime,
            "batch_size": recipe.predict.batch_size,
        }
        by = {"code": runs.code_version(), **asdict(answering.version.spec)}
        rows, empty = recipe.predict.shard, answering.version.rows([])
        with begun(folder, place, same, by, empty, rows, asked.again) as job:
            kept = len(job.listing) - sum(map(job.listing.count, job.missing()))
            _answer(recipe, replace(asked, place=given), answering, job, place)
            joined = join(job, asked.parquet, listed)
        return Predicted(joined, answering.number, answering.runtime, kept, job.since, place.notes)
    finally:
        place.close()


def _answer(recipe: Recipe, asked: Asked, answering: Answering, job: Job, place: Place) -> None:
    """Answer the shards that are missing."""
    if not (missing := job.missing()):
        return
    with _told_when_stopped(job), bar("Predicting", sum(map(job.listing.count, missing))) as advance:
        if asked.engine == RAY:
            task = {
                "recipe": recipe.model_dump(mode="json"),
                "which": answering.number,
                "runtime": answering.runtime,
                "place": asked.place,
                "typed": dict(asked.typed),
                "job": str(job.folder),
                "here": os.getcwd(),
            }
            answer_on_cluster(task, missing, asked.address, advance)
        else:
            for _ in answer_shards(job, missing, place, answering.version, recipe.predict.batch_size, advance):
                pass


@contextmanager
def _told_when_stopped(job: Job) -> Iterator[None]:
    """Say what is there where the user stops the block."""
    try:
        yield
    except KeyboardInterrupt:
        there = job.listing.groups - len(job.missing())
        say(f"Stopped: {there:,} of {job.listing.groups:,} shards are in {job.folder}; the same command goes on")
        raise


def _refuse_absent(ids: tuple[str, ...], place: Place) -> None:
    """Refuse a sample with ids that the place has no field of, before anything is written."""
    absent = dict.fromkeys(ids)
    for each in place.fields():
        absent.pop(each.id, None)
    if absent:
        rule = "Every id of the sample submission must have images in the folder."
        remedy = "Give the folder of the challenge's test set, or its own sample."
        raise UserError(rule, f"none of {shown(list(absent))} in {place.name}", remedy)


def _slug(name: str) -> str:
    """The last part of a place's name, with the signs that any file system takes."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    return re.sub(r"[^\w.-]+", "-", last).strip("-.") or "fields"
