"""From a recipe to images that passed their checks: what training, evaluation and `hpapipe check` have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hpapipe import checks
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.duplicates import duplicate_groups, duplicate_table
from hpapipe.imageset.images import ImageSet, labelled
from hpapipe.imageset.measure import data_fingerprint, fields, measured
from hpapipe.imageset.table import label_facts, read_table
from hpapipe.labels import format_target
from hpapipe.workflows.simulate import simulate


@dataclass(frozen=True)
class Prepared:
    """A labelled set that can be trained on or scored.

    Args:
        images: without the faulty fields.
        together: int `[fields]`; equal numbers are near-duplicates or of one group, and stay on one side of a split.
        bits: 8 or 16.
        fingerprint: 12 hex digits over ids, targets and pixels.
        left_out: ids that the recipe's `checks.on_failure: continue` left out.
    """

    images: ImageSet
    together: np.ndarray
    bits: int
    fingerprint: str
    left_out: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """`id, target`: what is logged as the set."""
        images = self.images
        targets = [format_target(indices) for indices in images.data.label_set.decode(images.truth)]
        return pd.DataFrame({"id": images.ids, "target": targets})

    def take(self, fields: np.ndarray) -> Prepared:
        """The set of these fields alone."""
        return replace(self, images=self.images.take(fields), together=self.together[fields])


def source_folder(recipe: Recipe) -> Path:
    """The folder of images: the recipe's, or that of the simulated cells, drawn if they are not there yet."""
    if recipe.data.folder is not None:
        return Path(recipe.data.folder).expanduser()
    folder, _ = simulate(recipe)
    return folder


@dataclass(frozen=True)
class Inspected:
    """What the checks saw and found.

    Args:
        facts: `hpapipe.imageset.table.label_facts`.
        measurements: `hpapipe.imageset.measure.measure`, of the fields whose rows can be used.
        reports: of the suites `label_table` and `images`.
        together: int, one a field of `measurements`; equal numbers are near-duplicates or of one group.
    """

    facts: pd.DataFrame
    measurements: pd.DataFrame
    reports: tuple[checks.Report, ...]
    together: np.ndarray

    @property
    def unusable(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for report in self.reports for name in report.unusable))

    @property
    def near_duplicates(self) -> pd.DataFrame:
        """The fields that have near-duplicates, group by group."""
        return duplicate_table(fields(self.measurements), self.together)


def inspect(recipe: Recipe, folder: Path) -> Inspected:
    """Run all checks over the label table and the images of `folder`."""
    suites = Path(recipe.checks.suites) if recipe.checks.suites else None
    facts = label_facts(read_table(folder, recipe.data), folder, recipe.data)
    rows = checks.run("label_table", facts, checks.label_parameters(recipe.data), suites)
    usable = facts[~facts["id"].isin(rows.unusable)]
    if usable.empty:
        raise stopped((rows,), folder)
    measurements = measured(labelled(folder, recipe.data, usable), Path(recipe.workspace) / "measurements")
    images = checks.run("images", measurements, checks.image_parameters(measurements, recipe.checks), suites)
    together = duplicate_groups(fields(measurements), recipe.checks.near_duplicate_bits)
    return Inspected(facts, measurements, (rows, images), together)


def prepare(recipe: Recipe, folder: Path, inspected: Inspected) -> Prepared:
    """The set without what the checks found unusable.

    Raises:
        UserError: a critical check failed and the recipe does not say to go on, or nothing is left to go on with.
    """
    out = set(inspected.unusable)
    failed = not all(report.passed for report in inspected.reports)
    if failed and recipe.checks.on_failure == "stop":
        raise stopped(inspected.reports, folder)
    facts = inspected.facts[~inspected.facts["id"].isin(out)]
    if facts.empty:
        raise stopped(inspected.reports, folder)
    kept = fields(inspected.measurements)
    staying = ~kept["id"].isin(out).to_numpy()
    images = labelled(folder, recipe.data, facts)
    together = _joined(inspected.together[staying], images.groups)
    fingerprint = data_fingerprint(kept[staying], list(facts["target"]))
    bits = int(inspected.measurements["bits"].mode().iloc[0])
    return Prepared(images, together, bits, fingerprint, tuple(sorted(out)))


def stopped(reports: tuple[checks.Report, ...], folder: Path) -> UserError:
    """The error that says which checks failed."""
    lines = [line for report in reports for line in report.lines()]
    remedy = "Mend the data, or leave out the faulty fields with --checks.on_failure continue."
    return UserError("All critical checks must pass.", f"failures in {folder}", remedy, lines)


def _joined(first: np.ndarray, second: tuple[str, ...]) -> np.ndarray:
    """Groups that are connected by either of two groupings, int `[fields]`."""
    if not second:
        return first
    # A field without a group stands for itself.
    own = [name or f"\0{number}" for number, name in enumerate(second)]
    codes = pd.factorize(np.asarray(own, object))[0]
    width = len(first)
    graph = coo_array((np.ones(width), (first, first.max() + 1 + codes)), shape=(width + first.max() + 1,) * 2)
    _, found = connected_components(graph, directed=False)
    return pd.factorize(found[first])[0]
