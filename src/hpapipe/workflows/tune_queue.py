"""The trials of a study: made at its start, tried again where their worker died, and each counted once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpapipe.workflows.space import Point, plain
from hpapipe.workflows.tune_notes import ARTIFACT
from hpapipe.workflows.tune_storage import Storage, locked

RUN, REASON, STOPPED, WORKER = "hpapipe.run", "hpapipe.reason", "hpapipe.stopped", "hpapipe.worker"
"""Attributes of a trial: its run, why it was stopped or failed, that the user stopped it, and who trains it."""

DEATHS = "hpapipe.deaths"
"""System attribute of a trial: how many workers died of it before."""

HISTORY = "retry_history"
"""Optuna's own name for the numbers of the trials that a trial tries again."""

GONE = "its worker gave no more signs of life"
"""The reason of a failed trial that holds none."""


class Queue:
    """The trials of one study.

    Args:
        study: of Optuna, in `storage`.
        storage: its database.
        retries: times that a trial whose worker died is tried again.
    """

    def __init__(self, study: optuna.Study, storage: Storage, retries: int) -> None:
        self.study, self.storage, self.retries = study, storage, retries
        storage.heartbeat_stale_trial_callback = lambda _, trial: self.try_again(trial)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All there are, those that were tried again too; the queue's own, not to be changed."""
        return self.study.get_trials(deepcopy=False)

    def fill(self, total: int) -> None:
        """Let as many trials wait as are missing."""
        with locked(self.storage, self.study.study_name):
            self._mend_all()
            for _ in range(total - len(self.counted())):
                self.study.enqueue_trial({})

    def fill_with(self, points: Iterable[Point]) -> None:
        """Let a trial wait for each point that has none yet."""
        with locked(self.storage, self.study.study_name):
            self._mend_all()
            there = {_key(trial.system_attrs.get("fixed_params", {})) for trial in self.trials}
            for point in points:
                given = {option: plain(value) for option, value in point.items()}
                if _key(given) not in there:
                    there.add(_key(given))
                    self.study.enqueue_trial(given)

    def counted(self) -> list[FrozenTrial]:
        """The trials that count: those that came to an end of their own, or will."""
        trials = self.trials
        again = _tried_again(trials)
        return [trial for trial in trials if trial.number not in again and not self._is_owed(trial)]

    def try_again(self, trial: FrozenTrial) -> None:
        """Let a failed trial wait again, once, where it had no end of its own and did not take too many workers."""
        with locked(self.storage, self.study.study_name):
            if self._is_owed(trial) and trial.number not in _tried_again(self.trials):
                self._add_again(trial)

    def trains(self, worker: str) -> bool:
        """Whether a worker, by its name, has a trial at hand."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return any(trial.user_attrs.get(WORKER) == worker for trial in running)

    def put_back(self, worker: str) -> None:
        """Let the trial wait again that a worker, by its name, was stopped in."""
        trials = self.trials
        again = _tried_again(trials)
        for trial in trials:
            if trial.user_attrs.get(WORKER) != worker or trial.number in again:
                continue
            if trial.state == TrialState.RUNNING:  # stopped where Optuna does not fail it: before or after the training
                with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
                    self.storage.set_trial_user_attr(trial._trial_id, STOPPED, True)
                    self.storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL)
                trial = self.storage.get_trial(trial._trial_id)
            if self._is_owed(trial):
                self.try_again(trial)

    def give_up(self, worker: str, how: str) -> None:
        """Fail the trial of a worker that died, and let it be tried again unless too many died of it.

        Args:
            worker: its name.
            how: it ended, in words.
        """
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(WORKER) != worker:
                continue
            deaths = trial.system_attrs.get(DEATHS, 0) + 1
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):  # another process was faster
                if deaths > self.retries:
                    reason = f"{deaths} workers died of it; the last {how}"
                    self.storage.set_trial_user_attr(trial._trial_id, REASON, reason)
                self.storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL)
            self.try_again(self.storage.get_trial(trial._trial_id))

    def give_up_stale(self) -> None:
        """The same for the trials of all workers, on all machines, that no longer give a sign of life."""
        optuna.storages.fail_stale_trials(self.study)

    def mend(self) -> bool:
        """Let the trials wait again whose process was killed between failing them and that; whether there were any."""
        with locked(self.storage, self.study.study_name):
            return self._mend_all()

    def _mend_all(self) -> bool:
        trials = self.trials
        again = _tried_again(trials)
        owed = [trial for trial in trials if trial.number not in again and self._is_owed(trial)]
        for trial in owed:
            self._add_again(trial)
        return bool(owed)

    def _is_owed(self, trial: FrozenTrial) -> bool:
        """Whether a trial failed without an end of its own, and is to be tried again."""
        if trial.state != TrialState.FAIL or REASON in trial.user_attrs:
            return False
        return STOPPED in trial.user_attrs or trial.system_attrs.get(DEATHS, 0) < self.retries

    def _add_again(self, trial: FrozenTrial) -> None:
        died = STOPPED not in trial.user_attrs
        # Figures belong to one trial: the dashboard could not delete those that two share.
        kept = {name: value for name, value in trial.system_attrs.items() if not name.startswith(ARTIFACT)}
        system = {
            **kept,
            "failed_trial": trial.system_attrs.get("failed_trial", trial.number),
            HISTORY: [*trial.system_attrs.get(HISTORY, []), trial.number],
            DEATHS: trial.system_attrs.get(DEATHS, 0) + died,
        }
        user = {name: value for name, value in trial.user_attrs.items() if name not in (STOPPED, WORKER)}
        self.study.add_trial(
            optuna.create_trial(
                state=TrialState.WAITING,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs=user,
                system_attrs=system,
                intermediate_values=trial.intermediate_values,
            )
        )


def _tried_again(trials: Sequence[FrozenTrial]) -> set[int]:
    """The numbers of the trials that others try again."""
    return {number for trial in trials for number in trial.system_attrs.get(HISTORY, [])}


def _key(point: object) -> str:
    return json.dumps(point, sort_keys=True, default=str)
