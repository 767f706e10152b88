"""A worker: which trials it takes, and what it leaves when it stops."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.study import _optimize
from optuna.trial import FrozenTrial, TrialState

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import AwayError
from hpapipe.workflows import tune_study, tune_worker
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import DEATHS, REASON, STOPPED, WORKER, Queue
from hpapipe.workflows.tune_storage import Storage
from hpapipe.workflows.tune_trial import TrialError
from hpapipe.workflows.tune_worker import GROWN, work

pytestmark = pytest.mark.parametrize("shared_database", ["sqlite"], indirect=True)

AWAY = AwayError("The tracking store must answer.", "silence", "Start it.")


class Bench:
    """Stands for the trainings: each does what is next in `acts`, and scores 0.5 where that returns."""

    acts: list[Callable[[Bench, optuna.Trial], object]]
    cleared: list[int]

    def __init__(self, recipe: Recipe, space: object, parent: object, worker: str) -> None:
        self.worker, self.lost, self.number = worker, False, -1
        self.place: Path | None = None
        self.given = (recipe, space, parent)

    def __call__(self, trial: optuna.Trial) -> float:
        trial.set_user_attr(WORKER, self.worker)
        self.number = trial.number
        if self.acts:
            self.acts.pop(0)(self, trial)
        return 0.5

    def clear(self) -> None:
        self.cleared.append(self.number)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> type[Bench]:
    """In the place of the worker's; the study's run is not looked up."""
    bench = type("OfThisTest", (Bench,), {"acts": [], "cleared": []})
    monkeypatch.setattr(tune_worker, "Bench", bench)
    monkeypatch.setattr(tune_worker, "runs", SimpleNamespace(find=lambda run: f"run {run}"))
    return bench


@pytest.fixture
def recipe(shared_database: str, request: pytest.FixtureRequest) -> Recipe:
    """Of a study of the test's own, without retries."""
    tune = {"storage": shared_database, "space": {"fit.learning_rate": [0.1]}, "retries": 0, "patience": 5}
    return config.parse({"experiment": request.node.name.replace("[", " ").replace("]", ""), "tune": tune})


@pytest.fixture
def queue(recipe: Recipe, opening: Any, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Of that study, with three trials that wait."""
    monkeypatch.setattr(tune_study, "open_storage", opening)
    made = tune_study.make(recipe, read_space(recipe))
    made.fill(3)
    return made


@pytest.fixture
def timed(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock, in the place of the worker's."""
    monkeypatch.setattr(tune_worker, "time", clock)
    return clock


def states(queue: Queue) -> list[str]:
    return [trial.state.name for trial in queue.trials]


def stopped_by(error: BaseException) -> Callable[[Bench, optuna.Trial], None]:
    """What the real bench leaves of a training that is to be tried again."""

    def act(bench: Bench, trial: optuna.Trial) -> None:
        trial.set_user_attr(STOPPED, True)
        raise error

    return act


def test_a_worker_takes_all_that_wait(recipe: Recipe, queue: Queue, bench: type[Bench]) -> None:
    """One after the other, signs them, and clears up after each; a second worker finds nothing to do."""
    assert work(recipe, "0123", "me") == ""
    assert [(trial.value, trial.user_attrs[WORKER]) for trial in queue.trials] == [(0.5, "me")] * 3
    assert bench.cleared == [0, 1, 2]
    assert work(recipe, "0123", "you") == ""
    assert states(queue) == ["COMPLETE"] * 3


def test_a_trial_that_cannot_be_trained_ends_no_worker(recipe: Recipe, queue: Queue, bench: type[Bench]) -> None:
    """Nor does one that is pruned; the next is taken."""

    def fail(_: Bench, trial: optuna.Trial) -> None:
        trial.set_user_attr(REASON, "exploded")
        raise TrialError("exploded")

    def prune(_: Bench, trial: optuna.Trial) -> None:
        raise optuna.TrialPruned

    bench.acts = [fail, prune]
    assert work(recipe, "0123", "me") == ""
    assert states(queue) == ["FAIL", "PRUNED", "COMPLETE"]
    assert bench.cleared == [0, 1, 2]


@pytest.mark.parametrize(("grown", "left"), [(GROWN - 1, 1), (GROWN, 2)])
def test_a_worker_that_has_grown_too_large_ends(
    recipe: Recipe, queue: Queue, bench: type[Bench], monkeypatch: pytest.MonkeyPatch, grown: int, left: int
) -> None:
    """After the trial at hand, and without a fault; the rest waits for the next worker."""
    sizes = iter([5, 5, 5 + grown, 5 + GROWN, 5 + GROWN])
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=next(sizes)))
    monkeypatch.setattr(tune_worker.psutil, "Process", lambda: process)
    assert work(recipe, "0123", "me") == ""
    assert states(queue).count("WAITING") == left


