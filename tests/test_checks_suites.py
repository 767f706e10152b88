"""The two suites of data_checks/: every expectation passes on a good table and is seen to fail on a bad one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import great_expectations as gx
import numpy as np
import pandas as pd
import pytest

from hpapipe import checks
from hpapipe.config import Checks, Data

DATA = Data(channels=("red", "green"), labels=("a", "b", "c", "d", "e"))
SUITES = ("label_table", "images")


def label_table(**changes: tuple[int, Any]) -> pd.DataFrame:
    """Facts of four good rows; `column=(row, value)` breaks one."""
    table = pd.DataFrame(
        {
            "row": [2, 3, 4, 5],
            "id": ["f0", "f1", "f2", "f3"],
            "target": ["0", "1", "2", "3"],
            "group": "",
            "copies": 1,
            "labels": 1,
            "wrong_labels": 0,
            "repeated_labels": 0,
            "missing_files": 0,
            "faults": "",
        }
    )
    return changed(table, changes)


def images(**changes: tuple[int, Any]) -> pd.DataFrame:
    """Measures of four good images of two fields; `column=(row, value)` breaks one."""
    table = pd.DataFrame(
        {
            "id": ["f0", "f0", "f1", "f1"],
            "channel": ["red", "green"] * 2,
            "file": ["f0_red.png", "f0_green.png", "f1_red.png", "f1_green.png"],
            "readable": True,
            "fault": "",
            "width": 512.0,
            "height": 512.0,
            "bits": 8.0,
            "mean": 20.0,
            "spread": 15.0,
            "saturated": 0.01,
            "empty": False,
            "sharpness": 0.5,
            "pixels": ["p0", "p1", "p2", "p3"],
            "hash": ["h0", "h1", "h2", "h3"],
            "same_size": True,
            "copies": 1,
        }
    )
    return changed(table, changes)


def changed(table: pd.DataFrame, changes: Mapping[str, tuple[int, Any]]) -> pd.DataFrame:
    for column, (row, value) in changes.items():
        table.loc[row, column] = value
    return table


def run(suite: str, table: pd.DataFrame, **parameters: Any) -> checks.Report:
    """The suite's report with the parameters of DATA and of the good images, or others."""
    usual = checks.label_parameters(DATA) if suite == "label_table" else checks.image_parameters(images(), Checks())
    return checks.run(suite, table, {**usual, **parameters})


BREAKS: list[tuple[str, str, pd.DataFrame, dict[str, Any], str, tuple[str, ...]]] = [
    ("label_table", "name its field", label_table(id=(1, "")), {}, "critical", ("",)),
    ("label_table", "one row only", label_table(id=(1, "f0")), {}, "critical", ("f0",)),
    ("label_table", "at least one label", label_table(labels=(2, 0)), {}, "critical", ("f2",)),
    ("label_table", "at most 1 labels", label_table(labels=(3, 2)), {"max_labels": 1}, "critical", ("f3",)),
    ("label_table", "indices 0 to 4", label_table(wrong_labels=(0, 1)), {}, "critical", ("f0",)),
    ("label_table", "each label once", label_table(repeated_labels=(0, 1)), {}, "warning", ("f0",)),
    ("label_table", "have its file", label_table(missing_files=(2, 1)), {}, "critical", ("f2",)),
    ("images", "readable", images(fault=(1, "Received 0 bytes.")), {}, "critical", ("f0",)),
    ("images", "8 or 16 bits", images(bits=(0, 32.0)), {"bits": 32}, "critical", ("f0",)),
    ("images", "here 8 bits", images(bits=(2, 16.0)), {}, "critical", ("f1",)),
    ("images", "one size and bit depth", images(same_size=(3, False)), {}, "critical", ("f1",)),
    ("images", "512 pixels wide", images(width=(0, 511.0)), {}, "warning", ("f0",)),
    ("images", "512 pixels high", images(height=(0, 513.0)), {}, "warning", ("f0",)),
    ("images", "hold a signal", images(empty=(0, True)), {}, "critical", ("f0",)),
    ("images", "may be saturated", images(saturated=(0, 0.21)), {}, "critical", ("f0",)),
    ("images", "95 % of its range", images(mean=(0, 243.0)), {}, "warning", ("f0",)),
    ("images", "half a level", images(spread=(2, 0.4)), {}, "warning", ("f1",)),
    ("images", "pure pixel noise", images(sharpness=(2, 20.0)), {}, "warning", ("f1",)),
    ("images", "smooth ramp", images(sharpness=(2, 0.0)), {}, "warning", ("f1",)),
    ("images", "very same pixels", images(copies=(2, 2)), {}, "warning", ("f1",)),
]


