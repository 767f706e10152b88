"""The command that watches over a study: whom it hires, whom it buries, and when it ends."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.storages._rdb import models
from optuna.trial import TrialState

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import AwayError, UserError
from hpapipe.workflows import tune, tune_study
from hpapipe.workflows.space import read_space
from hpapipe.workflows.tune_queue import DEATHS, REASON, STOPPED, WORKER, Queue
from hpapipe.workflows.tune_storage import ExhaustedError
from hpapipe.workflows.tune_worker import work

pytestmark = [
    pytest.mark.filterwarnings("ignore:Heartbeat of storage"),
    pytest.mark.parametrize("shared_database", ["sqlite"], indirect=True),
]

RUN: Any = SimpleNamespace(id="0123")
AWAY = AwayError("The tracking store must answer.", "silence", "Start it.")
TIMES = 200
"""Looks of the supervisor after which a test is given up."""


class Worker:
    """Stands for `Other` and its process: does one thing each time that the supervisor sleeps."""

    def __init__(self, staff: Staff, name: str) -> None:
        self.staff, self.name, self.process = staff, name, self
        self.exitcode: int | None = None
        self.trial: optuna.Trial | None = None
        self.answer: str | Exception | None = None

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self) -> None:
        assert self.exitcode is not None, "it was not stopped"

    def result(self) -> str | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def stop(self) -> None:
        """As Ctrl-C does it."""
        if not self.is_alive():
            return
        if self.trial:
            self.trial.set_user_attr(STOPPED, True)
            self.trial.study.tell(self.trial, state=TrialState.FAIL)
            self.staff.queue.put_back(self.name)
        self.end(130, None)

    def end(self, code: int, answer: str | Exception | None) -> None:
        self.exitcode, self.answer = code, answer

    def act(self, what: str) -> None:
        if what == "take":
            try:
                self.trial = self.staff.queue.study.ask()
                self.trial.set_user_attr(WORKER, self.name)
            except ExhaustedError:
                self.end(0, "")
        elif what == "score":
            assert self.trial
            self.trial.study.tell(self.trial, 0.5)
            self.trial = None
        elif what in ("die", "exit"):
            self.end(-9 if what == "die" else 1, None)
        elif what == "leave":  # it has grown too large
            self.end(0, "")
        elif what == "away":
            self.end(0, AWAY)


class Staff:
    """The workers that were hired, and what each is to do: take trials and score them, where `plans` says no other."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.hired: list[Worker] = []
        self.words: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.plans: list[str] = []
        self.running: list[Iterator[str]] = []
        self.most = self.looks = 0
        self.then: Callable[[int], object] = lambda look: None

    def hire(self, *words: Any, **options: Any) -> Worker:
        self.hired.append(Worker(self, words[-1]))
        self.words.append((words, options))
        plan = self.plans[len(self.hired) - 1].split() if len(self.hired) <= len(self.plans) else []
        self.running.append(itertools.chain(plan, itertools.cycle(["take", "score"])))
        return self.hired[-1]

    def look(self) -> None:
        """What happens between two looks of the supervisor."""
        self.looks += 1
        assert self.looks < TIMES, "the study does not end"
        alive = [worker for worker in self.hired if worker.is_alive()]
        self.most = max(self.most, len(alive))
        for worker, plan in zip(self.hired, self.running, strict=True):
            if worker in alive:
                worker.act(next(plan))
        self.then(self.looks)


@pytest.fixture
def recipe(shared_database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Recipe]:
    """Of a study of the test's own; options are those of section `tune`."""
    experiment = request.node.name.replace("[", " ").replace("]", "")

    def make(**options: Any) -> Recipe:
        section = {"storage": shared_database, "space": {"fit.learning_rate": [0.1]}, **options}
        return config.parse({"experiment": experiment, "workspace": str(tmp_path), "tune": section})

    return make


