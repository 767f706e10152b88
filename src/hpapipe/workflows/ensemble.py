"""Networks of finished runs asked again, together, and registered as one Version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError, nearest
from hpapipe.imageset.pack import pack
from hpapipe.imageset.view import CROPS
from hpapipe.progress import bar
from hpapipe.tasks import classification as task
from hpapipe.tasks.classifier import BATCH, Classifier, Member, ask
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import paired
from hpapipe.workflows.kept import ENSEMBLE, KIND, keep_recipe, recipe_of
from hpapipe.workflows.logged import log_data, log_scores
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder
from hpapipe.workflows.refused import refuse_other
from hpapipe.workflows.registering import register

SAME = {**paired.SAME, "hpapipe.data": "data"}
"""Tag -> what runs must have in common, so that no network is asked about fields that it was trained on."""

OPEN = ("answer.", "thresholds.", "score.", "checks.", "data.folder", "register_as", "experiment", "workspace")
"""Options that can still be changed once networks are trained."""


@dataclass(frozen=True)
class Joined:
    """What came out.

    Args:
        run_id: of the ensemble.
        model: registered name.
        version: number of the Version.
        steps: `what, macro_f1, macro_f1_low, macro_f1_high`: each run as it was, each asked anew, and all together.
    """

    run_id: str
    model: str
    version: str
    steps: pd.DataFrame


@dataclass(frozen=True)
class _Source:
    """A finished run with its Version."""

    run: Run
    recipe: Recipe
    classifier: Classifier


def ensemble(run_ids: Sequence[str], overrides: Mapping[str, str]) -> Joined:
    """Average the answers of runs' networks, each for the fields that it never saw, and register all as one Version.

    Args:
        run_ids: training runs or ensembles on one set and split; one is enough where it is asked in another way.
        overrides: dotted field -> value: options of `answer`, `thresholds` and others that training does not depend on.

    Raises:
        UserError: a run that does not exist or has no Version, runs that cannot be joined, or an option that can no
            longer be changed.
    """
    _refuse(overrides)
    if len(set(run_ids)) < len(run_ids):
        raise UserError("Each run must be named once.", "one of them twice", "Leave the second out.")
    sources = [_source(run_id) for run_id in run_ids]
    refuse_other(sources[0].recipe, "classification", "ensemble", "Give runs of classification.")
    _refuse_unlike(sources)
    recipe = config.changed(sources[0].recipe, overrides)
    tags = {
        KIND: ENSEMBLE,
        "mlflow.runName": f"ensemble of {len(sources)}" + (", turned" if recipe.answer.turns else ""),
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.members": ", ".join(run_ids),
        **{tag: runs.facts(sources[0].run)[1][tag] for tag in SAME},
    }
    with runs.running(recipe.experiment, tags) as run:
        keep_recipe(run, recipe)
        return _ensemble(recipe, sources, run)


def _ensemble(recipe: Recipe, sources: Sequence[_Source], run: Run) -> Joined:
    folder = source_folder(recipe)
    prepared = prepare(recipe, folder, inspect(recipe, folder))
    if prepared.fingerprint != runs.facts(run)[1]["hpapipe.data"]:
        rule = "An ensemble must find the data that its runs were trained on."
        raise UserError(rule, f"other data in {folder}", "Give their folder with --data.folder.")
    log_data(run, prepared)
    told = runs.read_table(sources[0].run, "split").set_index("id")["fold"]
    folds = told.reindex(list(prepared.images.ids)).to_numpy(int)
    run.table("split", pd.DataFrame({"id": prepared.images.ids, "fold": folds}))
    sums = [_sums(recipe, source, prepared, folds) for source in sources]
    alone, together = [_mean([each]) for each in sums], _mean(sums)
    held_out = np.flatnonzero(~np.isnan(np.sum(alone, axis=0)).any(axis=1))
    steps = [_as_it_was(source) for source in sources]
    for source, scores in zip(sources, alone, strict=True):
        scored = _scored(recipe, prepared, folds, held_out, scores)[1]
        steps.append(_step(f"{_name(source.run)}, asked so", scored.numbers))
    answers, scored = _scored(recipe, prepared, folds, held_out, together)
    steps.append(_step("together", scored.numbers))
    table = pd.DataFrame(steps)
    run.table("steps", table)
    log_scores(run, recipe, answers, scored, prepared.images.ids, prepared.images.read)
    run.metrics({f"score/{name}": value for name, value in scored.numbers.items()})
    members = [member for source in sources for member in _asked(recipe, source)]
    networks = [network for source in sources for network in source.classifier.networks]
    spec = task.spec(recipe, scored.decision, prepared.bits, members)
    number = register(run, recipe, networks, spec, scored)
    return Joined(run.id, recipe.register_as, number, table)


def _sums(recipe: Recipe, source: _Source, prepared: Prepared, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For the fields that a run's networks never saw: the sum of their probabilities, and how many were asked.

    Both are float32 `[fields, labels]`, 0 elsewhere.
    """
    # Each run keeps what its own networks see of the fields.
    images = replace(prepared.images, data=source.recipe.data)
    total, count = np.zeros(images.truth.shape, np.float32), np.zeros(images.truth.shape, np.float32)
    members, how = _asked(recipe, source), recipe.answer
    with bar(f"Asking {_name(source.run)}", len(members)) as advance:
        for network, member in zip(source.classifier.networks, members, strict=True):
            data = _seen_by(member, source.recipe)
            packed = pack(replace(images, data=data), Path(recipe.workspace))
            unseen = np.flatnonzero(folds == member.fold)
            cells = np.ix_(unseen, np.asarray(member.columns))
            total[cells] += ask(network, packed.images, unseen, BATCH, member, how.turns, how.join)
            count[cells] += 1
            advance()
    return total, count


