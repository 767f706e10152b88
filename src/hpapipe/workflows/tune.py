"""Studies: which options of a recipe score best, searched by Optuna, tracked, stopped and gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import TrialState

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.progress import bar, say
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.kept import KIND, TUNE, keep_recipe
from hpapipe.workflows.space import Dimension, grid, read_space
from hpapipe.workflows.train import checked
from hpapipe.workflows.tune_storage import (
    ExhaustedError,
    Storage,
    again,
    give_up_stale,
    is_settled,
    open_storage,
)
from hpapipe.workflows.tune_trial import RUN, Bench, TrialError

SPACE = "hpapipe.space"
"""Attribute of a study: its space, by which a study is known to be the same."""

SAMPLERS = {
    "tpe": lambda wanted, seed: optuna.samplers.TPESampler(
        n_startup_trials=wanted.warmup_trials, seed=seed, constant_liar=True
    ),
    "random": lambda wanted, seed: optuna.samplers.RandomSampler(seed=seed),
    "cmaes": lambda wanted, seed: optuna.samplers.CmaEsSampler(n_startup_trials=wanted.warmup_trials, seed=seed),
    "grid": lambda wanted, seed: optuna.samplers.RandomSampler(seed=seed),  # its points are given, not sampled
}
PRUNERS = {
    "median": lambda recipe: optuna.pruners.MedianPruner(recipe.tune.warmup_trials, recipe.tune.warmup_epochs),
    "hyperband": lambda recipe: optuna.pruners.HyperbandPruner(max_resource=recipe.fit.epochs),
    "none": lambda recipe: optuna.pruners.NopPruner(),
}


@dataclass(frozen=True)
class Tuned:
    """What came out.

    Args:
        study: its name.
        run_id: of the study.
        counts: state -> number of trials that count.
        best: runs of the best trials: one, or the Pareto front of several objectives, the first objective's best first.
    """

    study: str
    run_id: str
    counts: dict[str, int]
    best: tuple[str, ...]


def tune(recipe: Recipe) -> Tuned:
    """Begin a study, or go on with it, until it has all its trials.

    Args:
        recipe: what is trained, with the space and all else in its section `tune`.

    Raises:
        UserError: a faulty space, another space than that of the study, or a database that is away.
        KeyboardInterrupt: stopped by the user; the same command goes on.
    """
    space = read_space(recipe)
    checked(recipe)
    storage = open_storage(recipe.tune)
    study = _study(recipe, space, storage)
    run_id = study.user_attrs.get(RUN)
    tags = {KIND: TUNE, "mlflow.runName": f"study {study.study_name}", "hpapipe.experiment": recipe.experiment}
    with runs.running(recipe.experiment, tags, run_id) as run:
        study.set_user_attr(RUN, run.id)
        keep_recipe(run, recipe)
        _enqueue(recipe, space, study)
        _work(recipe, space, study, run)
        return _finish(study, run)


def _study(recipe: Recipe, space: Sequence[Dimension], storage: Storage) -> optuna.Study:
    wanted = recipe.tune
    study = optuna.create_study(
        storage=storage,
        study_name=wanted.study or recipe.experiment,
        sampler=SAMPLERS[wanted.sampler](wanted, wanted.seed),
        pruner=PRUNERS[wanted.pruner](recipe),
        directions=["maximize"] * len(wanted.objectives),
        load_if_exists=True,
    )
    told = json.dumps([[*map(str, (each.option, each.extremes, each.log, each.step, each.when))] for each in space])
    before = study.user_attrs.get(SPACE)
    if before is None:
        study.set_user_attr(SPACE, told)
        study.set_metric_names(list(wanted.objectives))
    elif before != told:
        rule = "A study must keep its space."
        received = f"another one than that of `{study.study_name}` in {wanted.storage}"
        raise UserError(rule, received, "Take the old one, or give another name with --tune.study.")
    return study


def _enqueue(recipe: Recipe, space: Sequence[Dimension], study: optuna.Study) -> None:
    """Let as many trials wait as are missing."""
    if recipe.tune.sampler == "grid":
        for point in grid(space):
            study.enqueue_trial(point, skip_if_exists=True)
        return
    there = sum(is_settled(trial) for trial in study.get_trials(deepcopy=False))
    for _ in range(recipe.tune.trials - there):
        study.enqueue_trial({})


def _work(recipe: Recipe, space: Sequence[Dimension], study: optuna.Study, run: Run) -> None:
    bench, begun = Bench(recipe, space, run), time.monotonic()
    total = sum(is_settled(trial) for trial in study.get_trials(deepcopy=False))
    with bar("Trials", total) as advance:
        ended = _ended(study)
        advance(ended)
        while recipe.tune.seconds is None or time.monotonic() - begun < recipe.tune.seconds:
            try:
                study.optimize(bench, n_trials=1, catch=(TrialError,))
            except ExhaustedError:
                if not study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                    break
                time.sleep(recipe.tune.heartbeat / 3)
                give_up_stale(study)
            except KeyboardInterrupt:
                _put_back(study)
                say("\nStopped. Every finished trial is kept, and the one at hand goes on from its last epoch.")
                say("Next: the same command again")
                raise
            ended, before = _ended(study), ended
            advance(ended - before)


def _ended(study: optuna.Study) -> int:
    done = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return sum(is_settled(trial) for trial in study.get_trials(deepcopy=False, states=done))


def _put_back(study: optuna.Study) -> None:
    """Let the trial that the user has just stopped wait again."""
    last = [trial for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)) if not is_settled(trial)]
    if last:
        again(study, max(last, key=lambda trial: trial.number))


def _finish(study: optuna.Study, run: Run) -> Tuned:
    trials = study.get_trials(deepcopy=False)
    counts = {state.name.lower(): 0 for state in TrialState}
    for trial in trials:
        counts[trial.state.name.lower()] += is_settled(trial)
    run.table("trials", study.trials_dataframe(attrs=("number", "state", "values", "params", "user_attrs")))
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not complete and not counts["waiting"]:
        reasons = [trial.user_attrs.get("hpapipe.reason", "") for trial in trials]
        raise UserError("A study must complete one trial at least.", f"none of {len(trials)}; {reasons[0]}", "Mend it.")
    best = [study.best_trial] if len(study.directions) == 1 and complete else study.best_trials if complete else []
    return Tuned(study.study_name, run.id, counts, tuple(trial.user_attrs[RUN] for trial in best))
