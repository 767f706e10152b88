"""What a run has kept of how it was started."""

from __future__ import annotations

import yaml

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run

KIND = "hpapipe.kind"
"""The tag that says what a run did: one of the words below."""

TRAIN, FOLD, EVALUATE, ENSEMBLE, COMPARE = "train", "fold", "evaluate", "ensemble", "compare"
DRIFT = "drift"
SPEED, SPEED_CELL = "speed", "speed_cell"
TUNE, TRIAL = "tune", "trial"
MEASURE = "measure"

_RECIPE = "recipe.yaml"


def keep_recipe(run: Run, recipe: Recipe) -> None:
    """Log the whole recipe, as params to compare by and as a file to go on with."""
    run.params(config.flatten(recipe))
    run.text(_RECIPE, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def recipe_of(run: Run) -> Recipe:
    """The recipe that `run` was started with.

    Raises:
        UserError: the run kept none.
    """
    return config.parse(yaml.safe_load(runs.read_text(run, _RECIPE)), source=f"run {run.id}")
