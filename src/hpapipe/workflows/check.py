"""The checks alone, without a run."""

from __future__ import annotations

from pathlib import Path

from hpapipe.config import Recipe
from hpapipe.workflows.prepare import Inspected, inspect, source_folder


def check(recipe: Recipe) -> tuple[Path, Inspected]:
    """(folder, what the checks found) of the recipe's set.

    Raises:
        UserError: the label table cannot be read, or no row of it can be used.
    """
    folder = source_folder(recipe)
    return folder, inspect(recipe, folder)
