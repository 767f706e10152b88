"""Runs the Great Expectations suites of data_checks/ over tables; the only importer of great_expectations."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hpapipe.config import Checks, Data
from hpapipe.errors import UserError, nearest, shown

if TYPE_CHECKING:  # importing it takes seconds, so it is imported where a suite runs
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation

_EXAMPLES = 5
_RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False}


@dataclass(frozen=True)
class Outcome:
    """What one expectation found.

    Args:
        rule, remedy: what must hold, and what to do where it does not.
        column: the column it judges; empty for the whole table.
        severity: `critical` (what fails cannot be used), `warning` or `info` (told, nothing stops).
        passed: whether the expectation holds.
        rows, share: how many rows break it, and what part of all; all where it judges the table as a whole.
        ids: the fields that break it, each once, in the table's order; none where it judges the table as a whole.
        examples: what was received for the first of `ids`, in words, or for the table.
    """

    rule: str
    remedy: str
    column: str
    severity: str
    passed: bool
    rows: int = 0
    share: float = 0.0
    ids: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def line(self) -> str:
        """What failed, for which ids, and what to do."""
        named = [f"{name} ({example})" for name, example in zip(self.ids, self.examples, strict=False)]
        where = shown([*named, *self.ids[len(named) :]], _EXAMPLES) if self.ids else ", ".join(self.examples)
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        return f"{self.severity}: {self.rule} Broken by {rows} ({self.share:.1%}): {where}. {self.remedy}"


@dataclass(frozen=True)
class Report:
    """What a suite found in a table of `checked` rows, one outcome an expectation."""

    suite: str
    checked: int
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that broke their rule, of any severity."""
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)

    @property
    def passed(self) -> bool:
        """Whether nothing critical failed."""
        return not any(failure.severity == "critical" for failure in self.failures)

    @property
    def unusable(self) -> tuple[str, ...]:
        """Ids that break something critical, each once."""
        ids = [name for failure in self.failures if failure.severity == "critical" for name in failure.ids]
        return tuple(dict.fromkeys(ids))

    def lines(self) -> list[str]:
        """A line for the terminal for each failure, critical ones first."""
        ordered = sorted(self.failures, key=lambda failure: failure.severity != "critical")
        return [f"{self.suite}, {failure.line()}" for failure in ordered]

    def table(self) -> pd.DataFrame:
        """One row an expectation: suite, severity, rule, column, passed, rows, share, ids (separated by commas)."""
        columns = ["severity", "rule", "column", "passed", "rows", "share", "ids"]
        table = pd.DataFrame([asdict(outcome) for outcome in self.outcomes], columns=columns)
        table.insert(0, "suite", self.suite)
        return table.assign(ids=[", ".join(outcome.ids) for outcome in self.outcomes])


def run(suite: str, table: pd.DataFrame, parameters: Mapping[str, Any], folder: Path | None = None) -> Report:
    """What the suite `<folder>/<suite>.json` finds in `table`.

    `meta` of an expectation may hold `says` (the rule, with `{parameter}` replaced), `do` and `show` (columns to tell).

    Args:
        suite: `label_table`, `images` or `pairs`, or another file of the folder.
        table: what the expectations judge; its column `id` names what a row belongs to.
        parameters: a value for each `$PARAMETER` of the suite.
        folder: where the suites are; none: `suite_folder()`.

    Raises:
        UserError: the file is missing or no suite, or an expectation is unknown or cannot be judged (no such column).
    """
    path = (folder or suite_folder()) / f"{suite}.json"
    tree = _read(path)
    if table.empty:
        raise UserError("Checks must have rows to judge.", f"an empty table for {path.name}", "Add fields to the set.")
    expectations = _each(lambda entry: _expectation(entry, path), tree["expectations"])
    plain = table.reset_index(drop=True)  # failing rows come back as index values
    batch = _batch(plain)
    outcomes = _each(lambda each: _judge(each, batch, plain, parameters, path), expectations)
    return Report(suite, len(table), tuple(outcomes))


def suite_folder() -> Path:
    """The folder of the suites that come with hpapipe: inside the installed package, or at the project's root."""
    packaged = Path(__file__).parent / "data_checks"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "data_checks"


def label_parameters(data: Data) -> dict[str, Any]:
    """The parameters of the suite `label_table`."""
    most = 1 if data.one_label else len(data.labels)
    return {"target_column": data.target_column, "last_label": len(data.labels) - 1, "max_labels": most}


def image_parameters(measurements: pd.DataFrame, checks: Checks) -> dict[str, Any]:
    """The parameters of the suite `images`.

    Args:
        measurements: the table of `hpapipe.imageset.measure`; its commonest size and depth are what all should have.
        checks: the recipe's section.
    """
    size = _commonest(measurements)
    empty = [False, True] if checks.allow_empty_channels else [False]
    return {**size, "top": 2 ** size["bits"] - 1, "max_saturated": checks.max_saturated, "empty_values": empty}


