"""The suite `predictions`: each expectation passes on a good table and is seen to fail on one that breaks it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpapipe import checks
from hpapipe.workflows.drift import JUDGED


def quantities(**changes: float) -> pd.DataFrame:
    """A row for each kind of quantity, all within tolerance; `changes` name a column and its value."""
    table = pd.DataFrame({"id": JUDGED, "before": 0.1, "now": 0.2, "p": 0.01})
    for row, column in enumerate(JUDGED):
        table[column] = np.where(np.arange(len(JUDGED)) == row, changes.get(column, 0.0), np.nan)
    return table


def test_a_good_table_passes_every_expectation() -> None:
    """Also at the very ends of what is tolerated."""
    report = checks.run("predictions", quantities(), {})
    assert (report.passed, report.failures, len(report.outcomes)) == (True, (), 4)
    ends = quantities(share_change=-0.2, top_shift=0.15, image_shift=0.25, unreadable=0.01)
    assert checks.run("predictions", ends, {}).failures == ()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("share_change", 0.21, "as often as in validation"),
        ("share_change", -0.21, "as often as in validation"),
        ("top_shift", 0.16, "as certain as in validation"),
        ("image_shift", 0.26, "look about as those of validation"),
        ("unreadable", 0.011, "may be unreadable"),
    ],
)
def test_an_expectation_is_seen_to_fail(column: str, value: float, words: str) -> None:
    """The quantity is named, with both values."""
    report = checks.run("predictions", quantities(**{column: value}), {})
    (failure,) = report.failures
    assert words in failure.rule
    assert (failure.ids, failure.severity) == ((column,), "warning")
    assert "now 0.2" in failure.examples[0]


def test_the_numbers_in_the_rules_are_those_of_the_expectations() -> None:
    """A rule is a sentence in the same file, which an edit may leave behind."""
    for outcome, limit in zip(
        checks.run("predictions", quantities(), {}).outcomes, ("0.2", "0.15", "0.25", "1 %"), strict=True
    ):
        assert limit in outcome.rule
