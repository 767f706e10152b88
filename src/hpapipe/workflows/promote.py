"""A run against the champion, on the same fields, and what becomes of the alias."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.scoring.intervals import Comparison
from hpapipe.tasks.judging import judge_of
from hpapipe.tracking import registry, runs
from hpapipe.tracking.registry import Change
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import TRAIN, recipe_of
from hpapipe.workflows.paired import LABELS, SPLIT, common_fields, difference


@dataclass(frozen=True)
class Verdict:
    """What the gate said.

    Args:
        run: id of the run that wants to be champion.
        change: the change of champion; none where the gate did not open.
        table: `what, champion, candidate, gain, low, high, surely`; none where there was nothing to compare with.
        why: in words.
        title: of the score.
        things: that it was measured on.
    """

    run: str
    change: Change | None
    table: pd.DataFrame | None
    why: str
    title: str
    things: str

    @property
    def clear(self) -> pd.DataFrame:
        """The rows of labels whose gain or loss is clear of zero."""
        if self.table is None:
            return pd.DataFrame()
        labels = self.table.iloc[1:].drop(columns="surely")
        if "low" not in labels:
            return pd.DataFrame()
        return labels[(labels["low"] > 0) | (labels["high"] < 0)]


def promote(recipe: Recipe, run_id: str | None, force: str | None) -> Verdict:
    """Compare a run with the champion and move the alias if the gate opens.

    Args:
        recipe: names the registered model, the experiment and the gate.
        run_id: the run; none: the newest finished one of the recipe's experiment.
        force: the reason to promote although the gate stays shut, or although the splits differ.

    Raises:
        UserError: no such run or Version, it is champion already, or it cannot be compared.
    """
    run = runs.find(run_id) if run_id else runs.newest(recipe.experiment, TRAIN)
    own = recipe_of(run)
    name, judge = own.register_as, judge_of(own)
    version = registry.version_of(run, name)
    before = registry.champion(name)
    if before and before[0] == version:
        remedy = "Train another run first."
        raise UserError("Only a run that is not champion can be promoted.", f"run {run.id}, the champion", remedy)
    opens, why, table = _gate(recipe, before, run, force)
    change = registry.promote(name, version, run, why) if opens else None
    return Verdict(run.id, change, table, why, judge.title, judge.things)


def _gate(
    recipe: Recipe, before: tuple[str, Run] | None, run: Run, force: str | None
) -> tuple[bool, str, pd.DataFrame | None]:
    """(whether the run becomes champion, why, the comparison)."""
    if before is None:
        return True, force or "the first champion: nothing to compare with", None
    number, champion = before
    if differing := difference(*(runs.facts(each)[1] for each in (champion, run))):
        if force and differing == SPLIT:
            return True, f"forced, not compared: {force}", None
        remedies = {
            SPLIT: "Train both on the same data and split, or promote it uncompared with --force REASON.",
            LABELS: "Register it under another name: set `register_as` in its recipe.",
        }
        received = f"different ones in {champion.id} and {run.id}"
        raise UserError(f"Both runs must have the same {differing}.", received, remedies[differing])
    comparison, table = _compare(recipe, champion, run)
    run.table("promotion", table)
    words = judge_of(recipe_of(run)).words
    why = f"gain {comparison.gain:+.4f} in {words} over version {number}, {comparison.probability:.1%} sure"
    if comparison.probability >= recipe.promote.confidence:
        return True, why, table
    why = f"{why}; {recipe.promote.confidence:.0%} are asked for"
    return (True, f"forced: {force} ({why})", table) if force else (False, why, table)


def _compare(recipe: Recipe, champion: Run, candidate: Run) -> tuple[Comparison, pd.DataFrame]:
    """Both runs' answers for the fields that both have validated on, drawn together."""
    tables = [runs.read_table(run, "predictions") for run in (champion, candidate)]
    common = common_fields(tables)
    if not common:
        received = f"none in common between {champion.id} and {candidate.id}"
        raise UserError(
            "Both runs must have validated on the same fields.", received, "Use one `split.validate_on` for both."
        )
    own = recipe_of(candidate)
    judged = own.model_copy(update={"score": recipe.score, "promote": recipe.promote, "seed": recipe.seed})
    judge, (first, second) = judge_of(own), [table.set_index("id").loc[common].reset_index() for table in tables]
    comparison, rows = judge.compared(judged, first, second)
    whole = {
        "what": judge.words,
        "champion": rows["champion"].mean(),
        "candidate": rows["candidate"].mean(),
        "gain": comparison.gain,
        "low": comparison.low,
        "high": comparison.high,
        "surely": comparison.probability,
    }
    return comparison, pd.concat([pd.DataFrame([whole]), rows], ignore_index=True)
