"""Running a suite: what its report tells, edited suites, and suites that cannot be judged."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpapipe import checks
from hpapipe.errors import UserError

PARAMETERS = {"most": 0, "name": "Labels"}


def table(*, labels: tuple[int, ...] = (0, 0, 0, 0), wrong: tuple[int, ...] = (0, 0, 0, 0)) -> pd.DataFrame:
    """Two channels of f0, one of f1 and f2."""
    files = ["f0_red.png", "f0_green.png", "f1_red.png", "f2_red.png"]
    return pd.DataFrame({"id": ["f0", "f0", "f1", "f2"], "file": files, "labels": labels, "wrong": wrong})


def written(folder: Path, *expectations: Any) -> Path:
    """A folder with a suite `own` of these expectations."""
    (folder / "own.json").write_text(json.dumps({"name": "own", "expectations": list(expectations)}))
    return folder


def at_most(
    column: str, most: object = 0, severity: str = "critical", meta: Any = None, **kwargs: Any
) -> dict[str, Any]:
    """An expectation as it stands in a file."""
    kwargs = {"column": column, "max_value": most, **kwargs}
    return {"type": "expect_column_values_to_be_between", "kwargs": kwargs, "severity": severity, "meta": meta or {}}


def run(folder: Path, rows: pd.DataFrame, *expectations: Any) -> checks.Report:
    return checks.run("own", rows, PARAMETERS, written(folder, *expectations))


def test_a_failure_counts_rows_and_names_each_id_once(tmp_path: Path) -> None:
    """Two channels of one field are two rows, one id, and one example of the columns to show."""
    report = run(tmp_path, table(labels=(5, 6, 0, 0)), at_most("labels", meta={"show": ["file", "labels"]}))
    (failure,) = report.failures
    assert (failure.rows, failure.share, failure.ids) == (2, 0.5, ("f0",))
    assert failure.examples == ("file f0_red.png, labels 5",)
    assert report.unusable == ("f0",)
    assert report.checked == 4


def test_only_what_is_critical_stops(tmp_path: Path) -> None:
    """A warning and an info are failures of a report that passed; a critical one is not."""
    rows = table(labels=(0, 0, 0, 1), wrong=(0, 0, 1, 0))
    mild = run(tmp_path, rows, at_most("labels", severity="warning"), at_most("wrong", severity="info"))
    assert (mild.passed, len(mild.failures), mild.unusable) == (True, 2, ())
    stern = run(tmp_path, rows, at_most("labels", severity="warning"), at_most("wrong"))
    assert (stern.passed, stern.unusable) == (False, ("f1",))


def test_critical_lines_come_first(tmp_path: Path) -> None:
    """What stops stands above what is only told."""
    rows = table(labels=(1, 0, 0, 0), wrong=(1, 0, 0, 0))
    lines = run(tmp_path, rows, at_most("labels", severity="warning"), at_most("wrong")).lines()
    assert [line.split(":")[0] for line in lines] == ["own, critical", "own, warning"]
    assert "Broken by 1 row (25.0%): f0 (wrong 1)." in lines[0]


def test_the_table_has_a_row_for_each_expectation(tmp_path: Path) -> None:
    """Passed and failed ones, with count and ids, ready to be logged."""
    report = run(tmp_path, table(labels=(0, 1, 1, 0)), at_most("wrong"), at_most("labels", meta={"says": "No labels."}))
    assert report.table().drop(columns="rule").to_dict("list") == {
        "suite": ["own", "own"],
        "severity": ["critical", "critical"],
        "column": ["wrong", "labels"],
        "passed": [True, False],
        "rows": [0, 2],
        "share": [0.0, 0.5],
        "ids": ["", "f0, f1"],
    }
    assert report.table()["rule"][1] == "No labels."


def test_edited_suites_are_honoured(tmp_path: Path) -> None:
    """Limit, severity and texts come from the file, with parameters filled in; `mostly` is Great Expectations' own."""
    words = {"says": "{name} must be at most {most}.", "do": "Delete them."}
    strict = at_most("labels", {"$PARAMETER": "most"}, severity="warning", meta=words)
    report = run(tmp_path, table(labels=(1, 1, 1, 1), wrong=(1, 0, 0, 0)), strict, at_most("wrong", mostly=0.7))
    assert [outcome.passed for outcome in report.outcomes] == [False, True]
    (line,) = report.lines()
    assert line == (
        "own, warning: Labels must be at most 0. Broken by 4 rows (100.0%): "
        "f0 (labels 1), f1 (labels 1), f2 (labels 1). Delete them."
    )


def test_parameters_may_stand_in_formulas(tmp_path: Path) -> None:
    """`most + 1` is 1."""
    assert run(tmp_path, table(labels=(1, 1, 1, 1)), at_most("labels", {"$PARAMETER": "most + 1"})).passed
    assert not run(tmp_path, table(labels=(2, 1, 1, 1)), at_most("labels", {"$PARAMETER": "most + 1"})).passed


