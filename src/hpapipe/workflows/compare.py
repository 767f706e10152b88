"""Several finished runs side by side: scores, differences of their recipes, and figures laid over each other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError, shown
from hpapipe.plots import compare as losses
from hpapipe.plots import compare_labels as labels
from hpapipe.plots import compare_speed as speed
from hpapipe.plots import compare_weights as weights
from hpapipe.tasks.judging import judge_of
from hpapipe.tracking import registry, runs
from hpapipe.tracking.markdown import markdown
from hpapipe.workflows.finished import Finished, read_all
from hpapipe.workflows.kept import COMPARE, KIND
from hpapipe.workflows.paired import LABELS, SPLIT, common_fields, difference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DATA = "hpapipe.data"
"""Tag that names the pixels and labels: runs on other channels of the same fields differ in it, and can be paired."""

NO_DIFFERENCE = ("name", "experiment", "register_as", "workspace")
"""Options that say where results are put, not how a network is trained."""

LOSS = {"fit.loss", "fit.focal_gamma", "fit.label_smoothing"}
"""Options that change what a loss means."""

Drawn = tuple[str, pd.DataFrame, "Figure"]


@dataclass(frozen=True)
class Compared:
    """What came out.

    Args:
        run: id of the run that holds the comparison.
        table: a row a run: scores, speed, and where they are paired what it gains over the first run.
        differences: a row a run: the options that not all runs have alike.
        notes: what must be known to read the table, a sentence each.
        best: id of the run with the highest score.
        promotable: whether that run has a Version that is not champion.
    """

    run: str
    table: pd.DataFrame
    differences: pd.DataFrame
    notes: tuple[str, ...]
    best: str
    promotable: bool


def compare(recipe: Recipe, run_ids: Sequence[str], out: Path | None, experiment: str | None = None) -> Compared:
    """Compare finished training runs and ensembles, and log the comparison as a run of its own.

    Args:
        recipe: its section `score` and its seed, for the resamples.
        run_ids: two or more; gains are over the first.
        out: folder for the tables and figures too; none: they are logged only.
        experiment: that the comparison is logged in; none: that of the first run.

    Raises:
        UserError: too few runs, one given twice, one that is not finished, other labels, or `out` cannot be written.
    """
    _refuse(run_ids)
    found = read_all(run_ids)
    first, *others = found
    for other in others:
        if difference(first.tags, other.tags) == LABELS:
            received = f"different ones in {first.run.id} and {other.run.id}"
            raise UserError("All runs must have the same label set.", received, "Compare those that answer the same.")
    notes, fields = _pairing(found)
    table = _table(recipe, found, fields)
    differences = _differences(found)
    if differences.shape[1] == 1:
        notes = (*notes, "The recipes of all runs are the same.")
    if LOSS.intersection(differences):
        notes = (*notes, "The losses are of different kinds: their curves do not compare in height.")
    drawn = list(_figures(found))
    if out:
        _write(out, {"compare": table, "differences": differences}, drawn)
    experiment = experiment or first.tags.get("hpapipe.experiment", first.recipe.experiment)
    tags = {
        KIND: COMPARE,
        "mlflow.runName": f"compare {len(found)} runs",
        "hpapipe.experiment": experiment,
        "hpapipe.compared": " ".join(each.run.id for each in found),
    }
    with runs.running(experiment, tags) as run:
        run.table("compare", table)
        run.table("differences", differences)
        for name, shown_table, figure in drawn:
            run.figure(name, shown_table, figure)
        options = markdown(differences) if differences.shape[1] > 1 else ""
        run.describe("\n\n".join([markdown(table.drop(columns="id")), *notes, options]))
    best = found[int(table[judge_of(first.recipe).measure].to_numpy().argmax())]
    return Compared(run.id, table, differences, notes, best.run.id, _promotable(best))


def _refuse(run_ids: Sequence[str]) -> None:
    if twice := sorted({each for each in run_ids if run_ids.count(each) > 1}):
        raise UserError("Every run must be given once.", f"{shown(twice)} more than once", "Leave out the repetition.")
    if len(run_ids) < 2:
        remedy = "Give two ids or more; `mlflow ui` shows them."
        raise UserError("At least two runs are needed to compare.", f"{len(run_ids)} of them", remedy)


def _pairing(found: Sequence[Finished]) -> tuple[tuple[str, ...], list[str]]:
    """(notes, fields on which gains are measured); no fields where the runs cannot be paired."""
    if unlike := [each.name for each in found if difference(found[0].tags, each.tags) == SPLIT]:
        told = f"Not the same {SPLIT} as {found[0].name}: {shown(unlike)}"
        return (f"{told}. So intervals are each run's own, not paired.",), []
    notes = []
    if other := [each.name for each in found if each.tags.get(DATA) != found[0].tags.get(DATA)]:
        notes.append(f"Not the same images or channels as {found[0].name}: {shown(other)}.")
    fields = common_fields([each.predictions for each in found])
    answered = [len(each.predictions) for each in found]
    if not fields:
        return ("No field was validated on by all runs. So intervals are each run's own, not paired.",), []
    if len(fields) < max(answered):
        notes.append(f"Gains are on the {len(fields):,} fields that all runs validated on, of {max(answered):,}.")
    return tuple(notes), fields


def _table(recipe: Recipe, found: Sequence[Finished], fields: Sequence[str]) -> pd.DataFrame:
    """A row a run; with `gain, low, high` over the first run where there are fields to pair them on."""
    table = pd.DataFrame({"run": [each.name for each in found], "id": [each.run.id for each in found]})
    for name in judge_of(found[0].recipe).scores:
        table[name] = [each.metrics.get(f"score/{name}", np.nan) for each in found]
    if fields:
        first = found[0]
        judged = first.recipe.model_copy(update={"score": recipe.score, "promote": recipe.promote, "seed": recipe.seed})
        rows = [each.predictions.set_index("id").loc[list(fields)].reset_index() for each in found]
        pairs = [judge_of(judged).compared(judged, rows[0], each)[0] for each in rows[1:]]
        for name in ("gain", "low", "high"):
            table[name] = [np.nan, *(getattr(each, name) for each in pairs)]
    table["fields"] = [len(each.predictions) for each in found]
    table["images_per_second"] = [each.speed for each in found]
    table["training_seconds"] = [each.metrics.get("cost/training_seconds", np.nan) for each in found]
    return table


def _differences(found: Sequence[Finished]) -> pd.DataFrame:
    """`run`, and a column of texts for every option that not all runs have alike."""
    recipes = [config.flatten(each.recipe) for each in found]
    table = pd.DataFrame({"run": [each.name for each in found]})
    for option in dict.fromkeys(option for recipe in recipes for option in recipe):
        values = [str(recipe.get(option, "")) for recipe in recipes]
        if len(set(values)) > 1 and option not in NO_DIFFERENCE:
            table[option] = values
    return table


def _figures(found: Sequence[Finished]) -> Iterator[Drawn]:
    trained = [each for each in found if each.curves]
    if trained:
        table = losses.losses_table({each.name: each.curves for each in trained})
        yield "loss_curves", table, losses.draw_losses(table)
        table = weights.weights_table({each.name: each.weights for each in trained})
        yield "weights", table, weights.draw_weights(table)
    per_label = {each.name: each.per_label for each in found if len(each.per_label)}
    if per_label:
        table = labels.f1_table(per_label)
        yield "f1_per_label", table, labels.draw_f1(table)
        table = labels.shares_table(per_label, {each.name: len(each.predictions) for each in found})
        yield "share_of_ones", table, labels.draw_shares(table)
    judge = judge_of(found[0].recipe)
    score, low, high = ([each.metrics.get(f"score/{name}", np.nan) for each in found] for name in judge.scores)
    names, speeds = [each.name for each in found], [each.speed for each in found]
    table = speed.speed_table(names, speeds, score, low, high, judge.measure)
    yield "score_and_speed", table, speed.draw_speed(table, judge.words)


def _write(out: Path, tables: dict[str, pd.DataFrame], drawn: Sequence[Drawn]) -> None:
    """Write everything beside `out`, and only then move it in: a full disk leaves no half of a comparison."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".part") as place:
            for name, table in [*tables.items(), *((name, table) for name, table, _ in drawn)]:
                table.to_csv(Path(place) / f"{name}.csv", index=False)
            for name, _, figure in drawn:
                figure.savefig(Path(place) / f"{name}.png")
            for file in sorted(Path(place).iterdir()):
                file.replace(out / file.name)
    except OSError as error:
        received = f"“{error.strerror or error}” at {out}"
        raise UserError(
            "The folder for the comparison must be writable.", received, "Give another with --out."
        ) from None


def _promotable(best: Finished) -> bool:
    before = registry.champion(best.recipe.register_as)
    is_champion = before is not None and before[1].id == best.run.id
    return registry.has_version(best.run, best.recipe.register_as) and not is_champion
