"""The labelled set that a Version is judged on, and which of its images its networks never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.tracking import runs
from hpapipe.workflows.pairs import PreparedPairs, inspect_pairs, pairs_folder, prepare_pairs
from hpapipe.workflows.prepare import Prepared, inspect, prepare, source_folder


def as_trained(recipe: Recipe, metadata: Mapping[str, Any], number: str) -> Recipe:
    """The recipe, its images brought to what the Version was trained on.

    Args:
        recipe: names the set.
        metadata: of the Version.
        number: of the Version.

    Raises:
        UserError: another task, or other labels.
    """
    trained = config.parse(metadata["recipe"])
    if trained.task != recipe.task:
        received = f"{recipe.task}, and version {number} of {recipe.register_as} is of {trained.task}"
        raise UserError("The recipe must have the task of the Version.", received, "Set `task` or `register_as`.")
    if recipe.task == "classification" and trained.data.labels != recipe.data.labels:
        labels = f"{len(recipe.data.labels)} labels that differ from the {len(trained.data.labels)} of version {number}"
        raise UserError("The set must have the labels of the Version.", labels, "Set `data.labels` as it was trained.")
    own = {name: getattr(trained.data, name) for name in OWN[recipe.task]}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=own)})


OWN = {
    "classification": ("channels", "size", "cut", "field_size", "learn"),
    "segmentation": ("size",),
}
"""Task -> options of `data` that are the Version's own, whatever the recipe says."""


def _fields(recipe: Recipe) -> Prepared:
    folder = source_folder(recipe)
    return prepare(recipe, folder, inspect(recipe, folder))


def _pairs(recipe: Recipe) -> PreparedPairs:
    folder = pairs_folder(recipe)
    return prepare_pairs(recipe, folder, *inspect_pairs(recipe, folder))


PREPARED: dict[str, Callable[[Recipe], Any]] = {"classification": _fields, "segmentation": _pairs}
"""Task -> the recipe's set, which has passed its checks."""


@dataclass(frozen=True)
class HeldOut:
    """A set, and the fold that each image was in when a Version was trained.

    Args:
        prepared: the set.
        folds: int `[images]`; none where the Version was trained on another set.
    """

    prepared: Prepared | PreparedPairs
    folds: np.ndarray | None

    def asked(self, members: Sequence[Any]) -> list[tuple[list[int], np.ndarray]]:
        """(numbers of networks, numbers of the images that they never saw), each image once.

        Args:
            members: of a Version, one a network.
        """
        everyone = list(range(len(members)))
        if self.folds is None:
            return [(everyone, np.arange(len(self.prepared.images)))]
        folds = sorted({member.fold for member in members})
        parts = [
            ([number for number in everyone if members[number].fold == fold], np.flatnonzero(self.folds == fold))
            for fold in folds
        ]
        return [(numbers, images) for numbers, images in parts if len(images)]

    def learned(self, member: Any) -> np.ndarray:
        """Numbers of the images that a network was trained on; all where the Version was trained on another set."""
        if self.folds is None:
            return np.arange(len(self.prepared.images))
        return np.flatnonzero(self.folds != member.fold)


def held_out(recipe: Recipe, trained_by: str) -> HeldOut:
    """The recipe's set, with the folds of a run if it is the very set that it was trained on.

    Args:
        recipe: as `as_trained` gives it.
        trained_by: id of the run.

    Raises:
        UserError: a critical check failed, or there is no such run.
    """
    prepared, run = PREPARED[recipe.task](recipe), runs.find(trained_by)
    if runs.facts(run)[1].get("hpapipe.data") != prepared.fingerprint:
        return HeldOut(prepared, None)
    told = runs.read_table(run, "split").set_index("id")["fold"]
    return HeldOut(prepared, told.reindex(list(prepared.images.ids)).to_numpy(int))
