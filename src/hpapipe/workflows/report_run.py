"""What a run holds for its report: read where it is there, empty where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import AwayError, UserError
from hpapipe.pages.blocks import Picture
from hpapipe.pages.html import PNG
from hpapipe.scoring.intervals import Interval
from hpapipe.tasks.judging import Judge, judge_of
from hpapipe.tracking import registry, runs
from hpapipe.tracking.about import About, read_about, read_history
from hpapipe.tracking.runs import Run
from hpapipe.workflows.finished import networks_of
from hpapipe.workflows.kept import ENSEMBLE, EVALUATE, FOLD, KIND, TRAIN, TRIAL, recipe_of

REPORTED = (TRAIN, FOLD, TRIAL, ENSEMBLE, EVALUATE)
"""Kinds of runs that trained or scored networks."""

TEXTS = ("id", "name", "group", "what", "rank", "truth", "answer", "ids", "rule")
"""Columns of logged tables that hold words, also where these look like numbers."""


@dataclass(frozen=True)
class Held:
    """A run and what it holds.

    Args:
        run: the run.
        about: its name, times and set.
        recipe: that it was started with.
        tags: all of them.
        metrics: the last value of each.
        version: number of the Version that it made or scored; empty where there is none.
        champion: number of the champion now; empty where there is none.
        networks: fold or part -> the run that trained its network; an empty name where there is but one.
    """

    run: Run
    about: About
    recipe: Recipe
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    version: str
    champion: str
    networks: Mapping[str, Run]

    @property
    def kind(self) -> str:
        """What the run did, a word of `kept.py`."""
        return self.tags[KIND]

    @property
    def judge(self) -> Judge:
        """What runs of its task are judged by."""
        return judge_of(self.recipe)

    @property
    def is_champion(self) -> bool:
        return bool(self.version) and self.version == self.champion

    @property
    def score(self) -> Interval | None:
        """By which it is judged; none where it has no scores."""
        names = [f"score/{name}" for name in self.judge.scores]
        if not all(name in self.metrics for name in names):
            return None
        return Interval(*(self.metrics[name] for name in names))

    def table(self, name: str) -> pd.DataFrame:
        """A logged table, its empty cells NaN where they stand for numbers; without columns where it is not there."""
        try:
            found = runs.read_table(self.run, name)
        except AwayError:
            raise
        except UserError:
            return pd.DataFrame()
        for column in [each for each in found if each not in TEXTS]:
            numbers = pd.to_numeric(found[column].replace("", float("nan")), errors="coerce")
            if numbers.notna().sum() == (found[column] != "").sum():
                found[column] = numbers
        return found.astype({each: str for each in found if each in TEXTS})

    @cached_property
    def measurements(self) -> pd.DataFrame:
        """What the checks measured, a row an image file or a pair."""
        return self.table("checks/measurements")

    @cached_property
    def scored(self) -> int:
        """Fields or images that it has answers for."""
        return len(self.table("predictions"))

    def picture(self, name: str, caption: str, alt: str, run: Run | None = None) -> tuple[Picture, ...]:
        """A logged figure, in a tuple that is empty where it is not there.

        Args:
            name: of the figure.
            caption, alt: as for `Picture`.
            run: that logged it; none: this one.
        """
        found = runs.read_bytes(run or self.run, f"figures/{name}.png")
        return (Picture(found, caption, alt),) if found and found.startswith(PNG) else ()

    @cached_property
    def histories(self) -> dict[str, pd.DataFrame]:
        """Fold or part -> its epochs; those without any are left out."""
        names = (*(f"train/{name}" for name in OF_TRAINING), "val/loss", f"val/{self.judge.measure}")
        found = {name: read_history(run, names) for name, run in self.networks.items()}
        return {name: history for name, history in found.items() if "train/loss" in history}


OF_TRAINING = ("loss", "learning_rate", "images_per_second", "seconds", "memory_mib")


def read_held(run: Run) -> Held:
    """What `run` holds.

    Raises:
        UserError: it neither trained nor scored a network, or it kept no recipe.
    """
    _, tags, metrics = runs.facts(run)
    kind = tags.get(KIND)
    if kind not in REPORTED:
        received = f"run {run.id}, which is {f'of the kind {kind}' if kind else 'no run of hpapipe'}"
        remedy = "Give the id of a training, an ensemble or an evaluation; `mlflow ui` shows them."
        raise UserError("A report is of a run that trained or scored networks.", received, remedy)
    recipe = recipe_of(run)
    if kind == EVALUATE:
        version = tags["hpapipe.version"].rpartition("/")[2]
    else:
        version = registry.number_of(run, recipe.register_as)
    champion = registry.champion(recipe.register_as)
    networks = {} if kind in (ENSEMBLE, EVALUATE) else networks_of(run)
    return Held(run, read_about(run), recipe, tags, metrics, version, champion[0] if champion else "", networks)