def test_expectations_without_words_still_tell_themselves(tmp_path: Path) -> None:
    """One written in Great Expectations alone is critical and named by its type."""
    bare = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "labels", "max_value": 0}}
    (failure,) = run(tmp_path, table(labels=(1, 0, 0, 0)), bare).failures
    assert (failure.severity, failure.rule) == ("critical", "expect column values to be between: labels.")
    assert str(tmp_path / "own.json") in failure.remedy


def test_expectations_of_the_whole_table_tell_what_was_received(tmp_path: Path) -> None:
    """They name no ids, and stop all the same."""
    count = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 5}, "meta": {"says": "Five rows."}}
    report = run(tmp_path, table(), count)
    (failure,) = report.failures
    assert (failure.ids, failure.examples, failure.rows, failure.share) == ((), ("received 4",), 4, 1.0)
    assert not report.passed
    assert "Five rows. Broken by 4 rows (100.0%): received 4." in report.lines()[0]


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        (at_most("nope"), r"between of `nope` in .*own\.json, which gave.*nope.*Columns are id, file"),
        (at_most("file"), r"between of `file` in .*own\.json, which gave"),
        (at_most("labels", {"$PARAMETER": "more"}), "of `labels`.*more.*parameters are most, name"),
        (at_most("labels", meta={"show": ["nope"]}), "no column `nope` to show"),
    ],
    ids=["no such column", "text compared with a number", "no such parameter", "no such column to show"],
)
def test_an_expectation_that_cannot_be_judged_has_not_passed(tmp_path: Path, expectation: Any, words: str) -> None:
    """The file and the expectation are named, and nothing goes on."""
    with pytest.raises(UserError, match=words):
        run(tmp_path, table(), at_most("wrong"), expectation)


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        ({"type": "expect_nothing", "kwargs": {}}, r"`expect_nothing` in .*own\.json: expect_nothing not found"),
        ({"kwargs": {}}, "missing 1 required positional argument: 'type'"),
        (at_most("labels", maximum=1), "extra fields not permitted"),
        (at_most("labels", severity="fatal"), "Must be one of: critical, warning, info"),
        (at_most("labels", meta="words"), r"own\.json"),
        ("expect_column_to_exist", r"own\.json"),
    ],
)
def test_unknown_expectations_are_refused(tmp_path: Path, expectation: Any, words: str) -> None:
    """Types, arguments and severities that Great Expectations does not know are no silent pass."""
    with pytest.raises(UserError, match=words):
        run(tmp_path, table(), expectation)


def test_all_faults_of_a_suite_are_told_at_once(tmp_path: Path) -> None:
    """Two unknown expectations give two lines."""
    with pytest.raises(UserError) as caught:
        run(tmp_path, table(), {"type": "expect_a"}, at_most("labels"), {"type": "expect_b"})
    assert len(caught.value.lines) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "readable JSON"),
        ("[]", "list of `expectations`"),
        ('{"name": "own"}', "list of `expectations`"),
        ("", "JSON"),
    ],
)
def test_malformed_suites_are_refused(tmp_path: Path, text: str, words: str) -> None:
    """What is no suite is named with its path."""
    (tmp_path / "own.json").write_text(text)
    with pytest.raises(UserError, match=rf"{words}.*own\.json"):
        checks.run("own", table(), {}, tmp_path)


def test_missing_suite_names_the_nearest(tmp_path: Path) -> None:
    """A mistyped name is put right, an empty folder is told what to do."""
    with pytest.raises(UserError, match=r"Did you mean `images`\?"):
        checks.run("image", table(), {})
    with pytest.raises(UserError, match="Copy the project's data_checks/"):
        checks.run("images", table(), {}, tmp_path)


def test_an_empty_table_has_not_passed(tmp_path: Path) -> None:
    """No rows, no verdict."""
    with pytest.raises(UserError, match="rows to judge"):
        run(tmp_path, table().head(0), at_most("labels"))


def test_running_is_quiet_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No progress bars, no log lines, no folder of Great Expectations, temporary ones included."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run(tmp_path, table(labels=(1, 0, 0, 0)), at_most("labels"))
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["own.json"]


def test_the_tables_index_does_not_matter(tmp_path: Path) -> None:
    """Rows of a filtered table are named rightly."""
    rows = table(labels=(0, 0, 1, 0)).iloc[1:].set_index(pd.Index([7, 7, 7]))
    assert run(tmp_path, rows, at_most("labels")).unusable == ("f1",)


def test_the_installed_copy_of_the_suites_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel has data_checks inside the package, the source tree beside it."""
    assert (checks.suite_folder() / "images.json").is_file()
    monkeypatch.setattr(checks, "__file__", str(tmp_path / "hpapipe" / "checks.py"))
    (tmp_path / "hpapipe" / "data_checks").mkdir(parents=True)
    assert checks.suite_folder() == tmp_path / "hpapipe" / "data_checks"
