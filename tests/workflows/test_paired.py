"""Two runs on the fields that both answered."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from hpapipe.config import Recipe
from hpapipe.labels import LabelSet
from hpapipe.tasks.paired import pair
from hpapipe.workflows.paired import common_fields, difference

SET = LabelSet(("a", "b"))


def answers(ids: Sequence[str], truth: Sequence[str], named: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": list(ids), "group": range(len(ids)), "truth": truth, "named": named})


def test_common_fields_are_those_of_all_runs_in_the_order_of_the_first() -> None:
    tables = [pd.DataFrame({"id": list(ids)}) for ids in ("dcab", "abd", "xbad")]
    assert common_fields(tables) == ["d", "a", "b"]
    assert common_fields([tables[0], pd.DataFrame({"id": ["y"]})]) == []


def test_fields_are_matched_by_their_ids() -> None:
    """The second run holds them in another order, and one more."""
    first = answers("xyz", ("0", "1", "0 1"), ("1", "0", "1"))
    second = answers("wzyx", ("0", "0 1", "1", "0"), ("1", "0 1", "1", "0"))
    both = pair(Recipe(), SET, first, second, ["x", "y", "z"])
    # Of two fields with `a`, none found; of two with `b`, one found and one named wrongly.
    assert both.first.tolist() == [0.0, 0.5]
    assert both.second.tolist() == [1.0, 1.0]
    assert both.comparison.gain == pytest.approx(0.75)
    assert both.comparison.label_gains.tolist() == [1.0, 0.5]


def test_a_run_gains_nothing_over_itself() -> None:
    """Both are scored on the same resamples, so the interval has no width."""
    table = answers("wxyz", ("0", "1", "0 1", "0"), ("1", "1", "0", "0"))
    found = pair(Recipe(), SET, table, table, list("wxyz")).comparison
    assert (found.gain, found.low, found.high) == (0, 0, 0)


def test_fields_of_one_group_are_drawn_together() -> None:
    """One group of all fields: every resample is the set itself."""
    first = answers("wxyz", ("0", "1", "0 1", "0"), ("1", "1", "0", "0")).assign(group=7)
    second = first.assign(named=first["truth"])
    found = pair(Recipe(), SET, first, second, list("wxyz")).comparison
    assert found.low == found.high == pytest.approx(found.gain)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"hpapipe.labels": "l", "hpapipe.split": "s", "other": "x"}, ""),
        ({"hpapipe.labels": "l", "hpapipe.split": "t"}, "split"),
        ({"hpapipe.labels": "m", "hpapipe.split": "t"}, "label set"),
        ({"hpapipe.split": "s"}, "label set"),
    ],
)
def test_what_runs_do_not_have_in_common(second: dict[str, str], told: str) -> None:
    """The label set comes first: it cannot be forced."""
    assert difference({"hpapipe.labels": "l", "hpapipe.split": "s"}, second) == told
