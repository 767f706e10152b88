"""The batch size that a speed study found to train fastest: what `feed.batch_size: fastest` stands for."""

from __future__ import annotations

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.table import read_table
from hpapipe.progress import say
from hpapipe.tracking.search import Found, finished
from hpapipe.training.fit import has_gpu
from hpapipe.workflows.kept import KIND, SPEED, SPEED_CELL
from hpapipe.workflows.prepare import source_folder
from hpapipe.workflows.speed import KEY, OUTCOME
from hpapipe.workflows.speed_cell import MEASURED
from hpapipe.workflows.speed_plan import subject, subject_key, training_fields

WORD = "fastest"


def settled(recipe: Recipe) -> Recipe:
    """The recipe with a number for `feed.batch_size`; untouched where it is one already.

    Raises:
        UserError: no speed study can tell.
    """
    if recipe.feed.batch_size != WORD:
        return recipe
    return recipe.model_copy(update={"feed": recipe.feed.model_copy(update={"batch_size": fastest(recipe)})})


def fastest(recipe: Recipe) -> int:
    """The fastest batch size for a recipe's network and feed, on what this process trains on: CPU or GPU.

    It is that of the newest finished study that measured them, among the sizes that the training part can fill.

    Raises:
        UserError: there is no such study.
    """
    device = "gpu" if has_gpu() else "cpu"
    wanted = {KIND: SPEED_CELL, OUTCOME: MEASURED, KEY: subject_key(recipe), "hpapipe.device": device}
    most = training_fields(recipe, len(read_table(source_folder(recipe), recipe.data)))
    measured = [cell for cell in finished(wanted) if _size(cell) <= most]
    for study in finished({KIND: SPEED}):
        own = [cell for cell in measured if cell.tags.get("mlflow.parentRunId") == study.id]
        if own:
            best = max(own, key=lambda cell: (cell.metrics["speed/images_per_second"], -_size(cell)))
            speed = best.metrics["speed/images_per_second"]
            say(f"Batch size {_size(best)}: the fastest in speed study {study.id}, {speed:.4g} images a second")
            return _size(best)
    rule = "`feed.batch_size: fastest` needs a finished speed study of this network and feed."
    words = f"--speed.architectures {recipe.model.name} --speed.feeds {recipe.feed.strategy}"
    remedy = f"Run `hpapipe speed {words}` with the same recipe first, or give a number."
    raise UserError(rule, f"none on a {device} for {subject(recipe)}", remedy)


def _size(cell: Found) -> int:
    return int(cell.params["batch_size"])
