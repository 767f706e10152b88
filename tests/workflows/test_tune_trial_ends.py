"""How trials end: kept or beaten, out of time, failed with a reason, or to be tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from hpapipe import config
from hpapipe.errors import AwayError, UserError
from hpapipe.tracking.runs import Run
from hpapipe.workflows import tune_study, tune_trial
from hpapipe.workflows.material import Material
from hpapipe.workflows.train import Outcome
from hpapipe.workflows.tune_queue import REASON, RUN, STOPPED
from hpapipe.workflows.tune_trial import Bench, TrialError
from tuned import HERE, Study, begun, tracked

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


@pytest.fixture
def played(store: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Study]:
    """Begins a study whose trials are not trained: `train(recipe, watch, keeps, run)` stands for that."""

    def play(train: Callable[..., Any], **tune: Any) -> Study:
        def train_on(material: Material, run: Run, watch: Any, keeps: Any) -> Outcome:
            scores: Outcome = train(recipe=material.recipe, run=run, watch=watch, keeps=keeps)
            return scores

        monkeypatch.setattr(tune_trial, "train_on", train_on)
        monkeypatch.setattr(tune_trial, "ready", lambda recipe, run: Material(recipe, None, None, None))  # type: ignore[arg-type]
        monkeypatch.setattr(tune_trial, "identify", lambda material, run: None)
        space = {"fit.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}
        settings = {"space": space, "sampler": "random", "pruner": "none", **tune}
        return begun(config.parse({"experiment": "small", "tune": settings}))

    return play


def outcome(macro_f1: float = 0.5, images_per_second: float = 10.0) -> Outcome:
    return Outcome("", "small", "", macro_f1, 0.0, 1.0, images_per_second, "Macro F1", "fields")


def trained(small: Study, count: int = 1) -> list[FrozenTrial]:
    """The next trials, wherever the sampler puts them."""
    small.queue.fill(len(small.queue.counted()) + count)
    small.queue.study.optimize(small.bench, n_trials=count, catch=(TrialError,))
    return small.queue.trials[-count:]


TWO = {"objectives": ["macro_f1", "images_per_second"]}


@pytest.mark.parametrize(
    ("tune", "outcomes", "kept"),
    [
        ({}, [(0.5, 1), (0.4, 9), (0.5, 1), (0.6, 1), (0.55, 9)], [True, False, True, True, False]),
        ({"keep": "all"}, [(0.5, 1), (0.4, 9), (0.0, 0)], [True, True, True]),
        (TWO, [(0.5, 50), (0.4, 60), (0.4, 50), (0.5, 50), (0.6, 10), (0.5, 49), (0.45, 55)],
         [True, True, False, True, True, False, True]),
    ],
    ids=["one objective", "all", "two objectives"],
)  # fmt: skip
def test_what_none_beat_is_kept(
    played: Callable[..., Study], tune: dict[str, Any], outcomes: Sequence[tuple[float, float]], kept: list[bool]
) -> None:
    """By the trials before it, an equal one too; of two objectives, what none beats in both."""
    coming, answers = iter(outcomes), []

    def train(keeps: Callable[[Outcome], bool], **_: Any) -> Outcome:
        came = outcome(*next(coming))
        answers.append(keeps(came))
        return came

    trials = trained(played(train, **tune), len(outcomes))
    assert answers == kept
    count = len(tune.get("objectives", ["macro_f1"]))
    assert [tuple(trial.values) for trial in trials] == [each[:count] for each in outcomes]


def test_epochs_of_two_objectives_are_not_reported(played: Callable[..., Study]) -> None:
    """Optuna takes none, and could not tell which to stop for."""

    def train(watch: Any, **_: Any) -> Outcome:
        watch(1, {"macro_f1": 0.3})
        return outcome(0.5, 20)

    (trial,) = trained(played(train, **TWO))
    assert (trial.state, trial.values, trial.intermediate_values) == (COMPLETE, [0.5, 20], {})


@pytest.mark.parametrize("tune", [{}, TWO], ids=["one objective", "two objectives"])
def test_a_trial_out_of_its_time_is_stopped(played: Callable[..., Study], tune: dict[str, Any]) -> None:
    """After the epoch in which the time ran out, and no earlier."""

    def train(watch: Any, **_: Any) -> Outcome:
        watch(4, {"macro_f1": 0.3})
        raise AssertionError

    (trial,) = trained(played(train, trial_seconds=1e-9, **tune))
    assert (trial.state, trial.user_attrs[REASON]) == (PRUNED, "out of its 1e-09 s after epoch 4")
    (trial,) = trained(
        played(lambda watch, **_: watch(4, {"macro_f1": 0.3}) or outcome(), trial_seconds=1e4, study="b")
    )
    assert trial.state == COMPLETE


def exhausted() -> Exception:
    import tensorflow as tf

    return tf.errors.ResourceExhaustedError(None, None, "failed to allocate memory")


ERRORS: dict[str, Callable[[], Exception]] = {
    "out of memory: MemoryError: ": MemoryError,
    "out of memory: ResourceExhaustedError: failed to allocate memory": exhausted,
    "out of memory: RuntimeError: OOM when allocating tensor": lambda: RuntimeError("OOM when\n  allocating tensor"),
    "ValueError: shapes do not fit": lambda: ValueError("shapes do not fit"),
    "A rule. Received nothing. Mend it.": lambda: UserError("A rule.", "nothing", "Mend it.", ["details"]),
}
"""Reason of a failed trial -> the error in its training."""


def test_a_trial_that_cannot_be_trained_fails_alone(played: Callable[..., Study]) -> None:
    """With its reason, and a failed run; it is not tried again, and the study goes on."""
    coming = iter(ERRORS.values())

    def train(**_: Any) -> Outcome:
        if error := next(coming, None):
            raise error()
        return outcome()

    small = played(train)
    *failed, last = trained(small, len(ERRORS) + 1)
    assert [trial.user_attrs[REASON] for trial in failed] == list(ERRORS)
    assert {trial.state for trial in failed} == {FAIL}
    assert {tracked(trial).info.status for trial in failed} == {"FAILED"}
    assert last.state == COMPLETE
    small.queue.put_back(HERE)
    small.queue.fill(len(ERRORS) + 1)
    assert len(small.queue.trials) == len(ERRORS) + 1


@pytest.mark.parametrize(
    ("error", "status"),
    [(AwayError("A store must answer.", "none", "Wait."), "FAILED"), (KeyboardInterrupt(), "KILLED")],
    ids=["away", "stopped"],
)
def test_a_trial_that_was_interrupted_waits_again(
    played: Callable[..., Study], error: BaseException, status: str
) -> None:
    """It has no reason of its own, and is tried again however few workers may die of it."""

    def train(**_: Any) -> Outcome:
        raise error

    small = played(train, retries=0)
    with pytest.raises(type(error)):
        trained(small)
    (owed,) = small.queue.trials
    assert (owed.state, owed.user_attrs[STOPPED], REASON in owed.user_attrs) == (FAIL, True, False)
    assert tracked(owed).info.status == status
    small.queue.put_back(HERE)
    assert [trial.state for trial in small.queue.counted()] == [TrialState.WAITING]


def test_another_error_ends_the_worker(played: Callable[..., Study]) -> None:
    """Such as a full disk: the next trial would meet it too."""

    def train(**_: Any) -> Outcome:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        trained(played(train))


def test_a_trial_whose_run_was_lost_goes_on_in_a_new_one(played: Callable[..., Study]) -> None:
    """As where MLflow's store was made anew since."""
    small = played(lambda **_: outcome())
    lost = optuna.create_trial(state=TrialState.WAITING, user_attrs={RUN: "f" * 32})
    small.queue.study.add_trial(lost)
    trial = small.train()
    assert (trial.state, trial.user_attrs[RUN]) == (COMPLETE, small.runs[0].id)


