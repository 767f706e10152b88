"""What a study and its tracking cost a trial: `python benchmarks/trials.py`.

In one process, in turns, the same training of simulated cells, a few seconds long:

bare     A network built, compiled, fed, trained with a validation after each epoch, asked, its thresholds set and its
         answers scored: no MLflow, no Optuna.
beaten   The same as a trial that an earlier one beats, as most are, by what a worker of `hpapipe tune` does.
best     The same as a trial that none beats: its figures and a Version are logged too.

Optuna's database and MLflow's are SQLite files beside each other in a folder for temporary files. What is done once for
all trials of a worker is counted to none: imports, checks, split, pack. The state on disk, by which a training can be
gone on with, is written in all three, so it is no part of the differences; the last lines count it in.

The study searches options that the recipe makes no use of: sampler and pruner have their work, and every trial is the
same training. Where its macro F1 differs from that of the bare training, the benchmark stops.

Prints medians of the turns, with the least and the most, and of processor time, which a busy machine upsets less. An
overhead compares neighbours in time. Parts are clocked calls; a call within another counts to the outer one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from epochs import in_turns
from parts import CALLS, MLFLOW, OPTUNA, STATE, Clocked, Meter

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.quiet import import_quietly, quiet

if TYPE_CHECKING:
    from hpapipe.tracking.runs import Run
    from hpapipe.workflows.material import Material

PROMISE = 1.0  # seconds a trial
OUT_OF_REACH = 1.0  # a macro F1
RECIPE: dict[str, Any] = {
    "experiment": "trials",
    "register_as": "trials",
    "simulate": {"fields": 240, "size": 64},
    "data": {"size": 32},
    "feed": {"draw": "shuffled"},
    "model": {"options": {"width": 8, "blocks": [1, 1]}},
    "fit": {"patience": 0},
    "tune": {
        "warmup_trials": 1,
        "space": {
            "fit.momentum": {"low": 0.5, "high": 0.99},  # of sgd
            "fit.decay": {"low": 0.0, "high": 1.0},  # of the inverse schedule
            "fit.focal_gamma": {"low": 1.0, "high": 4.0},  # of the focal loss
            "feed.balance": {"low": 0.0, "high": 1.0},  # of balanced drawing
            "answer.crops": {"low": 1, "high": 8},  # of crops
            "answer.join": ["mean", "maximum"],  # likewise
        },
    },
}
BARE, BEATEN, BEST = "bare", "beaten", "best"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=8, help="even, so that drifts cancel")
    parser.add_argument("--epochs", type=int, default=10, help="of a training")
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    import mlflow

    from hpapipe.tracking import runs

    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        mlflow.set_tracking_uri("sqlite:///mlflow.db")
        recipe = config.changed(config.parse(RECIPE), {"fit.epochs": given.epochs, "tune.trials": given.turns + 2})
        print(f"{given.epochs} epochs of {recipe.simulate.fields} fields, {os.cpu_count()} cores", flush=True)
        with runs.running(recipe.experiment, {}) as run:
            measure(recipe, run, given.turns)
        os.chdir("/")


def measure(recipe: Recipe, run: Run, turns: int) -> None:
    """Train in turns, and print what came out."""
    from hpapipe.workflows.material import ready

    meter = Meter()
    material = ready(recipe, run)
    works = {
        BARE: Clocked(partial(bare, material), meter),
        BEATEN: Clocked(trial_of(config.changed(recipe, {"tune.study": BEATEN}), run, beaten=True), meter),
        BEST: Clocked(trial_of(config.changed(recipe, {"tune.study": BEST}), run, beaten=False), meter),
    }
    with meter.installed():
        in_turns(works, 1)
        for work in works.values():
            work.parts.clear()
        taken = in_turns(works, turns)
    scores = {score for each in taken.values() for score in each[:, 2]}
    assert len(scores) == 1, f"not the same training: macro F1 {scores}"
    show(taken, {name: work.parts for name, work in works.items()}, recipe.fit.epochs)


def bare(material: Material) -> float:
    """The macro F1 of a training that leaves no trace."""
    import keras

    from hpapipe.imageset.feed import Feed
    from hpapipe.imageset.reading import Reading
    from hpapipe.tasks import classification as task
    from hpapipe.tasks.classifier import ask
    from hpapipe.tasks.part import parts_of
    from hpapipe.training.fit import compile_model, fit
    from hpapipe.training.losses import loss

    recipe, images, split = material.recipe, material.images, material.split
    part, fold, truth = parts_of(recipe)[0], recipe.split.runs[0], material.prepared.images.truth
    train, held_out, member = split.train(fold), split.valid(fold), task.member(recipe, part, fold)
    keras.utils.set_random_seed(recipe.seed)
    network = task.network(recipe, part, images, train)
    feed = Feed(images, part.targets(truth), train, recipe.feed, recipe.seed, size=recipe.data.size)
    compile_model(network, recipe.fit, loss(recipe.fit, part.one_output), recipe.fit.epochs * len(feed))
    reading = Reading(images, held_out, feed.batch_size, member.view)

    def validate() -> dict[str, float]:
        return task.epoch_numbers(recipe, part, network.loss, truth[held_out], network.predict(reading, verbose=0))

    with tempfile.TemporaryDirectory() as place:
        fit(network, feed, validate, recipe.fit, Path(place), lambda row: None)
    answers = task.Answers(
        ids=tuple(material.prepared.images.ids[field] for field in held_out),
        folds=split.folds[held_out],
        truth=truth[held_out],
        scores=ask(network, images, held_out, feed.batch_size, member, recipe.answer.turns, recipe.answer.join),
        groups=material.prepared.together[held_out],
        train_share=truth[train].mean(0),
    )
    return task.score(recipe, answers, task.decision(recipe, answers)[0]).numbers["macro_f1"]


def trial_of(recipe: Recipe, run: Run, beaten: bool) -> Callable[[], float]:
    """What trains one trial more of a new study, and gives its value.

    Args:
        recipe: with the study's name.
        run: the study's.
        beaten: the study has a trial whose value is out of reach.
    """
    from hpapipe.workflows import tune_study
    from hpapipe.workflows.space import read_space
    from hpapipe.workflows.tune_trial import Bench, TrialError, suggested

    space = read_space(recipe)
    tune_study.make(recipe, space).fill(recipe.tune.trials)
    study = tune_study.find(recipe).study
    if beaten:
        first = study.ask()
        suggested(space, first)
        study.tell(first, OUT_OF_REACH)
    bench = Bench(recipe, space, run, "benchmark")

    def trial() -> float:
        study.optimize(bench, n_trials=1, catch=(TrialError,))
        bench.clear()
        ended = [each for each in study.get_trials(deepcopy=False) if each.state.is_finished()]
        assert ended[-1].value is not None, f"trial {ended[-1].number} is not complete: {ended[-1].user_attrs}"
        return float(ended[-1].value)

    return trial


def show(taken: Mapping[str, np.ndarray], parts: Mapping[str, list[dict[str, np.ndarray]]], epochs: int) -> None:
    """Print all figures, trials beside each other."""
    trials = (BEATEN, BEST)

    def spent(part: str) -> list[np.ndarray]:
        return [np.array([turn.get(part, np.zeros(2)) for turn in parts[name]]) for name in trials]

    row("seconds a trial", [], "".join(f"{name:>26}{'processor':>11}" for name in trials))
    row("a bare training", [taken[BARE]] * 2)
    row("a trial", [taken[name] for name in trials])
    row("overhead", over := [(taken[name] - taken[BARE])[:, :2] for name in trials])
    row("\nwhere it goes, by clocked calls", [])
    own = [part for part in (*CALLS, OPTUNA, MLFLOW) if part != STATE]
    for part in own:
        row(part, spent(part))
    row("all of these", clocked := [np.sum(columns, axis=0) for columns in zip(*map(spent, own), strict=True)])
    row("… of them an epoch, each", [each / epochs for each in spent(own[0])])
    row("\nwith the state on disk", [])
    row(STATE, kept := spent(STATE))
    row("overhead", [each + state for each, state in zip(over, kept, strict=True)])
    row("all clocked calls", [each + state for each, state in zip(clocked, kept, strict=True)])
    under = [np.median(each[:, 0]) < PROMISE for each in over]
    told = (f"{name} {'kept' if so else 'NOT KEPT'}" for name, so in zip(trials, under, strict=True))
    print(f"\nunder {PROMISE:g} s a trial: {', '.join(told)}")


def row(what: str, columns: list[np.ndarray], told: str = "") -> None:
    """Print a median (least to most) of seconds and a median of processor's for each of `columns`, `[turns, 2]`."""
    for each in columns:
        (low, _), (mid, processor), (high, _) = np.quantile(each[:, :2], [0, 0.5, 1], axis=0)
        told += f"{f'{mid:.3f} ({low:.3f} to {high:.3f})':>26}{processor:11.3f}"
    print(f"{what:36}{told}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
