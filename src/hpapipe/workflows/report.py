"""A run as one HTML page: what it was given, what came out, and what it is good for."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.pages.blocks import Facts, Page
from hpapipe.pages.html import render
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import report_card, report_data, report_scores, report_training
from hpapipe.workflows.kept import EVALUATE, FOLD, TRAIN
from hpapipe.workflows.report_run import Held, read_held

ARTIFACT = "report.html"

RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Reported:
    """What came out.

    Args:
        run: id of the run.
        summary: what the run comes to, in words.
        path: of the page.
        next: the command that follows.
    """

    run: str
    summary: str
    path: Path
    next: str


def report(recipe: Recipe, which: str, out: Path | None) -> Reported:
    """Write the page of a run, and log it to the run.

    Args:
        recipe: names the registered model, where `which` is no id.
        which: id of a run, or an alias or number of a Version.
        out: the page; none: `report-` and the first 8 digits of the id, in the current folder.

    Raises:
        UserError: there is no such run, it has nothing to report, or the page cannot be written.
    """
    held = read_held(_found(recipe, which))
    page = page_of(held)
    path = out or Path(f"report-{held.run.id[:8]}.html")
    html = render(page)
    _write_whole(path, html)
    held.run.text(ARTIFACT, html)
    return Reported(held.run.id, page.summary, path, _next(held))


def page_of(held: Held) -> Page:
    """The page of what a run holds; chapters without material are empty."""
    summary = report_scores.summary(held)
    chapters = (
        report_data.data(held),
        report_data.checks(held),
        report_data.split(held),
        report_training.curves(held),
        report_scores.scores(held),
        report_scores.parts(held),
        report_scores.thresholds(held),
        report_scores.extremes(held),
        report_training.weights(held),
        report_training.speed(held),
        report_card.recipe(held),
        report_card.card(held),
    )
    now = datetime.now(UTC)
    made = f"Made {_day(now)} by hpapipe {runs.code_version()} from run {held.run.id}. Who is champion is as of then."
    return Page(held.about.name, _facts(held), summary, chapters, made)


def _facts(held: Held) -> Facts:
    about, tags = held.about, held.tags
    ended = _day(about.ended) if about.ended else ""
    lasted = report_training.duration((about.ended - about.begun).total_seconds()) if about.ended else ""
    return Facts(
        (
            ("Run", held.run.id),
            ("Kind", f"{held.kind} ({held.recipe.task})"),
            ("Experiment", about.experiment),
            ("Version", _version(held)),
            ("Champion", _champion(held)),
            ("Status", about.status),
            ("Begun", _day(about.begun)),
            ("Ended", ended),
            ("Duration", lasted),
            ("Code", tags.get("hpapipe.code", "")),
            ("Backend", " ".join(filter(None, (tags.get("hpapipe.backend"), tags.get("hpapipe.precision"))))),
            ("Members", tags.get("hpapipe.members", "")),
            ("Part of run", tags.get("mlflow.parentRunId", "")),
        )
    )


def _version(held: Held) -> str:
    name = held.recipe.register_as
    if held.version:
        return f"{held.version} of {name}{', scored here' if held.kind == EVALUATE else ''}"
    return "not registered yet" if registry.is_logged(held.run) else "none"


def _champion(held: Held) -> str:
    """Whether its Version is champion, and why."""
    if not held.is_champion:
        return f"version {held.champion}, not this one" if held.champion else "none"
    last = registry.history(held.recipe.register_as)[-1:]
    return f"yes, since {last[0].at[:10]}: {last[0].why}" if last else "yes"


def _found(recipe: Recipe, which: str) -> Run:
    if RUN_ID.fullmatch(which):
        return runs.find(which)
    run = registry.run_of(recipe.register_as, which)
    if run is None:
        received = f"`{which}`, which is neither an id nor a Version of `{recipe.register_as}`"
        remedy = "Give the 32 digits of an id, or an alias or number; `mlflow ui` shows them."
        raise UserError("A run must exist.", received, remedy)
    return run


def _next(held: Held) -> str:
    name = held.recipe.register_as
    if held.kind == FOLD:
        return f"hpapipe report {held.tags.get('mlflow.parentRunId', '')}"
    if held.score is None:
        return f"hpapipe train --resume {held.run.id}" if held.kind == TRAIN else "mlflow ui"
    if held.kind == EVALUATE or not (held.version or registry.is_logged(held.run)):
        return "mlflow ui"
    if not held.is_champion:
        return f"hpapipe promote {held.run.id}"
    use = "movie measure MOVIE" if held.recipe.task == "segmentation" else "predict FOLDER"
    return f"hpapipe {use} --register_as {name}"


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        remedy = "Free space, or name another file with --out."
        raise UserError("The page must be written.", f"“{error.strerror or error}” for {path}", remedy) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
