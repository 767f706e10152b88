"""From scored networks to a registered Version."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from hpapipe.config import Recipe
from hpapipe.tasks.judging import judge_of
from hpapipe.tasks.tasks import task_of
from hpapipe.tracking import registry
from hpapipe.tracking.runs import Run


def register(
    run: Run, recipe: Recipe, networks: Sequence[keras.Model], spec: Any, scored: Any, now: bool = True
) -> str:
    """Log networks as one Version of `run`, register it, and say so in the run's description; returns its number.

    Args:
        run: that made them.
        recipe: names the registered model, and is kept beside the Version.
        networks: in the order of the spec's members.
        spec: all that they need beside their weights.
        scored: what the Version reaches.
        now: register it; else its number is empty, and `registry.version_of` registers it when it is asked for.
    """
    _logged(run, recipe, networks, spec, scored)
    number = registry.version_of(run, recipe.register_as) if now else ""
    judge, reached = judge_of(recipe), scored.headline
    version = f"Version {number} of `{recipe.register_as}`" if number else "Its Version is not registered yet"
    run.describe(
        f"**{judge.title} {reached.value:.3f}** (95 % interval {reached.low:.3f} to {reached.high:.3f}) "
        f"on {judge.things} the networks never saw.\n\n"
        f"{version}; figures and their tables are under Artifacts."
    )
    return number


def _logged(run: Run, recipe: Recipe, networks: Sequence[keras.Model], spec: Any, scored: Any) -> None:
    if registry.is_logged(run):  # a resumed run may have come this far
        return
    task = task_of(recipe)
    with tempfile.TemporaryDirectory() as place:
        task.write_version(Path(place), networks, spec)
        metadata = {"recipe": recipe.model_dump(mode="json"), "run": run.id}
        reached = {f"hpapipe.{judge_of(recipe).measure}": f"{scored.headline.value:.4f}"}
        tags = reached | {"hpapipe.recipe": recipe.experiment}
        registry.log_version(run, Path(place), task.MODULE, metadata, tags)
