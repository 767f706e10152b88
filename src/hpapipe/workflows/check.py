"""The checks alone, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hpapipe.checks import Report
from hpapipe.config import Recipe
from hpapipe.workflows.pairs import inspect_pairs, pairs_folder
from hpapipe.workflows.prepare import inspect, source_folder


@dataclass(frozen=True)
class Checked:
    """What the checks found in a folder.

    Args:
        folder: of the set.
        things: what it holds, in a word.
        reports: one a suite.
        unusable: ids that critical checks refuse.
        near_duplicates: the fields that have some, group by group.
    """

    folder: Path
    things: str
    reports: tuple[Report, ...]
    unusable: tuple[str, ...]
    near_duplicates: pd.DataFrame


def check(recipe: Recipe) -> Checked:
    """What the checks find in the recipe's set.

    Raises:
        UserError: the set cannot be read, or no row of its label table can be used.
    """
    if recipe.task == "segmentation":
        folder = pairs_folder(recipe)
        _, _, report = inspect_pairs(recipe, folder)
        return Checked(folder, "images", (report,), tuple(report.unusable), pd.DataFrame())
    folder = source_folder(recipe)
    found = inspect(recipe, folder)
    return Checked(folder, "fields", found.reports, found.unusable, found.near_duplicates)
