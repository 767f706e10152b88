"""Versions and their champion. The alias says who it is; tags of the registered model say who it was, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from hpapipe.errors import UserError, shown
from hpapipe.tracking.runs import Run, facts, find
from hpapipe.tracking.store import is_absent, reachable

CHAMPION = "champion"
HISTORY = "hpapipe.history."
LOGGED = "hpapipe.version"
"""Tag of a run: its logged model, and the tags of the Version that is made of it."""

NEEDS = ("mlflow", "keras", "tensorflow", "numpy", "pandas", "pillow")
"""What a Version needs where it is loaded."""


@dataclass(frozen=True)
class Change:
    """One change of champion.

    Args:
        kind: `promote` or `rollback`.
        version: the new champion's number; empty where a rollback left none.
        previous: the number before; empty where there was none.
        run: the run that made the new champion.
        why: in words.
        at: UTC, ISO 8601.
    """

    kind: str
    version: str
    previous: str
    run: str
    why: str
    at: str


def log_version(run: Run, folder: Path, module: str, metadata: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Log the folder written by a task as a model of `run`, to be registered now or later.

    Args:
        run: where it was made.
        folder: weights, preprocessing, thresholds and labels.
        module: dotted name of the task's module, whose `read_version(folder)` gives something with `answer(images)`.
        metadata: kept beside the model, readable without loading it.
        tags: of the Version, once it is registered.
    """
    here = Path(__file__)
    with mlflow.start_run(run_id=run.id, nested=True):
        logged = mlflow.pyfunc.log_model(
            name="version",
            python_model=str(here.with_name("version_code.py")),
            artifacts={"version": str(folder)},
            code_paths=[str(here.parents[1])],
            model_config={"module": module},
            metadata=dict(metadata),
            pip_requirements=[f"{name}=={installed(name)}" for name in NEEDS],
        )
    run.tags({LOGGED: json.dumps({"uri": logged.model_uri, "tags": dict(tags)})})


def has_version(run: Run, name: str) -> bool:
    """Whether `run` has a Version of `name`, registered or to be registered when it is asked for."""
    return is_logged(run) or bool(number_of(run, name))


def number_of(run: Run, name: str) -> str:
    """The number of the Version that `run` has under `name`; empty where none is registered."""
    with reachable() as client:
        found = client.search_model_versions(f"name = '{name}' AND run_id = '{run.id}'")
    return str(max(int(each.version) for each in found)) if found else ""


def run_of(name: str, which: str) -> Run | None:
    """The run that made a Version of `name`; none where there is no such Version.

    Args:
        name: registered model.
        which: an alias such as `champion`, or a number.
    """
    with reachable() as client:
        try:
            found = _version(client, name, which)
        except MlflowException as error:
            if not is_absent(error):
                raise
            return None
    return find(str(found.run_id))


def is_logged(run: Run) -> bool:
    """Whether `run` holds a Version, registered or not."""
    # Runs that asked a Version say its name and number under the same tag.
    return facts(run)[1].get(LOGGED, "").startswith("{")


def register(run: Run, model_uri: str, name: str, tags: Mapping[str, str]) -> str:
    """Register a logged model under `name`; returns the new Version's number."""
    with reachable() as client:
        if not _exists(client, name):
            client.create_registered_model(name)
        # MLflow's numbers are texts from a server and integers from a database.
        return str(client.create_model_version(name, model_uri, run_id=run.id, tags=dict(tags)).version)


def version_of(run: Run, name: str) -> str:
    """The number of the Version that `run` logged, which is registered under `name` if it is not yet.

    Raises:
        UserError: it logged none.
    """
    if number := number_of(run, name):
        return number
    if not is_logged(run):
        received = f"run {run.id}, which has none"
        remedy = "Give the id of a finished training run."
        raise UserError(f"Only a run with a Version of `{name}` can be promoted.", received, remedy)
    logged = json.loads(facts(run)[1][LOGGED])
    return register(run, logged["uri"], name, logged["tags"])