def test_a_worker_whose_command_is_gone_ends(
    recipe: Recipe, queue: Queue, bench: type[Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the trial at hand: nobody could stop it."""
    monkeypatch.setattr(tune_worker, "is_abandoned", lambda: bench.cleared == [0])
    assert work(recipe, "0123", "me") == ""
    assert states(queue) == ["COMPLETE", "WAITING", "WAITING"]


def test_ctrl_c_in_a_training_lets_the_trial_wait(recipe: Recipe, queue: Queue, bench: type[Bench]) -> None:
    """It goes on from its last epoch, so nothing is cleared; it is no death of a worker."""
    bench.acts = [stopped_by(KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        work(recipe, "0123", "me")
    assert states(queue) == ["FAIL", "WAITING", "WAITING", "WAITING"]
    assert queue.trials[3].system_attrs[DEATHS] == 0
    assert bench.cleared == []


def test_ctrl_c_beside_the_training_lets_the_trial_wait(
    recipe: Recipe, queue: Queue, bench: type[Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Optuna does not notice it, and stumbles over it: as while it writes the value."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("optuna.study._optimize._tell_with_warning", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(recipe, "0123", "me")
    assert states(queue) == ["FAIL", "WAITING", "WAITING", "WAITING"]
    assert queue.trials[3].system_attrs[DEATHS] == 0


@pytest.mark.parametrize("back", [True, False], ids=["back at once", "back a moment later"])
def test_a_value_that_could_not_be_written_is_trained_for_again(
    recipe: Recipe, queue: Queue, bench: type[Bench], timed: Any, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """The database was away for longer than its patience, and Optuna stumbles over that too; it ends no worker."""
    tell, get = _optimize._tell_with_warning, Storage.get_trial
    faults: list[bool] = []

    def untold(*words: Any, **options: Any) -> Any:
        if faults:
            return tell(*words, **options)
        faults.append(True)
        raise AWAY

    def unread(self: Storage, number: int) -> FrozenTrial:
        if len(faults) == 1 and not back:
            faults.append(True)
            raise AWAY
        return get(self, number)

    monkeypatch.setattr(_optimize, "_tell_with_warning", untold)
    monkeypatch.setattr(Storage, "get_trial", unread)
    assert work(recipe, "0123", "me") == ""
    assert len(faults) == 2 - back
    assert states(queue) == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert bench.cleared == [1, 2, 3]


def test_a_store_that_is_away_for_a_while_is_sat_out(
    recipe: Recipe, queue: Queue, bench: type[Bench], timed: Any
) -> None:
    """The trial at hand waits again, and all come to their end; each absence has the whole patience."""
    away = stopped_by(AWAY)
    bench.acts = [*[away] * 5, lambda *_: None, *[away] * 5]
    assert work(recipe, "0123", "me") == ""
    assert [state for state in states(queue) if state != "FAIL"] == ["COMPLETE"] * 3
    assert timed.slept == [1] * 10
    assert len(queue.counted()) == 3
    assert len(bench.cleared) == 3


def test_a_store_that_stays_away_ends_the_worker(recipe: Recipe, queue: Queue, bench: type[Bench], timed: Any) -> None:
    """After `tune.patience` seconds; no trial is lost."""
    bench.acts = [stopped_by(AWAY)] * 10
    with pytest.raises(AwayError, match="tracking store"):
        work(recipe, "0123", "me")
    assert sum(timed.slept) == 6
    assert {trial.state for trial in queue.counted()} == {TrialState.WAITING}
    assert len(queue.counted()) == 3
    assert bench.cleared == []


@pytest.mark.parametrize(("misses", "begins"), [(6, True), (7, False)])
def test_a_worker_begins_when_its_databases_answer(
    recipe: Recipe,
    queue: Queue,
    bench: type[Bench],
    timed: Any,
    monkeypatch: pytest.MonkeyPatch,
    misses: int,
    begins: bool,
) -> None:
    """One that takes another's place meanwhile is as patient as that one would have been."""
    tries = itertools.count()

    def find(run: str) -> str:
        if next(tries) < misses:
            raise AWAY
        return run

    monkeypatch.setattr(tune_worker, "runs", SimpleNamespace(find=find))
    if begins:
        assert work(recipe, "0123", "me") == ""
    else:
        with pytest.raises(AwayError):
            work(recipe, "0123", "me")
    assert states(queue) == (["COMPLETE"] if begins else ["WAITING"]) * 3
    assert sum(timed.slept) == 6


def test_a_trial_that_is_another_workers_now_is_left_to_it(
    recipe: Recipe, queue: Queue, bench: type[Bench], tmp_path: Path
) -> None:
    """This worker was thought to be dead. What the trial keeps to go on with is the other's; a later slip is one."""
    places: list[object] = []

    def be_lost(bench: Bench, trial: optuna.Trial) -> None:
        bench.lost, bench.place = True, tmp_path
        queue.give_up("me", "slept")
        trial.set_user_attr("epochs", 3)

    def slip(bench: Bench, trial: optuna.Trial) -> None:
        places.append(bench.place)
        raise ValueError("a slip")

    bench.acts = [be_lost, lambda *_: None, slip]
    queue.fill(4)
    with pytest.raises(ValueError, match="a slip"):
        work(recipe, "0123", "me")
    assert states(queue) == ["FAIL", "COMPLETE", "FAIL", "WAITING"]
    assert places == [None]
    assert bench.cleared == [1]


def test_a_fault_of_ours_ends_the_worker(recipe: Recipe, queue: Queue, bench: type[Bench]) -> None:
    """It is told in the log, and the command lets another begin."""
    queue.fill(4)
    for error in (IndexError, ValueError, UnboundLocalError, AssertionError):

        def slip(*_: object, error: type[Exception] = error) -> None:
            raise error("a slip")

        bench.acts = [slip]
        with pytest.raises(error, match="a slip"):
            work(recipe, "0123", "me")
