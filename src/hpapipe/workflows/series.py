"""Several recipes trained one after the other, and compared: what is finished already is not trained again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.progress import say
from hpapipe.tasks.judging import judge_of
from hpapipe.tracking.search import Found, finished
from hpapipe.workflows.alone import alone
from hpapipe.workflows.compare import compare
from hpapipe.workflows.fastest import settled
from hpapipe.workflows.kept import KIND, TRAIN
from hpapipe.workflows.train import train

TIMES = "cost/training_seconds"


@dataclass(frozen=True)
class Done:
    """What came out.

    Args:
        table: `recipe, seconds, run` and the score with its interval, one row a finished recipe.
        failed: recipe -> why it was not trained.
        comparison: id of the run that compares the finished ones with one label set; empty where they are fewer than 2.
    """

    table: pd.DataFrame
    failed: dict[str, str]
    comparison: str


def series(paths: Sequence[Path], overrides: Mapping[str, str]) -> Done:
    """Train each recipe in a run of its own that is called like its file, and compare all runs.

    Args:
        paths: YAML files, or folders of them.
        overrides: dotted field -> value as typed, for all recipes alike.

    Raises:
        UserError: a recipe is refused, before anything is trained, or none could be trained.
        KeyboardInterrupt: the same command goes on after the last finished recipe.
    """
    recipes = _recipes(paths, overrides)
    ended: dict[str, Found] = {}
    failed: dict[str, str] = {}
    for number, (name, recipe) in enumerate(recipes.items(), 1):
        say(f"\n[{number} of {len(recipes)}] {name}")
        try:
            recipe = settled(recipe)
            if before := _ended(recipe):
                say(f"Finished before, in run {before.id}")
            ended[name] = before or _trained(recipe)
        except UserError as fault:
            say(str(fault))
            failed[name] = fault.lines[0]
        except KeyboardInterrupt:
            say("Next: the same command, which goes on after the last finished recipe")
            raise
    if not ended:
        name, why = next(iter(failed.items()))
        raise UserError("At least one recipe must be trained to its end.", f"none; {name}: {why}", "Mend it.")
    first = next(iter(recipes.values()))
    return Done(_table(first, ended), failed, _compared(first, list(ended.values())))


def _recipes(paths: Sequence[Path], overrides: Mapping[str, str]) -> dict[str, Recipe]:
    """Name -> recipe, all of them read before anything is trained."""
    files = [file for path in paths for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]
    if not files:
        received = ", ".join(map(str, paths))
        raise UserError("A series must have recipes.", f"no YAML file in {received}", "Give files or their folder.")
    if twice := [name for name, count in Counter(file.stem for file in files).items() if count > 1]:
        raise UserError("Each recipe of a series must have its own name.", f"{twice[0]} twice", "Rename a file.")
    found: dict[str, Recipe] = {}
    faults = []
    for file in files:
        try:
            recipe = config.load(file, overrides)
            found[file.stem] = recipe if recipe.name else recipe.model_copy(update={"name": file.stem})
        except UserError as fault:
            faults.append(fault)
    if faults:
        raise UserError.joined(faults)
    if len(tasks := sorted({recipe.task for recipe in found.values()})) > 1:
        raise UserError("The recipes of a series must have one task.", " and ".join(tasks), "Make a series of each.")
    return found


def _ended(recipe: Recipe) -> Found | None:
    """The newest finished run of this very recipe."""
    wanted = {KIND: TRAIN, "hpapipe.experiment": recipe.experiment, "hpapipe.recipe": recipe.fingerprint}
    return next(iter(finished(wanted)), None)


def _trained(recipe: Recipe) -> Found:
    run_id = alone(_train, recipe)
    found = next(
        (run for run in finished({KIND: TRAIN, "hpapipe.recipe": recipe.fingerprint}) if run.id == run_id), None
    )
    if found is None:
        raise UserError("A trained recipe must have its run.", f"none with the id {run_id}", "Look into the store.")
    return found


def _train(recipe: Recipe) -> str:
    """In a process of its own: train, and return the run's id."""
    done = train(recipe)
    say(done.told)
    return done.run_id


def _table(recipe: Recipe, ended: Mapping[str, Found]) -> pd.DataFrame:
    rows = [
        {
            "recipe": name,
            **{score: run.metrics.get(f"score/{score}") for score in judge_of(recipe).scores},
            "seconds": run.metrics.get(TIMES),
            "run": run.id,
        }
        for name, run in ended.items()
    ]
    return pd.DataFrame(rows)


def _compared(recipe: Recipe, ended: Sequence[Found]) -> str:
    """Compare the runs that answer the label set which most of them answer."""
    common = Counter(run.tags.get("hpapipe.labels") for run in ended).most_common(1)[0][0]
    alike = [run.id for run in ended if run.tags.get("hpapipe.labels") == common]
    if len(alike) < 2:
        return ""
    if len(alike) < len(ended):
        say(f"\n{len(ended) - len(alike)} runs answer other labels, and are left out of the comparison")
    return compare(recipe, alike, None).run
