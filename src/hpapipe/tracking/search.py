"""Finished runs by what they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpapipe.tracking.store import reachable

MOST = 10_000  # runs in one answer; the store gives 50,000 at most


@dataclass(frozen=True)
class Found:
    """A run as it was found: its id, params, tags and last metrics."""

    id: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def finished(tags: Mapping[str, str]) -> list[Found]:
    """The finished runs of all experiments that carry these tags, the newest first.

    Args:
        tags: name -> value, without quotes in them.

    Raises:
        UserError: the store is away.
    """
    wanted = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
    query = " AND ".join([*wanted, "attributes.status = 'FINISHED'"])
    with reachable() as client:
        everything = [each.experiment_id for each in client.search_experiments()]
        order = ["attributes.start_time DESC"]
        found = client.search_runs(everything, query, max_results=MOST, order_by=order)
    return [Found(run.info.run_id, dict(run.data.params), dict(run.data.tags), dict(run.data.metrics)) for run in found]
