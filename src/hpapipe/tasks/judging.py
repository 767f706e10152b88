"""What the runs of a task are judged by, and compared by. Light: nothing here needs a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from hpapipe.config import OF_TASK, Recipe
from hpapipe.scoring.intervals import Comparison
from hpapipe.tasks import paired, paired_masks


@dataclass(frozen=True)
class Judge:
    """What a task's runs are judged by.

    Args:
        measure: name of the number, as it is logged.
        words: its name within a sentence.
        title: its name at the beginning of one.
        things: that it is measured on.
        compared: what a run gains over another, by their tables of predictions, which hold the same ids in one order:
            the comparison, and a table `what, champion, candidate, gain` of its parts.
    """

    measure: str
    words: str
    title: str
    things: str
    compared: Callable[[Recipe, pd.DataFrame, pd.DataFrame], tuple[Comparison, pd.DataFrame]]

    @property
    def scores(self) -> tuple[str, str, str]:
        """Names of the number and of the ends of its interval."""
        return self.measure, f"{self.measure}_low", f"{self.measure}_high"


JUDGES: dict[str, Judge] = {
    "classification": Judge(OF_TASK["classification"][1], "macro F1", "Macro F1", "fields", paired.compared),
    "segmentation": Judge(OF_TASK["segmentation"][1], "mean IoU", "Mean IoU", "images", paired_masks.compared),
}


def judge_of(recipe: Recipe) -> Judge:
    """The judge of a recipe's task."""
    return JUDGES[recipe.task]
