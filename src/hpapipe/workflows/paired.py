"""What two runs must have in common to be compared, and the fields that both answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

SPLIT, LABELS = "split", "label set"
SAME = {"hpapipe.labels": LABELS, "hpapipe.split": SPLIT}
"""Tag -> what two runs must have in common to be compared."""


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
