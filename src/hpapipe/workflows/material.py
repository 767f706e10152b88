"""What networks are trained from: checked images, their split, and where the pixels come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.pack import pack
from hpapipe.imageset.pair_pack import pack_pairs
from hpapipe.imageset.sources import Source, open_source
from hpapipe.imageset.split import Split, grouped, stratified
from hpapipe.progress import say
from hpapipe.tasks.tasks import task_of
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.logged import log_data
from hpapipe.workflows.pairs import PreparedPairs, checked_pairs
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder


@dataclass(frozen=True)
class Material:
    """What every network is trained from.

    Args:
        recipe: of the experiment.
        prepared: the labelled set.
        split: its folds.
        images: what a task's lessons are fed from: integers, to be indexed by fields, `[fields, height, width,
            channels]`, or images with their masks.
    """

    recipe: Recipe
    prepared: Prepared | PreparedPairs
    split: Split
    images: Any

    def shown(self, field: int) -> np.ndarray:
        """The image at a place, as figures show it."""
        found: np.ndarray = task_of(self.recipe).shown(self.images, self.prepared.images, field)
        return found


def ready(recipe: Recipe, run: Run) -> Material:
    """Check, split and open the recipe's set, and log all of that.

    Raises:
        UserError: a check fails, the set cannot be split, or it is not that of a resumed run.
    """
    material = READY[recipe.task](recipe, run)
    identify(material, run)
    return material


def identify(material: Material, run: Run) -> None:
    """Log what a run is trained from, by which runs are known to be comparable.

    Raises:
        UserError: a resumed run was started with other data.
    """
    identity = {
        "hpapipe.split": material.split.fingerprint,
        "hpapipe.data": material.prepared.fingerprint,
        "hpapipe.labels": task_of(material.recipe).key(material.recipe),
    }
    before = runs.facts(run)[1]
    for name, value in identity.items():
        if before.get(name, value) != value:
            rule = "A resumed run must find the data that it was started with."
            raise UserError(rule, f"other data ({name} {value} instead of {before[name]})", "Start a new run.")
    run.tags(identity)
    log_data(run, material.prepared)
    run.table("split", material.split.table())


def _fields(recipe: Recipe, run: Run) -> Material:
    """Labelled fields."""
    prepared = _checked_images(recipe, source_folder(recipe), run)
    fields, wanted = prepared.images, recipe.split
    _refuse_few(wanted.folds, prepared.together, "fields")
    split = stratified(fields.ids, fields.truth, prepared.together, wanted.folds, wanted.seed)
    images = _images(recipe, prepared, run)
    return Material(recipe, prepared, _told(recipe, split), images)


def _pairs(recipe: Recipe, run: Run) -> Material:
    """Images with masks."""
    prepared = checked_pairs(recipe, run)
    images, wanted = prepared.images, recipe.split
    _refuse_few(wanted.folds, prepared.together, "images")
    split = grouped(images.ids, images.groups, prepared.areas, wanted.folds, wanted.seed)
    packed = pack_pairs(images, recipe.data.size, Path(recipe.workspace))
    say(f"Pack: {packed.decoded:,} images decoded now, {len(images) - packed.decoded:,} before")
    run.tags({"hpapipe.pack": packed.key})
    return Material(recipe, prepared, _told(recipe, split), packed)


READY: dict[str, Callable[[Recipe, Run], Material]] = {"classification": _fields, "segmentation": _pairs}


def _images(recipe: Recipe, prepared: Prepared, run: Run) -> Source:
    if recipe.feed.source != "packed":
        return open_source(prepared.images, recipe.feed.source, Path(recipe.workspace))
    packed = pack(prepared.images, Path(recipe.workspace))
    say(f"Pack: {packed.decoded:,} fields decoded now, {len(packed.ids) - packed.decoded:,} before")
    run.tags({"hpapipe.pack": packed.key})
    return packed.images


def _checked_images(recipe: Recipe, folder: Path, run: Run) -> Prepared:
    inspected = inspect(recipe, folder)
    for report in inspected.reports:
        run.table(f"checks/{report.suite}", report.table())
    run.table("checks/measurements", inspected.measurements)
    run.table("checks/near_duplicates", inspected.near_duplicates)
    prepared = prepare(recipe, folder, inspected)
    for report in inspected.reports:
        for line in report.lines():
            say(line)
    if prepared.left_out:
        say(f"Left out {len(prepared.left_out):,} faulty fields; checks/ in the run lists them")
    images = prepared.images
    height, width = recipe.data.size
    say(
        f"Data: {len(images):,} fields from {folder}, {len(recipe.data.channels)} channels, "
        f"{len(recipe.data.labels)} labels, trained at {width}×{height}"
    )
    return prepared


def _refuse_few(folds: int, together: np.ndarray, things: str) -> None:
    most = len(np.unique(together))
    if most < folds:
        rule = f"`split.folds` must not exceed the independent {things}."
        raise UserError(rule, f"{folds} folds for {most} groups of {things}", f"Lower it, or add {things}.")


def _told(recipe: Recipe, split: Split) -> Split:
    validated = ", ".join(map(str, recipe.split.runs))
    say(f"Split: {recipe.split.folds} folds ({split.fingerprint}), validated on {validated}")
    return split