def pair_parameters(
    measurements: pd.DataFrame, min_area: float = 0.001, max_area: float = 0.95, allow_empty: bool = False
) -> dict[str, Any]:
    """The parameters of the suite `pairs`.

    Args:
        measurements: the table of `hpapipe.imageset.pair_measure`.
        min_area, max_area: least and largest share of an image that a cell may cover.
        allow_empty: masks without a cell are accepted.
    """
    area = {"min_area": min_area, "max_area": max_area}
    return {**_commonest(measurements), **area, "empty_values": [False, True] if allow_empty else [False]}


def _commonest(measurements: pd.DataFrame) -> dict[str, int]:
    """The size and depth that most images have; 0 where none is known."""
    found = {name: measurements[name].mode() for name in ("width", "height", "bits")}
    return {name: 0 if values.empty else int(values.iloc[0]) for name, values in found.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        names = sorted(file.stem for file in path.parent.glob("*.json"))
        hint = nearest(path.stem, names) if names else "Copy the project's data_checks/ and set `checks.suites` to it."
        raise UserError("A suite of checks must be a file.", f"{path}, which does not exist", hint) from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError("A suite of checks must be readable JSON.", f"{path}: {reason}", "Mend the file.") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("expectations"), list):
        raise UserError("A suite of checks must hold a list of `expectations`.", f"{path} without it", "Mend the file.")
    return tree


def _each(work: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """`work` done on each item; what it raises is raised for all together."""
    done, faults = [], []
    for item in items:
        try:
            done.append(work(item))
        except UserError as fault:
            faults.append(fault)
    if faults:
        raise UserError.joined(faults)
    return done


def _expectation(entry: Any, path: Path) -> Expectation:
    # Read one by one: a suite as a whole drops what it cannot read and only logs it.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(**entry).to_domain_obj()
    except (GreatExpectationsError, TypeError, ValueError, AttributeError) as error:
        name = entry.get("type", entry) if isinstance(entry, dict) else entry
        received = f"`{name}` in {path}: {' '.join(str(error).split())}"
        remedy = "Mend its `type` and `kwargs`, see the gallery of Great Expectations."
        raise UserError("Every expectation must be one that Great Expectations knows.", received, remedy) from None


def _batch(table: pd.DataFrame) -> Batch:
    import great_expectations as gx
    from great_expectations.data_context.types import base

    stores = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)  # no temporary folder
    quiet = base.ProgressBarsConfig(globally=False)
    config = base.DataContextConfig(store_backend_defaults=stores, progress_bars=quiet, analytics_enabled=False)
    context = gx.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("hpapipe").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": table})


def _judge(
    expectation: Expectation, batch: Batch, table: pd.DataFrame, values: Mapping[str, Any], path: Path
) -> Outcome:
    outcome = _described(expectation, values, path)
    show = (expectation.meta or {}).get("show") or [outcome.column] * bool(outcome.column)
    try:
        result = batch.validate(expectation, result_format=_RESULT_FORMAT, expectation_parameters=dict(values))
        reason = _raised(result) or ", ".join(f"no column `{name}` to show" for name in show if name not in table)
    except Exception as error:  # whatever stops an expectation, it has not passed
        reason = str(error) or type(error).__name__
    if reason:
        kind, judged = expectation.expectation_type, f"`{outcome.column}`" if outcome.column else "the table"
        received = f"{kind} of {judged} in {path}, which gave “{' '.join(reason.split())}”"
        remedy = f"Columns are {', '.join(table.columns)}; parameters are {', '.join(values)}."
        raise UserError("Every expectation must be one that can be judged.", received, remedy)
    return replace(outcome, passed=True) if result.success else _failed(outcome, result.result, table, show)


def _described(expectation: Expectation, values: Mapping[str, Any], path: Path) -> Outcome:
    meta = expectation.meta or {}
    column = getattr(expectation, "column", None) or ""
    rule = str(meta.get("says") or f"{expectation.expectation_type.replace('_', ' ')}: {column or 'table'}.")
    for name, value in values.items():
        rule = rule.replace(f"{{{name}}}", str(value))
    severity = getattr(expectation.severity, "value", str(expectation.severity))
    return Outcome(rule, str(meta.get("do") or f"See {path}."), column, severity, passed=False)


def _raised(result: ExpectationValidationResult) -> str:
    """What an expectation raised while it was judged: the first message there is, or nothing."""
    about = result.exception_info or {}
    told = [about] if "raised_exception" in about else list(about.values())
    return next((str(each.get("exception_message") or "an error") for each in told if each.get("raised_exception")), "")


def _failed(outcome: Outcome, result: Mapping[str, Any], table: pd.DataFrame, show: list[str]) -> Outcome:
    where = result.get("unexpected_index_list")
    if not where:
        received = (f"received {result['observed_value']}",) if result.get("observed_value") is not None else ()
        return replace(outcome, rows=len(table), share=1.0, examples=received)
    rows = table.loc[where]
    firsts = rows.drop_duplicates("id")
    examples = (", ".join(_told(name, row[name]) for name in show) for _, row in firsts.head(_EXAMPLES).iterrows())
    ids = tuple(firsts["id"].astype(str))
    return replace(outcome, rows=len(rows), share=len(rows) / len(table), ids=ids, examples=tuple(examples))


def _told(name: str, value: object) -> str:
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