def _mean(sums: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The mean over all networks, as the Version answers, NaN where none was asked: float32 `[fields, labels]`."""
    total, count = (np.sum(each, axis=0) for each in zip(*sums, strict=True))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _seen_by(member: Member, recipe: Recipe) -> config.Data:
    view = member.view
    return recipe.data.model_copy(update={"cut": view.cut, "size": view.size, "field_size": view.field_size})


def _asked(recipe: Recipe, source: _Source) -> list[Member]:
    """The run's members, asked about as many crops as the recipe says."""
    return [
        replace(member, view=replace(member.view, crops=recipe.answer.crops if member.view.cut == CROPS else 1))
        for member in source.classifier.spec.members
    ]


def _scored(
    recipe: Recipe, prepared: Prepared, folds: np.ndarray, held_out: np.ndarray, scores: np.ndarray
) -> tuple[task.Answers, task.Scored]:
    images = prepared.images
    answers = task.Answers(
        ids=tuple(images.ids[field] for field in held_out),
        folds=folds[held_out],
        truth=images.truth[held_out],
        scores=scores[held_out],
        groups=prepared.together[held_out],
        train_share=images.truth.mean(0),
    )
    chosen, _ = task.decision(recipe, answers)
    return answers, task.score(recipe, answers, chosen)


def _source(run_id: str) -> _Source:
    run = runs.find(run_id)
    recipe = recipe_of(run)
    model, _, _ = registry.load(recipe.register_as, registry.version_of(run, recipe.register_as))
    return _Source(run, recipe, model.unwrap_python_model().version)


def _refuse(overrides: Mapping[str, str]) -> None:
    for name in overrides:
        if not name.startswith(OPEN):
            rule = "Only what training does not depend on can be changed now."
            known = [option for option, *_ in config.options() if option.startswith(OPEN)]
            raise UserError(rule, f"`{name}`", nearest(name, known))


def _refuse_unlike(sources: Sequence[_Source]) -> None:
    first = sources[0]
    for other in sources[1:]:
        tags = [runs.facts(each.run)[1] for each in (first, other)]
        unlike = [meaning for tag, meaning in SAME.items() if tags[0].get(tag) != tags[1].get(tag)]
        if first.recipe.data.channels != other.recipe.data.channels:
            unlike.append("channels")
        if first.recipe.split.runs != other.recipe.split.runs:
            unlike.append("validated folds")
        if unlike:
            received = f"different ones in {first.run.id} and {other.run.id}"
            remedy = "Train both on the same data with the same `split`."
            raise UserError(f"Runs of an ensemble must have the same {unlike[0]}.", received, remedy)


def _as_it_was(source: _Source) -> dict[str, float | str]:
    numbers = runs.facts(source.run)[2]
    return _step(_name(source.run), {name.removeprefix("score/"): value for name, value in numbers.items()})


def _step(what: str, numbers: Mapping[str, float]) -> dict[str, float | str]:
    return {"what": what, **{name: numbers[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high")}}


def _name(run: Run) -> str:
    return f"{runs.facts(run)[1].get('mlflow.runName', 'run')} ({run.id[:6]})"
