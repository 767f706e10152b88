"""Two runs' answers for the same fields, compared on the same resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.labels import LabelSet
from hpapipe.scoring.intervals import Comparison, paired_bootstrap
from hpapipe.scoring.metrics import f1_per_label

SPLIT, LABELS = "split", "label set"
SAME = {"hpapipe.labels": LABELS, "hpapipe.split": SPLIT}
"""Tag -> what two runs must have in common to be compared."""


@dataclass(frozen=True)
class Pair:
    """Two runs on the fields that both answered.

    Args:
        comparison: what the second gains over the first.
        first: float64 `[labels]`, F1 of each label.
        second: float64 `[labels]`.
    """

    comparison: Comparison
    first: np.ndarray
    second: np.ndarray


def difference(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    """What two runs with these tags do not have in common, in words; empty where they can be compared."""
    return next((meaning for tag, meaning in SAME.items() if first.get(tag) != second.get(tag)), "")


def common_fields(predictions: Sequence[pd.DataFrame]) -> list[str]:
    """The ids of the fields that all runs answered, in the order of the first run.

    Args:
        predictions: tables with the column `id`, as `predictions` is logged.
    """
    common = set.intersection(*(set(table["id"]) for table in predictions))
    return [str(name) for name in predictions[0]["id"] if name in common]


def pair(recipe: Recipe, label_set: LabelSet, first: pd.DataFrame, second: pd.DataFrame, fields: Sequence[str]) -> Pair:
    """What the second run gains over the first on these fields.

    Args:
        recipe: its sections `score` and `promote`, and its seed.
        label_set: of both runs.
        first: a table with `id`, `group`, `truth`, `named`, as `predictions` is logged.
        second: likewise; its groups are drawn together.
        fields: ids that both tables hold, at least one.
    """
    rows = [table.set_index("id").loc[list(fields)] for table in (first, second)]
    truth = label_set.read(list(rows[1]["truth"].astype(str)))
    named = [label_set.read(list(table["named"].astype(str))) for table in rows]
    groups = pd.factorize(rows[1]["group"])[0]
    drawn = (recipe.score.bootstrap, recipe.seed, recipe.promote.min_gain, groups)
    comparison = paired_bootstrap(truth, named[0], named[1], *drawn)
    return Pair(comparison, f1_per_label(truth, named[0]), f1_per_label(truth, named[1]))
