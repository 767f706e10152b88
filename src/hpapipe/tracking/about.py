"""What a run says of itself beside its params, tags and artifacts: when it ran, on which set, and epoch by epoch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from hpapipe.tracking.runs import Run, metric_name


@dataclass(frozen=True)
class About:
    """A run as it stands.

    Args:
        name: in MLflow.
        experiment: that it is in.
        status: RUNNING, FINISHED, FAILED or KILLED.
        begun: UTC.
        ended: UTC; none while it runs.
        data: name of the set that it was given; empty where it came to none.
        rows: of that set.
    """

    name: str
    experiment: str
    status: str
    begun: datetime
    ended: datetime | None
    data: str
    rows: int


def read_about(run: Run) -> About:
    """What `run` is."""
    found = run.client.get_run(run.id)
    info, given = found.info, found.inputs.dataset_inputs if found.inputs else []
    profile = json.loads(given[0].dataset.profile or "{}") if given else {}
    return About(
        info.run_name or run.id,
        run.client.get_experiment(info.experiment_id).name,
        info.status,
        _at(info.start_time),
        _at(info.end_time) if info.end_time else None,
        given[0].dataset.name if given else "",
        int(profile.get("num_rows", 0)),
    )


def read_history(run: Run, names: Iterable[str]) -> pd.DataFrame:
    """`epoch` and those of these metrics that the run has, a row an epoch."""
    found = {name: run.client.get_metric_history(run.id, metric_name(name)) for name in names}
    values = {name: {each.step: each.value for each in history} for name, history in found.items() if history}
    return pd.DataFrame(values).rename_axis("epoch").sort_index().reset_index()


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