@pytest.fixture
def study(
    recipe: Callable[..., Recipe], clock: Any, opening: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Makes a study of `trials` that wait, and returns its recipe, queue and staff, and what watches over it."""
    monkeypatch.setattr(tune, "time", clock)
    monkeypatch.setattr(tune_study, "open_storage", opening)

    def make(trials: int = 3, **options: Any) -> Any:
        made = recipe(**options)
        queue = tune_study.make(made, read_space(made))
        queue.fill(trials)
        staff = Staff(tune_study.find(made))
        monkeypatch.setattr(tune, "Other", staff.hire)
        clock.then = staff.look
        return SimpleNamespace(recipe=made, queue=queue, staff=staff, watch=lambda: tune._supervise(made, queue, RUN))

    return make


def states(queue: Queue) -> list[str]:
    return [trial.state.name for trial in queue.trials]


def silence(queue: Queue, trial: optuna.Trial) -> None:
    """Let the last sign of life of a trial be an hour old."""
    with contextlib.closing(queue.storage.scoped_session()) as session:
        row = session.query(models.TrialHeartbeatModel).filter_by(trial_id=trial._trial_id).one()
        row.heartbeat -= timedelta(hours=1)
        session.commit()


def test_as_many_workers_are_hired_as_are_wanted(study: Any, tmp_path: Path, capsys: Any) -> None:
    """Each with a name and a log of its own; every trial is told when it has ended, and none waits when all end."""
    it = study(5, workers=2)
    it.watch()
    assert states(it.queue) == ["COMPLETE"] * 5
    assert (len(it.staff.hired), it.staff.most) == (2, 2)
    assert len({trial.user_attrs[WORKER] for trial in it.queue.trials}) == 2
    logs = [options["log"] for _, options in it.staff.words]
    assert logs == [tmp_path / "studies" / it.recipe.experiment / f"worker-{os.getpid()}-{n}.log" for n in (1, 2)]
    assert [words for words, _ in it.staff.words] == [(work, it.recipe, "0123", each.name) for each in it.staff.hired]
    assert sorted(capsys.readouterr().out.splitlines()) == [f"Trial {n} (): macro_f1 0.5" for n in range(5)]


def test_no_more_workers_are_hired_than_there_is_work_for(study: Any) -> None:
    """Also while they have not taken a trial yet."""
    it = study(2, workers=5)
    it.staff.plans = ["rest rest take score"] * 5
    it.watch()
    assert (len(it.staff.hired), states(it.queue)) == (2, ["COMPLETE"] * 2)


def test_a_trial_that_is_taken_while_they_are_counted_hires_nobody(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be counted as work, and the worker that took it as one that trains."""
    it = study(1, workers=2)
    crew = tune._Crew(it.recipe, it.queue, RUN)
    assert crew.hire() == 1
    plain, once = it.queue.study.get_trials, iter([it.staff.look])

    def read(*words: Any, **options: Any) -> Any:
        found = plain(*words, **options)
        next(once, lambda: None)()
        return found

    monkeypatch.setattr(it.queue.study, "get_trials", read)
    assert crew.hire() == 1
    assert states(it.queue) == ["RUNNING"]


def test_a_study_that_has_all_its_trials_hires_nobody(study: Any, capsys: Any) -> None:
    """What was told before is not told again."""
    it = study(1)
    it.queue.study.tell(it.queue.study.ask(), 0.5)
    it.watch()
    assert (it.staff.hired, capsys.readouterr().out) == ([], "")


def test_a_worker_that_has_grown_too_large_is_replaced(study: Any) -> None:
    """With a new name, and as often as it takes."""
    it = study(3)
    it.staff.plans = ["take score leave"] * 3
    it.watch()
    assert states(it.queue) == ["COMPLETE"] * 3
    assert len({trial.user_attrs[WORKER] for trial in it.queue.trials}) == len(it.staff.hired) == 3
    assert it.staff.most == 1


def test_the_trial_of_a_worker_that_died_is_tried_again(study: Any, capsys: Any) -> None:
    """By another; nothing is told of a trial that goes on."""
    it = study(2)
    it.staff.plans = ["take die"]
    it.watch()
    assert states(it.queue) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert it.queue.trials[2].system_attrs[DEATHS] == 1
    assert len(it.staff.hired) == 2
    assert "Trial 0" not in capsys.readouterr().out


def test_a_trial_that_too_many_died_of_is_told(study: Any, capsys: Any) -> None:
    """With its reason, and the study goes on."""
    it = study(2, retries=1)
    it.staff.plans = ["take score take exit", "take die"]
    it.watch()
    assert states(it.queue) == ["COMPLETE", "FAIL", "FAIL"]
    reason = "2 workers died of it; the last was ended by signal 9, as where memory runs out"
    assert it.queue.trials[2].user_attrs[REASON] == reason
    assert capsys.readouterr().out.splitlines()[-1] == f"Trial 2 (): failed: {reason}"


@pytest.mark.parametrize(("retries", "workers", "deaths"), [(0, 1, 4), (1, 1, 7), (0, 2, 7)])
def test_workers_that_die_before_they_train_stop_the_study(
    study: Any, tmp_path: Path, retries: int, workers: int, deaths: int
) -> None:
    """Something is wrong that no trial is to blame for; all trials wait still, and the logs are named."""
    it = study(3, retries=retries, workers=workers)
    it.staff.plans = ["exit"] * 20
    with pytest.raises(
        UserError, match=rf"^Workers must be able to train\. Received {deaths} that died; the last ended w"
    ):
        it.watch()
    assert states(it.queue) == ["WAITING"] * 3
    assert sum(worker.exitcode == 1 for worker in it.staff.hired) >= deaths
    assert not any(worker.is_alive() for worker in it.staff.hired)


def test_workers_that_die_between_trials_stop_nothing(study: Any) -> None:
    """As long as trials come to their ends."""
    it = study(6, retries=0)
    it.staff.plans = ["take score exit"] * 6
    it.watch()
    assert states(it.queue) == ["COMPLETE"] * 6


def test_a_worker_whose_database_is_away_stops_the_study(study: Any, capsys: Any) -> None:
    """In good order: the others put their trials back, and the next command is told."""
    it = study(3, workers=2)
    it.staff.plans = ["take away", "take rest rest rest"]
    with pytest.raises(AwayError, match="tracking store"):
        it.watch()
    assert not any(worker.is_alive() for worker in it.staff.hired)
    assert [states(it.queue)[n] for n in (1, 2, 3)] == ["FAIL", "WAITING", "WAITING"]
    assert capsys.readouterr().out.splitlines()[-1] == "Next: the same command again"


def test_the_time_of_a_study_ends_it(study: Any, capsys: Any) -> None:
    """What is at hand waits again, as does the rest, and that is said; nobody is hired when it is over."""
    it = study(4, seconds=1.2, retries=0)
    it.watch()
    assert it.staff.looks == 3
    assert states(it.queue) == ["COMPLETE", "FAIL", "WAITING", "WAITING", "WAITING"]
    assert it.queue.trials[4].system_attrs[DEATHS] == 0
    assert capsys.readouterr().out.splitlines() == [
        "Trial 0 (): macro_f1 0.5",
        "The study's 1.2 s are over; the same command goes on",
    ]
    assert len(it.staff.hired) == 1


def test_ctrl_c_stops_all_workers(study: Any, capsys: Any) -> None:
    """One of them dies instead; no trial is lost, and the next command is told."""
    it = study(4, workers=3)
    it.staff.plans = ["take rest", "take die", "rest rest"]

    def press(look: int) -> None:
        if look == 2:
            raise KeyboardInterrupt

    it.staff.then = press
    with pytest.raises(KeyboardInterrupt):
        it.watch()
    assert [worker.exitcode for worker in it.staff.hired] == [130, -9, 130]
    assert states(it.queue) == ["FAIL", "FAIL", "WAITING", "WAITING", "WAITING", "WAITING"]
    assert sorted(trial.system_attrs.get(DEATHS, 0) for trial in it.queue.counted()) == [0, 0, 0, 1]
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Stopped. Every finished trial is kept, and those at hand go on from their last epoch.",
        "Next: the same command again",
    ]


