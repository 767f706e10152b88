"""Studies: which options of a recipe score best, searched by Optuna, tracked, stopped and gone on with."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from hpapipe.config import Recipe
from hpapipe.errors import AwayError, UserError
from hpapipe.progress import bar, say
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import tune_study
from hpapipe.workflows.alone import Other
from hpapipe.workflows.kept import KIND, TUNE, keep_recipe
from hpapipe.workflows.material import ready
from hpapipe.workflows.space import grid, read_space
from hpapipe.workflows.train import checked
from hpapipe.workflows.tune_notes import note_of, write_note
from hpapipe.workflows.tune_queue import RUN, Queue
from hpapipe.workflows.tune_report import Tuned, line, report
from hpapipe.workflows.tune_worker import work

POLL = 0.5
"""Seconds between two looks at the queue and at the workers."""

STILLBORN = 3
"""Workers in a row that die before any trial of the study ends, at which it is stopped."""


def tune(recipe: Recipe) -> Tuned:
    """Begin a study, or go on with it, until it has all its trials.

    Args:
        recipe: what is trained, with the space and all else in its section `tune`.

    Raises:
        UserError: a faulty space, another space than that of the study, no trial that could be trained, or a database
            that is away.
        KeyboardInterrupt: stopped by the user; the same command goes on.
    """
    space = read_space(recipe)
    checked(recipe)
    points = grid(space) if recipe.tune.sampler == "grid" else None  # what has none must make no study
    queue = tune_study.make(recipe, space)
    name = queue.study.study_name
    tags = {KIND: TUNE, "mlflow.runName": f"study {name}", "hpapipe.experiment": recipe.experiment}
    with runs.running(recipe.experiment, tags, runs.find_again(queue.study.user_attrs.get(RUN))) as run:
        queue.study.set_user_attr(RUN, run.id)
        keep_recipe(run, recipe)
        ready(recipe, run)  # so that faulty data stop the study before its first trial, and workers find all prepared
        queue.fill(recipe.tune.trials) if points is None else queue.fill_with(points)
        write_note(queue.study, note_of(run.id, *runs.page(run), command="hpapipe tune, as before, to go on"))
        _supervise(recipe, queue, run)
        return report(recipe, space, queue, run)


def _supervise(recipe: Recipe, queue: Queue, run: Run) -> None:
    """Keep as many workers at work as are wanted, until every trial has ended or the time is over."""
    crew = _Crew(recipe, queue, run)
    limit = recipe.tune.seconds
    begun = time.monotonic()
    with bar("Trials", len(queue.counted())) as advance, _told_when_stopped():
        try:
            told = set(_ended(queue))
            advance(len(told))
            while True:
                crew.bury()
                queue.give_up_stale()
                over = limit is not None and time.monotonic() - begun > limit
                # In this order: what ends meanwhile is told below.
                is_left = not over and bool(crew.hire() or _running(queue) or queue.mend())
                for number, trial in _ended(queue).items():
                    if number not in told:
                        told.add(number)
                        say(line(queue, trial))
                        advance()
                if over:
                    say(f"The study's {limit:g} s are over; the same command goes on")
                if not is_left:
                    break
                time.sleep(POLL)
        finally:
            crew.stop()


class _Crew:
    """The workers of this process."""

    def __init__(self, recipe: Recipe, queue: Queue, run: Run) -> None:
        self.recipe, self.queue, self.run = recipe, queue, run
        self.workers: dict[str, Other] = {}
        # Process ids are not enough: containers of one host name have the same.
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.hired = self.stillborn = self.ended = 0
        self.logs = Path(recipe.workspace) / "studies" / queue.study.study_name
        self.logs.mkdir(parents=True, exist_ok=True)

    def hire(self) -> int:
        """Begin as many workers as there is work for; returns how many there are."""
        # A worker that has no trial yet will take one of those that wait. Counted before them, as one may do so now.
        idle = sum(not self.queue.trains(name) for name in self.workers)
        waiting = len(self.queue.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
        environment = _environment(self.recipe.tune.workers)
        for _ in range(min(self.recipe.tune.workers - len(self.workers), waiting - idle)):
            self.hired += 1
            name = f"{self.name}-{self.hired}"
            log = self.logs / f"worker-{os.getpid()}-{self.hired}.log"
            self.workers[name] = Other(work, self.recipe, self.run.id, name, log=log, environment=environment)
        return len(self.workers)

    def bury(self) -> None:
        """Take leave of workers that have ended, and let the trials of those that died be tried again.

        Raises:
            UserError: one says that a database is away, or they die without ending a trial.
        """
        for name, worker in list(self.workers.items()):
            if worker.process.is_alive():
                continue
            del self.workers[name]
            if worker.result() is None:
                self._mourn(name, _how(worker.process.exitcode))

    def _mourn(self, name: str, how: str) -> None:
        self.queue.give_up(name, how)
        ended = len(_ended(self.queue))
        self.stillborn = self.stillborn + 1 if ended == self.ended else 1
        self.ended = ended
        if self.stillborn > STILLBORN * (self.recipe.tune.retries + 1) * self.recipe.tune.workers:
            remedy = f"Their last words are in {self.logs}."
            raise UserError("Workers must be able to train.", f"{self.stillborn} that died; the last {how}", remedy)

    def stop(self) -> None:
        """Stop the workers that are left; their trials wait again."""
        for worker in self.workers.values():
            worker.stop()
        for worker in self.workers.values():
            worker.process.join()
        for name, worker in self.workers.items():
            if worker.process.exitcode:
                self.queue.give_up(name, _how(worker.process.exitcode))
        self.workers.clear()


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    return f"was ended by signal {-code}, as where memory runs out" if code and code < 0 else f"ended with code {code}"


@contextmanager
def _told_when_stopped() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, AwayError):
        say("\nStopped. Every finished trial is kept, and those at hand go on from their last epoch.")
        say("Next: the same command again")
        raise


def _ended(queue: Queue) -> dict[int, FrozenTrial]:
    return {trial.number: trial for trial in queue.counted() if trial.state.is_finished()}


def _running(queue: Queue) -> bool:
    """Whether trials are trained, here or on other machines, or wait."""
    return any(not trial.state.is_finished() for trial in queue.trials)


def _environment(workers: int) -> dict[str, str]:
    """What workers set before they import TensorFlow, so that they share the cores and a GPU's memory."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    return {"TF_FORCE_GPU_ALLOW_GROWTH": "true", **{name: os.environ.get(name, threads) for name in names}}
