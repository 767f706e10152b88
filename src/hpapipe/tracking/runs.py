"""Tracked runs: what an experiment consisted of and what came out."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException

from hpapipe import __version__
from hpapipe.errors import AwayError, UserError
from hpapipe.tracking.store import KIND, answering, experiment, is_absent, reachable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMS_AT_ONCE = 100
METRICS_AT_ONCE = 1000


class Run:
    """One tracked run, by its id."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id
        self.client = MlflowClient()

    def params(self, values: Mapping[str, Any]) -> None:
        """Log params that the run has not yet: `mlflow run` logs what was typed, and a param cannot be logged again."""
        present = self.client.get_run(self.id).data.params
        new = [Param(name, str(value)) for name, value in values.items() if name not in present]
        for start in range(0, len(new), PARAMS_AT_ONCE):
            self.client.log_batch(self.id, params=new[start : start + PARAMS_AT_ONCE])

    def tags(self, values: Mapping[str, str]) -> None:
        self.client.log_batch(self.id, tags=[RunTag(name, value) for name, value in values.items()])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers under their names; signs that MLflow refuses in names are replaced."""
        now = int(time.time() * 1000)
        entities = [
            Metric(metric_name(name), float(value), now, step) for name, value in values.items() if value == value
        ]
        for start in range(0, len(entities), METRICS_AT_ONCE):
            self.client.log_batch(self.id, metrics=entities[start : start + METRICS_AT_ONCE])

    def metrics_once(self, values: Mapping[str, float]) -> None:
        """Log numbers that a resumed run may have already, all of them at once or none."""
        if not self.steps_logged(next(iter(values))):
            self.metrics(values)

    def steps_logged(self, name: str) -> set[int]:
        """The steps at which the metric `name` stands in the run."""
        return {metric.step for metric in self.client.get_metric_history(self.id, metric_name(name))}

    def describe(self, text: str) -> None:
        """Set the description that MLflow shows at the top of the run, Markdown."""
        self.tags({"mlflow.note.content": text})

    def figure(self, name: str, table: pd.DataFrame, figure: Figure) -> None:
        """Log a figure and the table that it shows, side by side."""
        self.client.log_figure(self.id, figure, f"figures/{name}.png")
        self.table(f"figures/{name}", table)

    def table(self, name: str, table: pd.DataFrame) -> None:
        self.client.log_text(self.id, table.to_csv(index=False), f"{name}.csv")

    def text(self, name: str, text: str) -> None:
        self.client.log_text(self.id, text, name)

    def file(self, path: Path, folder: str) -> None:
        self.client.log_artifact(self.id, str(path), folder)

    def dataset(self, table: pd.DataFrame, source: str, name: str, digest: str) -> None:
        """Log the data set as an input of the run."""
        described = from_pandas(table, source=source, name=name, digest=digest)._to_mlflow_entity()
        context = [InputTag("mlflow.data.context", "training")]
        self.client.log_inputs(self.id, datasets=[DatasetInput(described, context)])


def metric_name(name: str) -> str:
    """`name` with only the signs that MLflow takes: `Rods & rings` becomes `Rods and rings`."""
    return re.sub(r"[^\w\-. :/]", "_", name.replace("&", "and"))


@contextmanager
def running(name: str, tags: Mapping[str, str], resume: str | None = None, parent: Run | None = None) -> Iterator[Run]:
    """A run of the experiment `name` for the block: FINISHED, FAILED by an error, or KILLED by Ctrl-C.

    Args:
        name: experiment; under `mlflow run` the run exists already and stays in its experiment.
        tags: of the run.
        resume: id of a run to go on with.
        parent: the run that a new run is a part of.

    Raises:
        UserError: the store is away, or there is no run `resume`.
    """
    run = Run(_begin(name, dict(tags), resume, parent))
    with reachable():
        # A run that `mlflow run` made keeps the name it has.
        own = {name: value for name, value in tags.items() if not name.startswith("mlflow.")}
        run.tags({**own, "hpapipe.code": code_version()})
    status = RunStatus.FAILED
    with answering():
        try:
            yield run
            status = RunStatus.FINISHED
        except KeyboardInterrupt:
            status = RunStatus.KILLED
            raise
        finally:
            # `mlflow run` sets the status of a stopped run to FAILED afterwards; the tag stays.
            run.tags({"hpapipe.ended": RunStatus.to_string(status)})
            run.client.set_terminated(run.id, RunStatus.to_string(status))


def _begin(name: str, tags: dict[str, str], resume: str | None, parent: Run | None) -> str:
    with reachable() as client:
        if resume:
            run_id = find(resume).id
            client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
            return run_id
        if parent:
            mother = client.get_run(parent.id)
            tags["mlflow.parentRunId"] = parent.id
            return client.create_run(
                mother.info.experiment_id, tags=tags, run_name=tags.get("mlflow.runName")
            ).info.run_id
        if given := os.environ.get("MLFLOW_RUN_ID"):
            for tag, value in KIND.items():
                client.set_experiment_tag(client.get_run(given).info.experiment_id, tag, value)
            return given
    with reachable() as client:
        return client.create_run(experiment(name), tags=tags, run_name=tags.get("mlflow.runName")).info.run_id


def find(run_id: str) -> Run:
    """The run with this id.

    Raises:
        UserError: there is none.
    """
    with reachable() as client:
        try:
            return Run(client.get_run(run_id).info.run_id)
        except MlflowException as error:
            if not is_absent(error):
                raise
            received = f"`{run_id}` in {mlflow.get_tracking_uri()}"
            raise UserError("A run must exist.", received, "`mlflow ui` and `hpapipe history` show the ids.") from error


def find_again(run_id: str | None) -> str | None:
    """The id of a run to go on with; none where it was lost with its store, or there is none."""
    try:
        return find(run_id).id if run_id else None
    except AwayError:
        raise
    except UserError:
        return None


def children(run: Run) -> list[Run]:
    """The runs that are parts of `run`, oldest first."""
    experiment_id = run.client.get_run(run.id).info.experiment_id
    query = f"tags.`mlflow.parentRunId` = '{run.id}'"
    found = run.client.search_runs([experiment_id], query, order_by=["attributes.start_time ASC"])
    return [Run(child.info.run_id) for child in found]


def newest(name: str, kind: str) -> Run:
    """The last finished run of an experiment that is no part of another.

    Args:
        name: experiment.
        kind: value of the tag `hpapipe.kind`.

    Raises:
        UserError: there is none.
    """
    with reachable() as client:
        everything = [each.experiment_id for each in client.search_experiments()]
        tagged = f"tags.`hpapipe.kind` = '{kind}' AND tags.`hpapipe.experiment` = '{name}'"
        query = f"{tagged} AND attributes.status = 'FINISHED'"
        found = client.search_runs(everything, query, max_results=1, order_by=["attributes.start_time DESC"])
    if not found:
        remedy = "Run `hpapipe train` first, or give a run's id."
        raise UserError(f"There must be a finished run of `{name}`.", f"none in {mlflow.get_tracking_uri()}", remedy)
    return Run(found[0].info.run_id)


def read_table(run: Run, name: str) -> pd.DataFrame:
    """A table that was logged to `run` under `name`.

    Raises:
        UserError: the run has none.
    """
    return pd.read_csv(io.StringIO(read_text(run, f"{name}.csv")), keep_default_na=False, dtype={"id": str})


def read_text(run: Run, name: str) -> str:
    """A text that was logged to `run` under `name`.

    Raises:
        UserError: the run has none.
    """
    with reachable(), tempfile.TemporaryDirectory() as folder:
        try:
            return Path(run.client.download_artifacts(run.id, name, folder)).read_text(encoding="utf-8")
        except (MlflowException, OSError) as error:
            remedy = "Give the id of a training run of hpapipe."
            raise UserError(f"The run must hold {name}.", f"run {run.id}, which has none", remedy) from error


def read_bytes(run: Run, name: str) -> bytes | None:
    """A file that was logged to `run` under `name`; none where there is none."""
    with reachable(), tempfile.TemporaryDirectory() as folder:
        try:
            return Path(run.client.download_artifacts(run.id, name, folder)).read_bytes()
        except (MlflowException, OSError):
            return None


def page(run: Run) -> tuple[str, str]:
    """(experiment id, address of the tracking store): where MLflow's pages show a run."""
    return run.client.get_run(run.id).info.experiment_id, mlflow.get_tracking_uri()


def facts(run: Run) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """(params, tags, last metrics) of a run."""
    data = run.client.get_run(run.id).data
    return dict(data.params), dict(data.tags), dict(data.metrics)


def code_version() -> str:
    """The package's version, and the commit where it runs from a git checkout."""
    here = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+{told.stdout.strip()}"
