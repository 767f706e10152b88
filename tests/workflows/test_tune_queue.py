"""The trials of a study: no more than were asked for, none lost and none counted twice, whoever dies when."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import optuna
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from optuna.distributions import FloatDistribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState

from hpapipe.workflows.tune_queue import DEATHS, HISTORY, REASON, RUN, STOPPED, WORKER, Queue
from hpapipe.workflows.tune_storage import ExhaustedError, Storage

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage", "ignore:The reported value is ignored")

Open = Callable[..., Queue]
WAITING, RUNNING, FAIL = TrialState.WAITING, TrialState.RUNNING, TrialState.FAIL
KILLED = "was ended by signal 9"


def begin(queue: Queue, worker: str = "") -> optuna.Trial:
    """The next trial, as a worker takes it."""
    trial = queue.study.ask()
    if worker:
        trial.set_user_attr(WORKER, worker)
    return trial


def states(queue: Queue) -> list[str]:
    return [trial.state.name for trial in queue.trials]


def fail(queue: Queue, trial: optuna.Trial) -> FrozenTrial:
    """What is left where a process is killed after it failed a trial, and before it let it be tried again."""
    queue.storage.set_trial_state_values(trial._trial_id, FAIL)
    return queue.trials[trial.number]


def silence(queue: Queue, trial: optuna.Trial, seconds: float) -> None:
    """Let the last sign of life of a trial be so much older."""
    with contextlib.closing(queue.storage.scoped_session()) as session:
        row = session.query(models.TrialHeartbeatModel).filter_by(trial_id=trial._trial_id).one()
        row.heartbeat -= timedelta(seconds=seconds)
        session.commit()


def test_a_study_is_filled_to_its_total(opened: Open) -> None:
    """Again only with what is missing, whatever has become of the others; a lower total takes none away."""
    queue = opened()
    for total, count in ((3, 3), (3, 3), (2, 3)):
        queue.fill(total)
        assert states(queue) == ["WAITING"] * count
    queue.study.tell(begin(queue), 0.5)
    begin(queue).set_user_attr(REASON, "exploded")
    queue.study.tell(1, state=FAIL)
    begin(queue)
    opened().fill(5)
    assert states(queue) == ["COMPLETE", "FAIL", "RUNNING", "WAITING", "WAITING"]
    queue.fill(5)
    assert len(queue.counted()) == len(queue.trials) == 5


def test_two_that_fill_a_study_at_once_make_no_more_than_the_total(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where both would have counted before either makes one."""
    queues = opened(), opened()
    both_have_counted = threading.Barrier(2)
    plain = Queue.counted

    def counted(self: Queue) -> list[FrozenTrial]:
        found = plain(self)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_counted.wait(0.3)
        return found

    monkeypatch.setattr(Queue, "counted", counted)
    with ThreadPoolExecutor(2) as machines:
        list(machines.map(lambda queue: queue.fill(3), queues))
    assert states(queues[0]) == ["WAITING"] * 3


def test_each_point_of_a_grid_waits_once(opened: Open) -> None:
    """Also where it is given twice, was trained, failed, or is tried again; new points are added."""
    queue = opened()
    points: list[dict[str, Any]] = [
        {"rate": 0.1, "size": [1, 2]},
        {"rate": 0.1, "size": None},
        {"rate": 1, "size": "[1, 2]"},
    ]
    queue.fill_with([*points, dict(points[0])])
    assert len(queue.trials) == 3
    queue.study.tell(begin(queue), 0.5)
    begin(queue).set_user_attr(REASON, "exploded")
    queue.study.tell(1, state=FAIL)
    fail(queue, begin(queue))  # its worker was killed
    opened().fill_with([{"size": value["size"], "rate": value["rate"]} for value in points])
    assert states(queue) == ["COMPLETE", "FAIL", "FAIL", "WAITING"]
    queue.fill_with([{"rate": 1, "size": None}, {"rate": True, "size": None}, {"rate": 1.0, "size": None}])
    given = [trial.system_attrs["fixed_params"] for trial in queue.trials]
    assert given[:3] == [{"rate": 0.1, "size": "[1, 2]"}, {"rate": 0.1, "size": None}, {"rate": 1, "size": "[1, 2]"}]
    assert [str(each["rate"]) for each in given[3:]] == ["1", "1", "True", "1.0"]


