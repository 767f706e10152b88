"""Studies: which options of a recipe score best, searched by Optuna, tracked, stopped and gone on with."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
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
from hpapipe.workflows.space import Dimension, grid, read_space
from hpapipe.workflows.train import checked
from hpapipe.workflows.tune_notes import note_of, write_note
from hpapipe.workflows.tune_queue import RUN, Queue
from hpapipe.workflows.tune_report import Tuned, line, report
from hpapipe.workflows.tune_worker import work, worker_name

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
    queue = tune_study.make(recipe, space)
    name = queue.study.study_name
    tags = {KIND: TUNE, "mlflow.runName": f"study {name}", "hpapipe.experiment": recipe.experiment}
    with runs.running(recipe.experiment, tags, queue.study.user_attrs.get(RUN)) as run:
        queue.study.set_user_attr(RUN, run.id)
        keep_recipe(run, recipe)
        ready(recipe, run)  # so that faulty data stop the study before its first trial, and workers find all prepared
        _fill(recipe, space, queue)
        write_note(queue.study, note_of(run.id, *runs.page(run), command="hpapipe tune, as before, to go on"))
        _supervise(recipe, queue, run)
        return report(recipe, space, queue, run)


def _fill(recipe: Recipe, space: Sequence[Dimension], queue: Queue) -> None:
    if recipe.tune.sampler == "grid":
        queue.fill_with(grid(space))
    else:
        queue.fill(recipe.tune.trials)


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
                for number, trial in _ended(queue).items():
                    if number not in told:
                        told.add(number)
                        say(line(queue, trial))
                        advance()
                if limit and time.monotonic() - begun > limit:
                    say(f"The study's {limit:g} s are over; the same command goes on")
                    break
                if not crew.hire() and not _running(queue):
                    break
                time.sleep(POLL)
        finally:
            crew.stop()


class _Crew:
    """The workers of this process."""

    def __init__(self, recipe: Recipe, queue: Queue, run: Run) -> None:
        self.recipe, self.queue, self.run = recipe, queue, run
        self.workers: list[Other] = []
        self.hired = self.stillborn = self.ended = 0
        self.logs = Path(recipe.workspace) / "studies" / queue.study.study_name
        self.logs.mkdir(parents=True, exist_ok=True)

    def hire(self) -> int:
        """Begin as many workers as there is work for; returns how many there are."""
        waiting = len(self.queue.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
        busy = len(self.workers)
        # A worker that has no trial yet will take one of those that wait.
        idle = busy - len([each for each in self.workers if self.queue.trains(worker_name(each.process.pid or 0))])
        for _ in range(min(self.recipe.tune.workers - busy, waiting - idle)):
            self.hired += 1
            log = self.logs / f"worker-{os.getpid()}-{self.hired}.log"
            self.workers.append(
                Other(work, self.recipe, self.run.id, log=log, environment=_environment(self.recipe.tune.workers))
            )
        return len(self.workers)

    def bury(self) -> None:
        """Take leave of workers that have ended, and let the trials of those that died be tried again.

        Raises:
            UserError: one says that a database is away, or they die without ending a trial.
        """
        for worker in [each for each in self.workers if not each.process.is_alive()]:
            self.workers.remove(worker)
            if worker.result() is None:
                self._mourn(worker)

    def _mourn(self, worker: Other) -> None:
        code = worker.process.exitcode
        how = (
            f"was ended by signal {-code}, as where memory runs out" if code and code < 0 else f"ended with code {code}"
        )
        self.queue.give_up(worker_name(worker.process.pid or 0), how)
        ended = len(_ended(self.queue))
        self.stillborn = self.stillborn + 1 if ended == self.ended else 1
        self.ended = ended
        if self.stillborn > STILLBORN * (self.recipe.tune.retries + 1) * self.recipe.tune.workers:
            remedy = f"Their last words are in {self.logs}."
            raise UserError("Workers must be able to train.", f"{self.stillborn} that died; the last {how}", remedy)

    def stop(self) -> None:
        """Stop the workers that are left; their trials wait again."""
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.process.join()
            if worker.process.exitcode:
                self.queue.give_up(worker_name(worker.process.pid or 0), f"ended with code {worker.process.exitcode}")
        self.workers.clear()


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
