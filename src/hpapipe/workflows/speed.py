"""How fast networks train: images a second for every architecture, feed and batch size that a recipe names."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.pack import pack
from hpapipe.models.build import check_size
from hpapipe.plots.speed import draw_speed, fastest_table, speed_table
from hpapipe.progress import bar, say
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import KIND, SPEED, SPEED_CELL, keep_recipe
from hpapipe.workflows.prepare import inspect, prepare, source_folder
from hpapipe.workflows.refused import refuse_other
from hpapipe.workflows.speed_cell import FAILED, MEASURED, NOT_TRIED, OUT_OF_MEMORY, Outcome, measure_cell
from hpapipe.workflows.speed_plan import Cell, cells, given, subject, subject_key, training_fields

CELL, OUTCOME, REASON, KEY = "hpapipe.speed.cell", "hpapipe.speed.outcome", "hpapipe.speed.reason", "hpapipe.speed.key"
"""Tags of a cell's run: its name, what became of it, why, and `subject_key`."""

GIVEN = "given.yaml"
"""What the recipe says itself: written out in full, it would leave nothing for feeds to set."""


@dataclass(frozen=True)
class Bench:
    """What every cell is measured with.

    Args:
        recipe: of the study.
        run: of the study.
        images: the set.
        most: fields of it that may be fed, as many as would train.
        begun: name of a cell -> its run, where the study has been stopped after that.
    """

    recipe: Recipe
    run: Run
    images: ImageSet
    most: int
    begun: Mapping[str, Run]


@dataclass(frozen=True)
class Study:
    """What came out: the run, a row a cell, and the fastest batch size of each architecture and feed."""

    run_id: str
    table: pd.DataFrame
    fastest: pd.DataFrame

    @property
    def unmeasured(self) -> list[str]:
        """A line for all cells of an architecture and feed that were not measured for the same reason."""
        missing = self.table[self.table["outcome"] != MEASURED]
        lines = []
        alike = ["architecture", "feed", "outcome", "reason"]
        for (architecture, feed, outcome, reason), rows in missing.groupby(alike, sort=False):
            sizes = ", ".join(str(size) for size in rows["batch_size"])
            lines.append(f"{architecture}, {feed}, batch size {sizes}: {outcome}, {reason}")
        return lines


class _CellError(Exception):
    """Ends a cell's run as FAILED; a resumed study tries it again."""


def speed(recipe: Recipe, resume: str | None = None) -> Study:
    """Measure, log and draw a speed study.

    Args:
        recipe: its section `speed` names the cells; of no effect where a study is resumed, which keeps its own.
        resume: id of a study that was stopped.

    Raises:
        UserError: anything a user can mend, such as a study whose cells all fail.
        KeyboardInterrupt: stopped by the user; the study can be resumed.
    """
    if resume:
        recipe = _kept_recipe(resume)
    refuse_other(recipe, "classification", "speed", "Read `images_per_second` of its runs.")
    planned = cells(recipe)
    tags = {
        KIND: SPEED,
        "mlflow.runName": "speed study",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.recipe": recipe.fingerprint,
    }
    with runs.running(recipe.experiment, tags, resume) as run:
        try:
            return _study(recipe, planned, run)
        except KeyboardInterrupt:
            say("\nStopped. Every finished cell is kept.")
            say(f"Next: hpapipe speed --resume {run.id}")
            raise


def _kept_recipe(resume: str) -> Recipe:
    run = runs.find(resume)
    if runs.facts(run)[1].get(KIND) != SPEED:
        remedy = "`mlflow ui` shows the ids of speed studies; `hpapipe train --resume` goes on with trainings."
        raise UserError("`hpapipe speed --resume` must name a speed study.", f"run {resume}, which is none", remedy)
    return config.parse(yaml.safe_load(runs.read_text(run, GIVEN)), source=f"run {resume}")


def _study(recipe: Recipe, planned: Sequence[Cell], run: Run) -> Study:
    keep_recipe(run, recipe)
    run.text(GIVEN, yaml.safe_dump(given(recipe), sort_keys=False))
    folder = source_folder(recipe)
    prepared = prepare(recipe, folder, inspect(recipe, folder))
    run.tags({"hpapipe.data": prepared.fingerprint})
    _pack(recipe, planned, prepared.images)
    most = training_fields(recipe, len(prepared.images))
    say(f"Speed study: {len(planned)} cells, {recipe.speed.seconds:g} s each, of {most:,} training fields in {folder}")
    begun = {runs.facts(part)[1].get(CELL, ""): part for part in runs.children(run)}
    bench = Bench(recipe, run, prepared.images, most, begun)
    rows = []
    with bar("Measuring", len(planned)) as advance:
        exhausted: dict[tuple[str, str], int] = {}
        for cell in planned:
            advance(0, note=cell.name)
            line = cell.architecture, cell.feed
            outcome = _stands(begun.get(cell.name)) or _track(cell, bench, exhausted.get(line))
            if outcome.word == OUT_OF_MEMORY:
                exhausted[line] = cell.batch_size
            rows.append(_row(cell, outcome))
            advance()
    return _finish(speed_table(rows), run)