def test_a_material_is_prepared_once_for_all_trials_that_share_it(played: Callable[..., Study]) -> None:
    """Another size or another way to read needs another; each trial sees its own recipe."""
    small = played(lambda **_: outcome())
    recipe = small.bench.recipe
    others: list[dict[str, Any]] = [
        {"fit.epochs": 7},
        {"feed.flips": False},
        {"data.size": 64},
        {"feed.source": "files"},
        {"split.seed": 3},
    ]
    for change in others:
        changed = config.changed(recipe, change)
        assert small.bench.material(changed).recipe == changed
    assert len(small.bench.materials) == 4


def test_points_depend_on_the_number_of_the_trial_alone(
    played: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers' trials are at the points at which one worker's would have been; another seed gives others."""
    monkeypatch.setattr(tune_trial, "_trained", lambda *_: outcome())
    one, two, other = (played(None, study=name, seed=name == "c") for name in "abc")
    alone = [trial.params for trial in trained(one, 4)]
    second = Study(tune_study.find(two.bench.recipe), Bench(two.bench.recipe, two.bench.space, two.bench.parent, "b:2"))
    for worker in (two, second, second, two):
        trained(worker)
    assert [trial.params for trial in two.queue.trials] == alone
    assert len({trial["fit.learning_rate"] for trial in alone}) == 4
    assert trained(other)[0].params != alone[0]
