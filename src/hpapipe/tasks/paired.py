"""Two runs' names for the same fields, compared on the same resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.labels import LabelSet
from hpapipe.scoring.intervals import Comparison, paired_bootstrap
from hpapipe.scoring.metrics import f1_per_label


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


def compared(recipe: Recipe, first: pd.DataFrame, second: pd.DataFrame) -> tuple[Comparison, pd.DataFrame]:
    """What the second run gains over the first in macro F1, and `what, champion, candidate, gain, low, high` a label.

    Args:
        recipe: its sections `data`, `score` and `promote`, and its seed.
        first: `predictions` of a run, with the same ids in the same order as `second`.
        second: likewise.
    """
    label_set = recipe.data.label_set
    both = pair(recipe, label_set, first, second, list(second["id"]))
    comparison = both.comparison
    rows = {
        "what": [f"F1 {label}" for label in label_set.names],
        "champion": both.first,
        "candidate": both.second,
        "gain": comparison.label_gains,
        "low": comparison.label_lows,
        "high": comparison.label_highs,
    }
    return comparison, pd.DataFrame(rows)
