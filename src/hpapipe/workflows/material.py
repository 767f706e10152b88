"""What networks are trained from: checked images, their split, and where the pixels come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.pack import pack
from hpapipe.imageset.sources import Source, open_source
from hpapipe.imageset.split import Split, stratified
from hpapipe.progress import say
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.logged import log_data
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder


@dataclass(frozen=True)
class Material:
    """What every network is trained from.

    Args:
        recipe: of the experiment.
        prepared: the labelled set.
        split: its folds.
        images: integers, to be indexed by fields, `[fields, height, width, channels]`.
    """

    recipe: Recipe
    prepared: Prepared
    split: Split
    images: Source


def ready(recipe: Recipe, run: Run) -> Material:
    """Check, split and open the recipe's set, and log all of that.

    Raises:
        UserError: a check fails, the set cannot be split, or it is not that of a resumed run.
    """
    prepared = _checked_images(recipe, source_folder(recipe), run)
    material = Material(recipe, prepared, _split(recipe, prepared), _images(recipe, prepared, run))
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
        "hpapipe.labels": _label_key(material.recipe),
    }
    before = runs.facts(run)[1]
    for name, value in identity.items():
        if before.get(name, value) != value:
            rule = "A resumed run must find the data that it was started with."
            raise UserError(rule, f"other data ({name} {value} instead of {before[name]})", "Start a new run.")
    run.tags(identity)
    log_data(run, material.prepared)
    run.table("split", material.split.table())


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


def _split(recipe: Recipe, prepared: Prepared) -> Split:
    images = prepared.images
    most = len(np.unique(prepared.together))
    if most < recipe.split.folds:
        rule = "`split.folds` must not exceed the independent fields."
        raise UserError(rule, f"{recipe.split.folds} folds for {most} groups of fields", "Lower it, or add fields.")
    split = stratified(images.ids, images.truth, prepared.together, recipe.split.folds, recipe.split.seed)
    validated = ", ".join(map(str, recipe.split.runs))
    say(f"Split: {recipe.split.folds} folds ({split.fingerprint}), validated on {validated}")
    return split


def _label_key(recipe: Recipe) -> str:
    """Names the learned labels in tags: how many, and whether a field has one of them or several."""
    labels = recipe.data.label_set
    kind = "one" if labels.one_label else "several"
    return f"{len(labels)} labels, {kind} a field: {', '.join(labels.names)}"
