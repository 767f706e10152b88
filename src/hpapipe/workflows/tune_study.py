"""A study in its database: made once, found again, with Optuna's samplers and pruners by their names in recipes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
import optuna

from hpapipe.config import Recipe, Tune
from hpapipe.errors import UserError
from hpapipe.tracking.store import without_password
from hpapipe.workflows.space import Dimension
from hpapipe.workflows.tune_queue import Queue
from hpapipe.workflows.tune_storage import locked, open_storage

SPACE = "hpapipe.space"
"""Attribute of a study: its space and its objectives, by which it is known to be the same."""

RECIPE = "hpapipe.recipe"
"""Attribute of a study: names all other options of its recipe."""

SAMPLERS: dict[str, Callable[[Tune, int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda tune, seed: optuna.samplers.TPESampler(n_startup_trials=tune.warmup_trials, seed=seed),
    "random": lambda tune, seed: optuna.samplers.RandomSampler(seed=seed),
    "cmaes": lambda tune, seed: optuna.samplers.CmaEsSampler(
        n_startup_trials=tune.warmup_trials, seed=seed, warn_independent_sampling=False
    ),
    "grid": lambda tune, seed: optuna.samplers.RandomSampler(seed=seed),  # its points are given, not sampled
}
PRUNERS: dict[str, Callable[[Recipe], optuna.pruners.BasePruner]] = {
    "median": lambda recipe: optuna.pruners.MedianPruner(recipe.tune.warmup_trials, recipe.tune.warmup_epochs),
    "hyperband": lambda recipe: optuna.pruners.HyperbandPruner(max_resource=recipe.fit.epochs),
    "none": lambda recipe: optuna.pruners.NopPruner(),
}


def sampler(tune: Tune, number: int) -> optuna.samplers.BaseSampler:
    """The sampler of the trial `number`: its chance depends on that alone, not on who trains it or when.

    Several workers whose samplers had one seed would begin with the same points.
    """
    seed = np.random.SeedSequence([tune.seed, number]).generate_state(1)[0]
    return SAMPLERS[tune.sampler](tune, int(seed))


def make(recipe: Recipe, space: Sequence[Dimension]) -> Queue:
    """The study that a recipe names, made where it does not exist yet.

    Raises:
        UserError: the database is away, or the study has another space.
    """
    storage = open_storage(recipe.tune)
    name = name_of(recipe)
    with locked(storage, name):
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=["maximize"] * len(recipe.tune.objectives),
            load_if_exists=True,
        )
        told = json.dumps([list(recipe.tune.objectives), [each.told for each in space]])
        before = study.user_attrs.get(SPACE)
        if before is None:
            study.set_metric_names(list(recipe.tune.objectives))
            study.set_user_attr(RECIPE, _key(recipe))
            study.set_user_attr(SPACE, told)
        elif study.user_attrs[RECIPE] != _key(recipe):
            received = f"options outside of `tune` that are not those of `{name}`"
            remedy = "Give those that it was begun with, or another name with --tune.study."
            raise UserError("A study must keep its recipe.", received, remedy)
        elif before != told:
            received = f"other ones than those of `{name}` in {without_password(recipe.tune.storage)}"
            remedy = "Take the old ones, or give another name with --tune.study."
            raise UserError("A study must keep its space and its objectives.", received, remedy)
    return Queue(study, storage, recipe.tune.retries)


def _key(recipe: Recipe) -> str:
    """Differs where trials of two recipes cannot be compared; folders may differ from machine to machine."""
    tree = recipe.model_dump(mode="json", exclude={"tune": True, "workspace": True, "data": {"folder"}})
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]


def find(recipe: Recipe) -> Queue:
    """The study that a recipe names, as a worker trains for it.

    Raises:
        UserError: the database is away.
    """
    storage = open_storage(recipe.tune)
    study = optuna.load_study(
        storage=storage,
        study_name=name_of(recipe),
        sampler=sampler(recipe.tune, 0),
        pruner=PRUNERS[recipe.tune.pruner](recipe),
    )
    return Queue(study, storage, recipe.tune.retries)


def name_of(recipe: Recipe) -> str:
    """The study's name."""
    return recipe.tune.study or recipe.experiment
