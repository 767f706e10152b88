"""Two runs' masks of the same images, compared group by group."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.scoring.intervals import Comparison, paired_means


def compared(recipe: Recipe, first: pd.DataFrame, second: pd.DataFrame) -> tuple[Comparison, pd.DataFrame]:
    """What the second run gains over the first in mean IoU, and `what, champion, candidate, gain` a group.

    The images of a group are drawn together.

    Args:
        recipe: its sections `score` and `promote`, and its seed.
        first: `predictions` of a run, with the same ids in the same order as `second`.
        second: likewise.
    """
    groups = pd.factorize(second["group"])[0]
    one, other = (by_group(table["iou"], groups) for table in (first, second))
    comparison = paired_means(one, other, recipe.score.bootstrap, recipe.seed, recipe.promote.min_gain)
    names = second["group"].drop_duplicates()
    rows = pd.DataFrame({"what": [f"IoU {name}" for name in names], "champion": one, "candidate": other})
    return comparison, rows.assign(gain=other - one)


def by_group(scores: pd.Series, groups: np.ndarray) -> np.ndarray:
    """The mean of each group, float64 `[groups]`, in the order of their first images.

    Args:
        scores: float, one an image.
        groups: int `[images]`.
    """
    return scores.groupby(groups, sort=False).mean().to_numpy()