def test_a_trial_of_another_machine_is_waited_for(study: Any, capsys: Any) -> None:
    """Without a worker here; its end is told here too."""
    it = study(1)
    elsewhere = tune_study.find(it.recipe)
    trial = elsewhere.study.ask()
    it.staff.then = lambda look: elsewhere.study.tell(trial, 0.5) if look == 5 else None
    it.watch()
    assert (it.staff.hired, it.staff.looks) == ([], 5)
    assert capsys.readouterr().out == "Trial 0 (): macro_f1 0.5\n"


def test_what_ends_elsewhere_during_the_last_look_is_told(
    study: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was looked for what has ended, and before it was looked for what is trained."""
    it = study(1)
    elsewhere = tune_study.find(it.recipe)
    trial = elsewhere.study.ask()
    plain = tune._running

    def running(queue: Queue) -> bool:
        elsewhere.study.tell(trial, 0.5, skip_if_finished=True)
        return plain(queue)

    monkeypatch.setattr(tune, "_running", running)
    it.watch()
    assert capsys.readouterr().out == "Trial 0 (): macro_f1 0.5\n"


def test_a_trial_of_a_machine_that_fell_out_is_trained_here(study: Any) -> None:
    """Once no signs of life come any more."""
    it = study(1)
    elsewhere = tune_study.find(it.recipe)
    trial = elsewhere.study.ask()
    it.staff.then = lambda look: silence(elsewhere, trial) if look == 3 else None
    it.watch()
    assert states(it.queue) == ["FAIL", "COMPLETE"]
    assert len(it.staff.hired) == 1


def test_a_trial_that_was_failed_and_not_let_wait_again_is_trained_before_the_end(study: Any) -> None:
    """Whoever failed it was killed in between: the study has all its trials without another command."""
    it = study(2)
    elsewhere = tune_study.find(it.recipe)
    trial = elsewhere.study.ask()

    def be_killed(look: int) -> None:
        if look == 4:
            elsewhere.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)

    it.staff.then = be_killed
    it.watch()
    assert states(it.queue) == ["FAIL", "COMPLETE", "COMPLETE"]


def test_no_two_commands_have_workers_of_one_name(study: Any) -> None:
    """Not even where host name and process ids are the same, as in two containers."""
    it = study(1)
    names = {tune._Crew(it.recipe, it.queue, RUN).name for _ in range(2)}
    assert len(names) == 2


@pytest.mark.parametrize(("cores", "workers", "threads"), [(8, 2, "4"), (8, 3, "2"), (2, 4, "1"), (None, 1, "1")])
def test_workers_share_the_cores(
    cores: int | None, workers: int, threads: str, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user has set stays."""
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    it = study(1, workers=workers)
    it.watch()
    ((_, options),) = it.staff.words
    assert options["environment"] == {
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "OMP_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": "7",
    }