def test_a_trial_is_tried_again_once(opened: Open) -> None:
    """By whichever of several processes, however often they say so, and not where it came to an end of its own."""
    queue, other = opened(), opened()
    queue.fill(1)
    failed = fail(queue, begin(queue))
    for each in (queue, queue, other):
        each.try_again(failed)
    assert states(queue) == ["FAIL", "WAITING"]
    again = fail(other, begin(other))
    queue.try_again(failed)
    assert states(queue) == ["FAIL", "FAIL"]
    queue.try_again(again)
    queue.study.tell(begin(queue), 0.5)
    for trial in list(queue.trials):
        queue.try_again(trial)
    assert states(queue) == ["FAIL", "FAIL", "COMPLETE"]
    assert [trial.number for trial in queue.counted()] == [2]


def test_two_that_try_a_trial_again_at_once_let_it_wait_once(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where both would have seen that nobody does."""
    queues = opened(), opened()
    queues[0].fill(1)
    failed = fail(queues[0], begin(queues[0]))
    both_have_looked = threading.Barrier(2)
    plain = Queue._add_again

    def add(self: Queue, trial: FrozenTrial) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_looked.wait(0.3)
        plain(self, trial)

    monkeypatch.setattr(Queue, "_add_again", add)
    with ThreadPoolExecutor(2) as machines:
        list(machines.map(lambda queue: queue.try_again(failed), queues))
    assert states(queues[0]) == ["FAIL", "WAITING"]


def test_what_a_trial_keeps_when_it_is_tried_again(opened: Open) -> None:
    """Its point, its epochs, its run and notes; not its worker, and not its figures, which belong to one trial."""
    queue = opened()
    queue.fill_with([{"rate": 0.25}])
    numbers = []
    for worker in ("a", "b"):
        trial = begin(queue, worker)
        assert trial.suggest_float("rate", 0, 1) == 0.25
        trial.set_user_attr(RUN, "0123")
        trial.report(0.5, step=1)
        trial.storage.set_trial_system_attr(trial._trial_id, "dashboard:note_str", "mine")
        trial.storage.set_trial_system_attr(trial._trial_id, f"artifacts:{worker}", "{}")
        queue.give_up(worker, KILLED)
        numbers.append(trial.number)
    kept = queue.trials[-1]
    assert (kept.state, kept.params, kept.intermediate_values) == (WAITING, {"rate": 0.25}, {1: 0.5})
    assert kept.distributions == {"rate": FloatDistribution(0, 1)}
    assert kept.user_attrs == {RUN: "0123"}
    told = {name: value for name, value in kept.system_attrs.items() if name != "hpapipe.made"}
    assert told == {
        "fixed_params": {"rate": 0.25},
        "dashboard:note_str": "mine",
        "failed_trial": 0,
        HISTORY: numbers,
        DEATHS: 2,
    }
    assert begin(queue).suggest_float("rate", 0, 1) == 0.25


def test_a_trial_that_too_many_workers_died_of_fails_with_the_reason(opened: Open) -> None:
    """Those of other workers, and what they have ended, are left alone."""
    queue = opened(retries=1)
    queue.fill(3)
    begin(queue, "other")
    queue.study.tell(begin(queue, "a"), 0.5)
    begin(queue, "a")
    queue.give_up("a", KILLED)
    begin(queue, "b")
    queue.give_up("b", "ended with code 1")
    assert states(queue) == ["RUNNING", "COMPLETE", "FAIL", "FAIL"]
    assert queue.trials[3].user_attrs == {WORKER: "b", REASON: "2 workers died of it; the last ended with code 1"}
    assert [trial.number for trial in queue.counted()] == [0, 1, 3]
    queue.fill(3)
    queue.give_up("b", KILLED)
    assert len(queue.trials) == 4


def test_without_retries_the_first_death_is_the_last(opened: Open) -> None:
    queue = opened(retries=0)
    queue.fill(1)
    begin(queue, "a")
    queue.give_up("a", KILLED)
    (trial,) = queue.counted()
    assert trial.user_attrs[REASON] == "1 workers died of it; the last was ended by signal 9"


@pytest.mark.parametrize("failed", [True, False], ids=["in its training", "before or after it"])
def test_being_stopped_by_the_user_is_no_death(opened: Open, failed: bool) -> None:
    """However often, without any retries; only the trial that the worker was stopped in waits again."""
    queue = opened(retries=0)
    queue.fill(2)
    begin(queue, "other")
    for _ in range(3):
        trial = begin(queue, "mine")
        if failed:  # as Optuna does where the training raises KeyboardInterrupt
            trial.set_user_attr(STOPPED, True)
            queue.study.tell(trial, state=FAIL)
        queue.put_back("mine")
        queue.put_back("mine")
    assert states(queue) == ["RUNNING", "FAIL", "FAIL", "FAIL", "WAITING"]
    waits = queue.trials[-1]
    assert waits.system_attrs[DEATHS] == 0
    assert waits.user_attrs == {}
    assert len(queue.counted()) == 2


def test_what_a_stopped_worker_has_ended_stays(opened: Open) -> None:
    """Complete, pruned, and failed with a reason."""
    queue = opened()
    queue.fill(3)
    queue.study.tell(begin(queue, "mine"), 0.5)
    queue.study.tell(begin(queue, "mine"), state=TrialState.PRUNED)
    begin(queue, "mine").set_user_attr(REASON, "exploded")
    queue.study.tell(2, state=FAIL)
    queue.put_back("mine")
    assert states(queue) == ["COMPLETE", "PRUNED", "FAIL"]


def test_a_trial_that_another_process_gave_up_a_moment_before_waits(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That process may have been killed right after; and if it was not, the trial still waits once."""
    queue, other = opened(), opened()
    queue.fill(1)
    trial = begin(queue, "a")
    plain = Storage.set_trial_state_values

    def too_late(self: Storage, number: int, state: TrialState, values: Any = None) -> bool:
        if self is queue.storage:
            plain(other.storage, number, FAIL)
            raise optuna.exceptions.UpdateFinishedTrialError
        return plain(self, number, state, values)

    monkeypatch.setattr(Storage, "set_trial_state_values", too_late)
    queue.give_up("a", KILLED)
    assert states(queue) == ["FAIL", "WAITING"]
    other.try_again(other.trials[trial.number])
    assert states(queue) == ["FAIL", "WAITING"]


def test_whom_nobody_hears_of_is_given_up(opened: Open) -> None:
    """After three signs of life that did not come, and the time that a database may be away; by any process."""
    queue = opened(heartbeat=10, patience=5, retries=1)
    queue.fill(3)
    silence(queue, begin(queue, "alive"), 25)
    silence(queue, begin(queue, "dead"), 45)
    silence(queue, begin(queue), 45)  # killed before it could sign
    opened(heartbeat=10, patience=5, retries=1).give_up_stale()
    assert states(queue) == ["RUNNING", "FAIL", "FAIL", "WAITING", "WAITING"]
    assert [trial.system_attrs.get(DEATHS, 0) for trial in queue.trials] == [0, 0, 0, 1, 1]
    silence(queue, begin(queue, "dead too"), 45)
    queue.give_up_stale()
    queue.fill(3)
    assert states(queue) == ["RUNNING", "FAIL", "FAIL", "FAIL", "WAITING"]
    assert [trial.number for trial in queue.counted()] == [0, 3, 4]


def test_whoever_asks_for_a_trial_gives_up_those_of_the_dead(opened: Open) -> None:
    """So on a machine without a supervisor too: the trial is tried again at once."""
    queue, other = opened(heartbeat=10, patience=5), opened(heartbeat=10, patience=5)
    queue.fill(1)
    silence(queue, begin(queue, "dead"), 45)
    other.study.optimize(lambda trial: 0.5, n_trials=1)
    assert states(queue) == ["FAIL", "COMPLETE"]


@pytest.mark.parametrize("mend", [lambda queue: queue.mend(), lambda queue: queue.fill(2)], ids=["mend", "fill"])
def test_a_trial_that_was_failed_and_not_yet_tried_again_is_mended(opened: Open, mend: Any) -> None:
    """Whoever failed it was killed in between."""
    queue = opened()
    queue.fill(2)
    queue.study.tell(begin(queue), 0.5)
    fail(queue, begin(queue))
    assert [trial.number for trial in queue.counted()] == [0]
    mend(opened())
    assert states(queue) == ["COMPLETE", "FAIL", "WAITING"]
    assert queue.trials[2].system_attrs[DEATHS] == 1
    assert not queue.mend()
    assert len(queue.trials) == 3


def test_mending_tells_whether_there_was_anything(opened: Open) -> None:
    queue = opened()
    queue.fill(1)
    assert not queue.mend()
    fail(queue, begin(queue))
    assert queue.mend()
    assert not queue.mend()


def test_who_has_a_trial_at_hand(opened: Open) -> None:
    """From the moment it signs it until it ends; read anew from what others have written."""
    queue, other = opened(), opened()
    queue.fill(2)
    trial = begin(other)
    assert not queue.trains("a")
    trial.set_user_attr(WORKER, "a")
    assert queue.trains("a")
    assert not queue.trains("b")
    other.study.tell(trial, 0.5)
    assert not queue.trains("a")


class Machine(RuleBasedStateMachine):
    """Two machines on one study whose workers end, die, and are stopped in any order."""

    queues: tuple[Queue, Queue]

    def __init__(self) -> None:
        super().__init__()
        self.total = self.names = 0
        self.at_hand: list[tuple[optuna.Trial, str]] = []

    @rule(total=st.integers(1, 4), machine=st.booleans())
    def fill(self, total: int, machine: bool) -> None:
        self.total = max(self.total, total)
        self.queues[machine].fill(total)
        assert len(self.queues[not machine].counted()) == self.total

    @rule(signs=st.booleans(), machine=st.booleans())
    def begin(self, signs: bool, machine: bool) -> None:
        self.names += 1
        with contextlib.suppress(ExhaustedError):
            trial = begin(self.queues[machine], f"worker {self.names}" if signs else "")
            self.at_hand.append((trial, f"worker {self.names}"))

    @precondition(lambda self: self.at_hand)
    @rule(how=st.sampled_from(["complete", "pruned", "failed"]), which=st.integers(0, 9))
    def end(self, how: str, which: int) -> None:
        trial, _ = self.taken(which)
        if how == "failed":
            trial.set_user_attr(REASON, "exploded")
        state = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": FAIL}[how]
        trial.study.tell(trial, 0.5 if how == "complete" else None, state=state)

    @precondition(lambda self: self.at_hand)
    @rule(which=st.integers(0, 9), machine=st.booleans(), seen=st.booleans())
    def die(self, which: int, machine: bool, seen: bool) -> None:
        """Killed; the supervisor sees it, where the worker had signed, or the signs of life are missed."""
        trial, worker = self.taken(which)
        queue = self.queues[machine]
        if seen and WORKER in trial.user_attrs:
            queue.give_up(worker, KILLED)
        else:
            silence(queue, trial, 10_000)
            queue.give_up_stale()

    @precondition(lambda self: self.at_hand)
    @rule(which=st.integers(0, 9), stopped=st.booleans())
    def be_cut_short(self, which: int, stopped: bool) -> None:
        """Whoever fails the trial is killed before it lets it be tried again."""
        trial, _ = self.taken(which)
        if stopped:
            trial.set_user_attr(STOPPED, True)
        fail(self.queues[0], trial)

    @precondition(lambda self: self.at_hand)
    @rule(which=st.integers(0, 9), inside=st.booleans(), machine=st.booleans())
    def stop(self, which: int, inside: bool, machine: bool) -> None:
        trial, worker = self.taken(which)
        trial.set_user_attr(WORKER, worker)
        if inside:
            trial.set_user_attr(STOPPED, True)
            trial.study.tell(trial, state=FAIL)
        self.queues[machine].put_back(worker)

    @rule(machine=st.booleans())
    def mend(self, machine: bool) -> None:
        self.queues[machine].mend()
        assert len(self.queues[machine].counted()) == self.total

    @invariant()
    def each_origin_counts_once(self) -> None:
        trials = self.queues[0].trials
        origins = [trial.system_attrs.get("failed_trial", trial.number) for trial in self.queues[0].counted()]
        assert len(set(origins)) == len(origins) <= self.total
        assert len([trial for trial in trials if HISTORY not in trial.system_attrs]) == self.total
        before = [trial.system_attrs[HISTORY][-1] for trial in trials if HISTORY in trial.system_attrs]
        assert len(set(before)) == len(before)
        assert all(trial.system_attrs.get(DEATHS, 0) <= self.queues[0].retries for trial in trials)

    def teardown(self) -> None:
        """What is left is trained to its end, and then there are as many ends as were asked for."""
        if not self.total:
            return
        queue = self.queues[0]
        for trial, _ in self.at_hand:
            queue.study.tell(trial, 0.5)
        queue.mend()
        with contextlib.suppress(ExhaustedError):
            while True:
                queue.study.tell(begin(queue), 0.5)
        counted = queue.counted()
        assert len(counted) == self.total
        assert all(trial.state.is_finished() for trial in counted)

    def taken(self, which: int) -> tuple[optuna.Trial, str]:
        return self.at_hand.pop(which % len(self.at_hand))


@pytest.mark.parametrize("shared_database", ["sqlite"], indirect=True)
def test_no_trial_is_lost_or_counted_twice(opened: Open) -> None:
    """Whatever happens in whatever order, on two machines."""
    storages = [opened(retries=1, heartbeat=10).storage for _ in range(2)]
    names = itertools.count()

    class OnNewStudies(Machine):
        def __init__(self) -> None:
            super().__init__()
            name = f"machine {next(names)}"
            first, second = (
                optuna.create_study(storage=each, study_name=name, load_if_exists=True) for each in storages
            )
            self.queues = Queue(first, storages[0], 1), Queue(second, storages[1], 1)

    run_state_machine_as_test(OnNewStudies, settings=settings(max_examples=8, stateful_step_count=14, deadline=None))