def _pack(recipe: Recipe, planned: Sequence[Cell], images: ImageSet) -> None:
    """Make the packs that cells feed from, once and for all, so that no cell's time or memory has to pay for it."""
    for data in {cell.recipe.data for cell in planned if cell.recipe and cell.recipe.feed.source == "packed"}:
        with contextlib.suppress(UserError):  # the cells that need it fail of the same, and tell why
            pack(replace(images, data=data), Path(recipe.workspace))


def _stands(part: Run | None) -> Outcome | None:
    """What became of a cell whose run is finished; none where it has to be measured."""
    if part is None:
        return None
    _, tags, metrics = runs.facts(part)
    if tags.get("hpapipe.ended") != "FINISHED":
        return None
    numbers = {name.removeprefix("speed/"): value for name, value in metrics.items() if name.startswith("speed/")}
    return Outcome(tags[OUTCOME], tags.get(REASON, ""), numbers)


def _track(cell: Cell, bench: Bench, exhausted: int | None) -> Outcome:
    """Measure a cell in a run of its own, a part of the study's; the run's status says whether it failed.

    Args:
        cell: to measure.
        bench: to measure it with.
        exhausted: a smaller batch size that ran out of memory.
    """
    outcome = Outcome(NOT_TRIED)
    tags = {KIND: SPEED_CELL, CELL: cell.name, "mlflow.runName": cell.name}
    if cell.recipe:
        tags |= {KEY: subject_key(cell.recipe), "hpapipe.speed.subject": subject(cell.recipe)}
    before = bench.begun.get(cell.name)
    with (
        contextlib.suppress(_CellError),
        runs.running(bench.recipe.experiment, tags, before.id if before else None, parent=bench.run) as part,
    ):
        part.params({"architecture": cell.architecture, "feed": cell.feed, "batch_size": cell.batch_size})
        if cell.recipe:
            keep_recipe(part, cell.recipe)
        outcome = _measured(cell, bench, exhausted)
        part.tags({OUTCOME: outcome.word, REASON: outcome.reason, **outcome.facts})
        part.metrics({f"speed/{name}": value for name, value in outcome.numbers.items()})
        if outcome.word == FAILED:
            raise _CellError
    return outcome


def _measured(cell: Cell, bench: Bench, exhausted: int | None) -> Outcome:
    """What becomes of a cell, with no process started where that can be told before."""
    if cell.recipe is None:
        return Outcome(FAILED, cell.reason)
    if exhausted is not None:
        return Outcome(NOT_TRIED, f"larger than {exhausted}, which ran out of memory")
    if cell.batch_size > bench.most:
        return Outcome(FAILED, f"{cell.batch_size} fields in a batch, of {bench.most} that train")
    try:
        check_size(cell.architecture, *cell.recipe.data.size)
    except UserError as error:
        return Outcome(FAILED, str(error))
    return measure_cell(cell.recipe, replace(bench.images, data=cell.recipe.data), bench.most)


def _row(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    named = {"architecture": cell.architecture, "feed": cell.feed, "batch_size": cell.batch_size}
    return {**named, "outcome": outcome.word, "reason": outcome.reason, **outcome.numbers}


def _finish(table: pd.DataFrame, run: Run) -> Study:
    """Log tables, figures and the description."""
    run.table("speed", table)
    if not (table["outcome"] == MEASURED).any():
        first = table.iloc[0]
        received = (
            f"{len(table)} cells, of which none could be measured; the first: {first['reason'] or first['outcome']}"
        )
        raise UserError("A speed study must measure one cell at least.", received, "Mend this first.")
    best = fastest_table(table)
    run.table("fastest", best)
    for name, part in table.groupby("architecture", sort=False):
        run.figure(f"speed_{name}", part, draw_speed(part))
    run.describe("\n".join(_description(table, best)))
    return Study(run.id, table, best)


def _description(table: pd.DataFrame, best: pd.DataFrame) -> Iterator[str]:
    """What MLflow shows at the top of the run."""
    yield f"**Training speed**: {_counted(Counter(table['outcome']))}. Figures and their tables are under Artifacts.\n"
    yield "| architecture | feed | fastest batch size | images a second |"
    yield "|---|---|---:|---:|"
    for row in best.itertuples(index=False):
        yield f"| {row.architecture} | {row.feed} | {row.batch_size} | {row.images_per_second:.4g} |"


def _counted(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in outcomes.items())
