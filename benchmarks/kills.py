"""kill -9 of a study's workers at random moments: is every trial counted once, none lost, and none left running?

    python benchmarks/kills.py                                        SQLite
    python benchmarks/kills.py --storage postgresql+psycopg://…       a database that is empty
    python benchmarks/kills.py --machines                             whole commands are killed, as if machines fell out

Three workers train trials of two seconds. Ten times, after a random while, one of them is killed. Then the study comes
to its end, and Optuna's database and MLflow's are asked what became of every trial.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mlflow
import optuna
import psutil
import yaml
from optuna.trial import FrozenTrial, TrialState

TRIALS, KILLS, WORKERS = 40, 10, 3
RECIPE = {
    "experiment": "kills",
    "register_as": "kills",
    "simulate": {"fields": 60, "size": 64},
    "data": {"size": 32},
    "feed": {"batch_size": 8},
    "model": {"options": {"width": 4, "blocks": [1]}},
    "fit": {"epochs": 8, "patience": 0},
    "score": {"bootstrap": 100},
    "tune": {
        "trials": TRIALS,
        "pruner": "none",
        "heartbeat": 5,
        "patience": 2,
        "retries": 10,
        "space": {"fit.learning_rate": {"low": 0.001, "high": 0.1, "log": True}},
    },
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--storage", default="sqlite:///optuna.db")
    options.add_argument("--machines", action="store_true")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ.setdefault("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        Path("recipe.yaml").write_text(yaml.safe_dump(RECIPE))
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        began = time.monotonic()
        seen = killed_study(given.storage, given.machines, random.Random(given.seed))
        judge(given.storage, seen)
        print(f"{KILLS} kills, {time.monotonic() - began:.0f} s in all")


def killed_study(storage: str, machines: bool, chance: random.Random) -> dict[int, list[float]]:
    """Run a study and kill workers; returns what was complete at any of the kills: number -> values."""
    commands = [begin(storage, 1 if machines else WORKERS)]
    complete: dict[int, list[float]] = {}
    try:
        if machines:  # others join a study that has begun: MLflow's tables cannot be made by two at once
            while not workers_of(commands[0]) or not running(storage):
                time.sleep(0.2)
            commands += [begin(storage, 1) for _ in range(WORKERS - 1)]
        kill(commands, storage, machines, chance, complete)
    finally:
        for command in commands:
            command.terminate()  # of no effect on one that has ended
    return complete


def kill(
    commands: list[subprocess.Popen[bytes]],
    storage: str,
    machines: bool,
    chance: random.Random,
    complete: dict[int, list[float]],
) -> None:
    """Kill workers of these commands, begin whole ones again, and wait for their end."""
    for number in range(KILLS):
        while not all(map(workers_of, commands)) or running(storage) < WORKERS:
            time.sleep(0.2)
        time.sleep(chance.uniform(0, 8))
        workers = [each for command in commands for each in workers_of(command)]
        complete.update(values(storage))
        victim = chance.choice(workers)
        if machines:
            index = next(index for index, each in enumerate(commands) if each.pid in {p.pid for p in victim.parents()})
            for process in (commands[index], victim):
                os.kill(process.pid, signal.SIGKILL)
            commands[index].wait()
            commands[index] = begin(storage, 1)
        else:
            victim.send_signal(signal.SIGKILL)
        print(f"kill {number + 1:2}: {len(complete):2} trials were complete")
    for command in commands:
        code = command.wait(timeout=3600)
        assert code == 0, f"a command ended with code {code}: {Path('errors.log').read_text()[-2000:]}"


def begin(storage: str, workers: int) -> subprocess.Popen[bytes]:
    words = ["-m", "hpapipe", "tune", "--config", "recipe.yaml", "--tune.storage", storage, "--workers", str(workers)]
    with open("output.log", "ab") as out, open("errors.log", "ab") as errors:
        return subprocess.Popen([sys.executable, *words], stdout=out, stderr=errors)


def workers_of(command: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that a command has begun to train trials in, without those that are dead and not yet buried."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in psutil.Process(command.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # of a dead one there is no command line
                found += [each] if "spawn_main" in " ".join(each.cmdline()) else []
    return found


def values(storage: str) -> dict[int, list[float]]:
    return {trial.number: trial.values for trial in trials(storage) if trial.state == TrialState.COMPLETE}


def running(storage: str) -> int:
    return sum(trial.state == TrialState.RUNNING for trial in trials(storage))


def trials(storage: str) -> list[FrozenTrial]:
    return optuna.load_study(study_name="kills", storage=storage).get_trials(deepcopy=False)


def twice(names: list[object]) -> int:
    return len(names) - len(set(names))


def judge(storage: str, seen: dict[int, list[float]]) -> None:
    everything = trials(storage)
    complete = [trial for trial in everything if trial.state == TrialState.COMPLETE]
    ended = values(storage)
    lost = [number for number, told in seen.items() if ended.get(number) != told]
    runs = [trial.user_attrs["hpapipe.run"] for trial in complete]
    origins = [trial.system_attrs.get("failed_trial", trial.number) for trial in complete]
    left = [trial.number for trial in everything if not trial.state.is_finished()]
    client = mlflow.MlflowClient()
    found = client.search_runs([client.get_experiment_by_name("kills").experiment_id], max_results=1000)
    children = [run for run in found if run.data.tags.get("hpapipe.kind") == "trial"]
    statuses = {run.info.run_id: run.info.status for run in children}
    print(f"trials that count                    {len(complete)} of {TRIALS}")
    print(f"finished trials that were lost       {len(lost)}")
    print(f"trials counted twice                 {twice(origins)} by trial, {twice(runs)} by run")
    print(f"trials left waiting or running       {len(left)}")
    print(f"runs of complete trials not FINISHED {sum(statuses.get(run) != 'FINISHED' for run in runs)}")
    print(f"runs left RUNNING in MLflow          {sum(run.info.status == 'RUNNING' for run in found)}")
    print(f"trials that were tried again         {sum(trial.state == TrialState.FAIL for trial in everything)}")


if __name__ == "__main__":
    main()
