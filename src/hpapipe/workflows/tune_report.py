"""What a study came to: its line a trial, its tables and figures, and the run that is one `promote` away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.plots.study import study_figures
from hpapipe.plots.study_front import pareto_table
from hpapipe.tracking.markdown import markdown
from hpapipe.tracking.runs import Run
from hpapipe.workflows.space import Dimension
from hpapipe.workflows.tune_queue import GONE, REASON, RUN, Queue

WORDS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
}


@dataclass(frozen=True)
class Tuned:
    """What came out.

    Args:
        study: its name.
        run_id: of the study.
        counts: word for a state -> number of trials.
        table: one row a best trial: `trial`, objectives, searched options, `run`; the Pareto front of two objectives.
    """

    study: str
    run_id: str
    counts: dict[str, int]
    table: pd.DataFrame


def line(queue: Queue, trial: FrozenTrial) -> str:
    """A trial that has ended, in one line."""
    point = ", ".join(f"{option.split('.')[-1]} {_short(value)}" for option, value in trial.params.items())
    if trial.state == TrialState.COMPLETE:
        names = queue.study.metric_names or ["value"]
        came = ", ".join(f"{name} {value:.4g}" for name, value in zip(names, trial.values, strict=True))
    else:
        came = f"{WORDS[trial.state]}: {trial.user_attrs.get(REASON, GONE)}"
    return f"Trial {trial.number} ({point}): {came}"


def report(recipe: Recipe, space: Sequence[Dimension], queue: Queue, run: Run) -> Tuned:
    """Log the study's tables and figures.

    Raises:
        UserError: all trials have ended and none is complete.
    """
    trials = queue.counted()
    objectives = list(recipe.tune.objectives)
    options = [dimension.option for dimension in space]
    table = trials_table(trials, objectives, options)
    run.table("trials", table)
    counts = {word: count for word in WORDS.values() if (count := int((table["state"] == word).sum()))}
    logs = {dimension.option for dimension in space if dimension.log}
    epochs, shares = epochs_table(trials), importances(queue.study)
    for name, shown, figure in study_figures(table, objectives, options, shares, epochs, logs):
        run.figure(name, shown, figure)
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    run.metrics({f"study/{word}": count for word, count in counts.items()}, step=len(complete))
    if not complete:
        if set(counts) & {"waiting", "running"}:
            return Tuned(queue.study.study_name, run.id, counts, pd.DataFrame())
        reason = next((trial.user_attrs.get(REASON, GONE) for trial in trials), "")
        received = f"none of {len(trials)}; the first: {reason.rstrip('.')}"
        raise UserError(
            "A study must complete one trial at least.", received, "Mend it, and begin with --tune.study NAME."
        )
    rows = best_rows(table, objectives)
    run.metrics({f"study/best_{name}": float(rows[name].max()) for name in objectives}, step=len(complete))
    run.tags({"hpapipe.best": ",".join(rows["run"])})
    run.describe(_description(queue.study.study_name, counts, rows))
    return Tuned(queue.study.study_name, run.id, counts, rows)


def best_rows(table: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """The best complete trial, or the front of several objectives, the first objective's best first.

    Args:
        table: of `trials_table`.
        objectives: its columns that are to be high.
    """
    complete = table[table["state"] == "complete"].sort_values("number")
    if len(objectives) > 1:
        rows = complete[complete["number"].isin(pareto_table(complete, objectives).query("front")["number"])]
    else:
        rows = complete.loc[[complete[objectives[0]].idxmax()]]
    rows = rows.sort_values(objectives[0], ascending=False, kind="stable", ignore_index=True)
    return rows.drop(columns=["state", "epochs", "reason"]).rename(columns={"number": "trial"})


def trials_table(trials: Sequence[FrozenTrial], objectives: Sequence[str], options: Sequence[str]) -> pd.DataFrame:
    """One row a trial: `number, state`, objectives, `seconds, epochs`, options, `reason, run`."""
    return pd.DataFrame(
        [
            {
                "number": trial.number,
                "state": WORDS[trial.state],
                **dict(zip(objectives, trial.values or [float("nan")] * len(objectives), strict=False)),
                "seconds": trial.duration.total_seconds() if trial.duration else float("nan"),
                "epochs": len(trial.intermediate_values),
                **{option: _shown(trial, option) for option in options},
                "reason": _reason(trial),
                "run": trial.user_attrs.get(RUN, ""),
            }
            for trial in trials
        ]
    )


def epochs_table(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """One row a trial and epoch: `number, epoch, value, state`."""
    rows = [
        (trial.number, epoch, value, WORDS[trial.state])
        for trial in trials
        for epoch, value in sorted(trial.intermediate_values.items())
    ]
    return pd.DataFrame(rows, columns=["number", "epoch", "value", "state"])


def importances(study: optuna.Study) -> dict[str, float]:
    """Option -> share of the importance for the first objective; empty where too few trials tell."""
    several = len(study.directions) > 1
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.values[0] for trial in complete}) < 2:
        return {}
    try:
        return optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.PedAnovaImportanceEvaluator(),
            target=(lambda trial: -trial.values[0]) if several else None,  # a target is to be low
        )
    except (ValueError, RuntimeError):
        return {}


def _shown(trial: FrozenTrial, option: str) -> Any:
    """An option's value; none where the trial was not asked for it."""
    value = trial.params.get(option)
    return "none" if value is None and option in trial.params else value


def _reason(trial: FrozenTrial) -> str:
    lost = GONE if trial.state == TrialState.FAIL else ""
    return str(trial.user_attrs.get(REASON, lost))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _description(name: str, counts: dict[str, int], best: pd.DataFrame) -> str:
    counted = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"**Study {name}**: {counted}.\n\nBest:\n\n{markdown(best)}"