def champion(name: str) -> tuple[str, Run] | None:
    """(number, run) of the champion of `name`, or none."""
    with reachable() as client:
        try:
            found = client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if not is_absent(error):  # a store that is away must not look like a registry without a champion
                raise
            return None
    return str(found.version), find(str(found.run_id))


def promote(name: str, version: str, run: Run, why: str) -> Change:
    """Make `version` the champion, and write down who was it before and why."""
    before = champion(name)
    return _change(name, Change("promote", version, before[0] if before else "", run.id, why, _now()))


def rollback(name: str, why: str) -> Change:
    """Undo the last promotion that stands: its predecessor is champion again.

    Raises:
        UserError: no promotion stands.
    """
    standing = _standing(history(name))
    if not standing:
        received = f"no champion of `{name}`"
        raise UserError("There must be a promotion to undo.", received, "`hpapipe history` lists what was promoted.")
    last = standing[-1]
    run = ""
    if last.previous:
        with reachable() as client:
            run = str(client.get_model_version(name, last.previous).run_id)
    return _change(name, Change("rollback", last.previous, last.version, run, why, _now()))


def history(name: str) -> list[Change]:
    """All changes of champion of `name`, oldest first."""
    with reachable() as client:
        if not _exists(client, name):
            return []
        tags = client.get_registered_model(name).tags
    return [Change(**json.loads(tags[tag])) for tag in sorted(tags) if tag.startswith(HISTORY)]


def load(name: str, which: str = CHAMPION) -> tuple[Any, dict[str, Any], str]:
    """(model, metadata, number) of a Version.

    Args:
        name: registered model.
        which: an alias such as `champion`, or a number.

    Raises:
        UserError: there is no such Version.
    """
    number, _ = numbered(name, which)
    with reachable():
        before = list(sys.path)
        try:
            model = mlflow.pyfunc.load_model(f"models:/{name}/{number}")
        finally:
            # MLflow leaves the Version's own copy of this package there; processes begun later would run that.
            sys.path[:] = before
    return model, dict(model.metadata.metadata or {}), number


def numbered(name: str, which: str) -> tuple[str, str]:
    """(number, id of the run that made it) of a Version, which is not loaded.

    Args:
        name: registered model.
        which: an alias such as `champion`, or a number.

    Raises:
        UserError: there is no such Version.
    """
    with reachable() as client:
        try:
            found = _version(client, name, which)
        except MlflowException as error:
            if not is_absent(error):
                raise
            known = [each.name for each in client.search_registered_models()]
            remedy = "Run `hpapipe train` and `hpapipe promote` first, or set `register_as`."
            received = f"none of `{name}` as {which}; registered models: {shown(known) if known else 'none'}"
            raise UserError("There must be a Version to answer.", received, remedy) from error
    return str(found.version), str(found.run_id)


def _version(client: MlflowClient, name: str, which: str) -> ModelVersion:
    """The Version with this alias or number; MLflow's error where there is none."""
    return client.get_model_version(name, which) if which.isdigit() else client.get_model_version_by_alias(name, which)


def _standing(changes: list[Change]) -> list[Change]:
    """The promotions that no rollback undid."""
    standing: list[Change] = []
    for change in changes:
        if change.kind == "promote":
            standing.append(change)
        elif standing:
            standing.pop()
    return standing


def _change(name: str, change: Change) -> Change:
    """Write the history first: a kill in between leaves a reason without a change, never a change without a reason."""
    with reachable() as client:
        number = len(history(name)) + 1
        client.set_registered_model_tag(name, f"{HISTORY}{number:06d}", json.dumps(asdict(change)))
        if change.version:
            client.set_model_version_tag(name, change.version, f"hpapipe.{change.kind}.why", change.why)
            client.set_model_version_tag(
                name, change.version, f"hpapipe.{change.kind}.instead_of", change.previous or "none"
            )
            client.set_registered_model_alias(name, CHAMPION, change.version)
        else:
            client.delete_registered_model_alias(name, CHAMPION)
    return change


def _exists(client: MlflowClient, name: str) -> bool:
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if not is_absent(error):
            raise
        return False
    return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
