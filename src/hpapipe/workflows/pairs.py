"""From a recipe to images with masks that passed their checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe import checks
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.measure import data_fingerprint
from hpapipe.imageset.pair_measure import measure_pairs
from hpapipe.imageset.pairs import PairSet, find_pairs
from hpapipe.progress import say
from hpapipe.tracking.runs import Run
from hpapipe.workflows.film import film_pairs
from hpapipe.workflows.prepare import stopped


@dataclass(frozen=True)
class PreparedPairs:
    """Images with masks that can be trained on or scored.

    Args:
        images: without the faulty pairs.
        together: int `[pairs]`; equal numbers are of one group, and stay on one side of a split.
        areas: float `[pairs]`, share of the image that the mask covers.
        bits: 8 or 16.
        fingerprint: 12 hex digits over ids and pixels.
        left_out: ids that the recipe's `checks.on_failure: continue` left out.
    """

    images: PairSet
    together: np.ndarray
    areas: np.ndarray
    bits: int
    fingerprint: str
    left_out: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """`id, group, area_share`: what is logged as the set."""
        return pd.DataFrame({"id": self.images.ids, "group": self.images.groups, "area_share": self.areas})

    def take(self, pairs: np.ndarray) -> PreparedPairs:
        """The set of these pairs alone."""
        own = {"together": self.together[pairs], "areas": self.areas[pairs]}
        return replace(self, images=self.images.take(pairs), **own)


def pairs_folder(recipe: Recipe) -> Path:
    """The folder of images and masks: the recipe's, or that of the pools of a simulated film."""
    if recipe.data.folder is not None:
        return Path(recipe.data.folder).expanduser()
    return film_pairs(recipe)


def inspect_pairs(recipe: Recipe, folder: Path) -> tuple[PairSet, pd.DataFrame, checks.Report]:
    """(pairs, their measurements, what the suite `pairs` says of them)."""
    wanted = recipe.pairs
    found = find_pairs(
        folder, wanted.images, wanted.masks, label=wanted.label, group=wanted.group, max_pixels=recipe.data.max_pixels
    )
    measurements = measure_pairs(found)
    parameters = checks.pair_parameters(measurements, wanted.min_area, wanted.max_area, wanted.allow_empty)
    suites = Path(recipe.checks.suites) if recipe.checks.suites else None
    return found, measurements, checks.run("pairs", measurements, parameters, suites)


def checked_pairs(recipe: Recipe, run: Run) -> PreparedPairs:
    """The pairs without what the checks found unusable; checks and measurements are logged.

    Raises:
        UserError: a critical check failed and the recipe does not say to go on, or nothing is left to go on with.
    """
    folder = pairs_folder(recipe)
    found, measurements, report = inspect_pairs(recipe, folder)
    run.table(f"checks/{report.suite}", report.table())
    run.table("checks/measurements", measurements)
    prepared = prepare_pairs(recipe, folder, found, measurements, report)
    for line in report.lines():
        say(line)
    if prepared.left_out:
        say(f"Left out {len(prepared.left_out):,} faulty pairs; checks/ in the run lists them")
    height, width = recipe.data.size
    groups = len(set(prepared.images.groups))
    say(
        f"Data: {len(prepared.images):,} images with masks of {groups:,} groups from {folder}, trained at "
        f"{width}×{height}"
    )
    return prepared


def prepare_pairs(
    recipe: Recipe, folder: Path, found: PairSet, measurements: pd.DataFrame, report: checks.Report
) -> PreparedPairs:
    """The pairs without those that the checks found unusable.

    Raises:
        UserError: as `checked_pairs`.
    """
    if not report.passed and recipe.checks.on_failure == "stop":
        raise stopped((report,), folder)
    staying = np.flatnonzero(~measurements["id"].isin(report.unusable).to_numpy())
    if not len(staying):
        raise stopped((report,), folder)
    kept, images = measurements.iloc[staying], found.take(staying)
    bits = kept["bits"].astype(int).unique()
    if len(bits) > 1:
        depths = kept["bits"].astype(int).value_counts()
        counts = ", ".join(f"{count} of {depth} bits" for depth, count in depths.items())
        raise UserError("All images must have one bit depth.", f"{counts} in {folder}", "Convert those that differ.")
    together = pd.factorize(np.asarray(images.groups, object))[0]
    areas = kept["area_share"].to_numpy(float)
    fingerprint = data_fingerprint(kept, list(kept["mask_pixels"]))
    left_out = tuple(sorted(report.unusable))
    return PreparedPairs(images, together, areas, int(bits[0]), fingerprint, left_out)
