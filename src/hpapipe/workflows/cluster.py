"""Shards of a prediction answered by a Ray cluster. The only importer of Ray.

One actor a node loads the Version once and is handed shards, which it answers as a single machine does: with the same
code, in the same batches. Ray begins a lost actor anew and hands it again what it had not finished; shards appear
whole, so that nothing is lost, and one that is answered twice is the same.
"""

from __future__ import annotations

import io
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from hpapipe.errors import UserError
from hpapipe.imageset.places import open_place
from hpapipe.quiet import hushed
from hpapipe.workflows.answer import answer_shards, data_of
from hpapipe.workflows.answering import load
from hpapipe.workflows.shards import open_job

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no telemetry
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # GPUs are left as they are, and nothing is said about it
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray's way to say, on any system, that a cluster of one machine answers on 127.0.0.1 alone."""

WAIT = 10.0
"""Seconds in which a cluster must answer a call."""

SENT = ("MLFLOW_", "AWS_", "GOOGLE_", "FSSPEC_")
"""How variables begin that nodes need as this process has them: addresses and keys of stores."""


class Answerer:
    """An actor: its Version, place and job.

    Args:
        task: `recipe` (as JSON), `which`, `runtime`, `place`, `typed`, `job` (its folder, which all nodes see) and
            `here` (the working folder of who asks).
    """

    def __init__(self, task: Mapping[str, Any]) -> None:
        from hpapipe import config
        from hpapipe.quiet import import_quietly, quiet

        quiet()
        import_quietly("keras")
        if Path(task["here"]).is_dir():  # relative paths start from there
            os.chdir(task["here"])
        recipe = config.parse(task["recipe"])
        answering = load(recipe, task["which"], task["runtime"])
        self.version = answering.version
        self.place = open_place(task["place"], data_of(answering.metadata, task["typed"]), listed=True)
        self.job = open_job(Path(task["job"]), self.version.rows([]))
        self.batch_size = recipe.predict.batch_size

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Answer the shard `row["number"]`; what a user can mend comes back as words."""
        number, counted = int(row["number"]), list[int]()
        try:
            for _ in answer_shards(self.job, [number], self.place, self.version, self.batch_size, counted.append):
                pass
        except UserError as fault:
            return {"number": number, "fields": sum(counted), "fault": str(fault)}
        return {"number": number, "fields": sum(counted), "fault": ""}


def answer_on_cluster(
    task: Mapping[str, Any], numbers: Sequence[int], address: str | None, advance: Callable[[int], None]
) -> None:
    """Answer shards of a job on a cluster.

    Args:
        task: of `Answerer`.
        numbers: of the shards.
        address: of the cluster; none: one of this machine alone, for as long as this takes.
        advance: is told how many fields were answered, shard by shard.

    Raises:
        UserError: Ray is not installed, no cluster answers, or shards cannot be written.
    """
    with _connected(address) as ray:
        nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
        nodes = [cpus for cpus in nodes if cpus]
        # One CPU of each node is left to Ray: a pool that takes all waits for ever. So no node has room for two actors.
        cpus = max(1, int(min(nodes)) - 1)
        shards = ray.data.from_items([{"number": number} for number in numbers], override_num_blocks=len(numbers))
        answered = shards.map(
            Answerer,
            fn_constructor_args=(dict(task),),
            compute=ray.data.ActorPoolStrategy(size=min(len(nodes), len(numbers))),
            num_cpus=cpus,
        )
        for row in answered.iter_rows():
            if row["fault"]:
                fault = UserError("", "", "")
                fault.lines = tuple(row["fault"].splitlines())
                raise fault
            advance(row["fields"])


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster for the block."""
    for name, value in {**SETTINGS, **({} if address else ALONE)}.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError:
        remedy = 'Run pip install "hpapipe[ray]", or leave out --engine.'
        raise UserError("Ray must be installed for --engine ray.", "none", remedy) from None
    sent = {name: value for name, value in os.environ.items() if name.startswith(SENT)}
    # Where this code lies; a node that has it elsewhere has it installed.
    sent["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    _refuse_away(address)
    local: dict[str, Any] = {} if address else {"num_cpus": os.cpu_count(), "include_dashboard": False}
    try:
        with hushed():
            ray.init(
                address=address or "local",
                logging_level=logging.ERROR,
                log_to_driver=False,
                runtime_env={"env_vars": sent},
                **local,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        told = " ".join(str(error).split())[:200]
        raise UserError("A Ray cluster must answer.", f"“{told}” from {address}", "Check --address.") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):  # where a thread of Ray prints what became of its workers
            yield ray
    finally:
        ray.shutdown()


def _refuse_away(address: str | None) -> None:
    """Refuse an address at which nothing listens: Ray itself asks there for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not colon:
        return  # none, or a word of Ray's such as `auto`
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=WAIT).close()
    except (OSError, ValueError) as error:
        received = f"“{getattr(error, 'strerror', None) or error}” from {address}"
        raise UserError(
            "A Ray cluster must answer.", received, "Start it with `ray start`, or mend --address."
        ) from None