@pytest.mark.parametrize("suite", SUITES)
def test_a_good_table_passes_every_expectation(suite: str) -> None:
    """Nothing is found where nothing is wrong."""
    report = run(suite, label_table() if suite == "label_table" else images())
    assert report.passed
    assert report.failures == ()
    assert report.lines() == []
    assert report.checked == 4
    assert len(report.outcomes) >= 7


@pytest.mark.parametrize(("suite", "words", "table", "parameters", "severity", "ids"), BREAKS)
def test_an_expectation_is_seen_to_fail(
    suite: str, words: str, table: pd.DataFrame, parameters: dict[str, Any], severity: str, ids: tuple[str, ...]
) -> None:
    """The rule that a table breaks is told with its ids, and stops where it is critical."""
    report = run(suite, table, **parameters)
    (failure,) = [each for each in report.failures if words in each.rule]
    assert (failure.severity, failure.ids) == (severity, ids)
    assert report.passed == (severity != "critical")
    assert any(failure.remedy in line for line in report.lines())


def test_no_expectation_is_left_unbroken() -> None:
    """The tables above break each expectation of both suites once."""
    for suite in SUITES:
        table = label_table() if suite == "label_table" else images()
        rules = [outcome.rule for outcome in run(suite, table, max_labels=1).outcomes]
        told = [words for name, words, *_ in BREAKS if name == suite]
        assert [rule for rule in rules if not any(words in rule for words in told)] == []


@pytest.mark.parametrize("suite", SUITES)
def test_suites_open_in_great_expectations(suite: str) -> None:
    """The file is what Great Expectations itself writes, and each expectation says its rule, remedy and severity."""
    tree = json.loads((checks.suite_folder() / f"{suite}.json").read_text(encoding="utf-8"))
    again = gx.ExpectationSuite(**tree).to_json_dict()
    assert again == tree
    for expectation in tree["expectations"]:
        assert set(expectation["meta"]) == {"says", "do", "show"}
        assert expectation["severity"] in ("critical", "warning")


def test_unreadable_images_break_one_rule_only() -> None:
    """NaN measures of an unreadable file are not told a second time."""
    table = images(fault=(0, "Received 0 bytes."), width=(0, np.nan), bits=(0, np.nan), mean=(0, np.nan))
    for column in ("height", "spread", "saturated", "sharpness"):
        table.loc[0, column] = np.nan
    assert len(run("images", table).failures) == 1


@pytest.mark.parametrize(("allowed", "passed"), [(False, False), (True, True)])
def test_the_recipe_decides_on_empty_channels(allowed: bool, passed: bool) -> None:
    """`allow_empty_channels` accepts an image without a signal, and its spread of 0 is not told."""
    table = images(empty=(0, True), spread=(0, 0.0), sharpness=(0, np.nan))
    parameters = checks.image_parameters(table, Checks(allow_empty_channels=allowed))
    report = checks.run("images", table, parameters)
    assert report.passed == passed
    assert len(report.failures) == (0 if allowed else 1)


def test_parameters_come_from_the_recipe_and_the_set() -> None:
    """The commonest size and depth, the label count, and the limits of the recipe."""
    table = images(width=(0, 40.0))
    table["bits"] = 16.0
    parameters = checks.image_parameters(table, Checks(max_saturated=0.5))
    assert {name: parameters[name] for name in ("width", "height", "bits", "top", "max_saturated")} == {
        "width": 512,
        "height": 512,
        "bits": 16,
        "top": 65535,
        "max_saturated": 0.5,
    }
    one = DATA.model_copy(update={"one_label": True})
    assert checks.label_parameters(one) == {"target_column": "Target", "last_label": 4, "max_labels": 1}
    assert checks.label_parameters(DATA)["max_labels"] == 5


def test_parameters_of_a_set_without_a_readable_image() -> None:
    """No size is known, and only the files' faults are told."""
    table = images().assign(fault="Received 0 bytes.")
    table[["width", "height", "bits", "mean", "spread", "saturated", "sharpness"]] = np.nan
    report = checks.run("images", table, checks.image_parameters(table, Checks()))
    assert [failure.column for failure in report.failures] == ["fault"]


def test_a_line_names_five_ids_and_counts_the_others() -> None:
    """What failed, for which ids, what was received, what to do."""
    table = pd.concat([label_table()] * 2, ignore_index=True).assign(wrong_labels=1, target="31")
    table["id"] = [f"f{number}" for number in range(8)]
    (line,) = run("label_table", table).lines()
    assert line == (
        "label_table, critical: `Target` must hold indices 0 to 4, separated by spaces. Broken by 8 rows (100.0%): "
        "f0 (row 2, target 31), f1 (row 3, target 31), f2 (row 4, target 31), f3 (row 5, target 31), "
        "f4 (row 2, target 31) and 3 more. Mend the row, or set `data.labels` to the names of all labels."
    )
