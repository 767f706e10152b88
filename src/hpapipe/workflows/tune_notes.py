"""What Optuna's dashboard shows beside a trial or a study: a note that leads to MLflow's run, and figures."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna_dashboard import get_note, save_note

LOCAL = "http://127.0.0.1:5000"
"""Where `mlflow ui` answers on this machine."""

LINE = "\n\n---\n*Written by hpapipe. What you write below this line stays.*"
"""Ends what is written here in a note; all that follows is the user's."""

ARTIFACT = "artifacts:"
"""Optuna's beginning of the system attributes that name artifacts."""


def note_of(run_id: str, experiment_id: str, tracking_uri: str, lines: Sequence[str] = (), command: str = "") -> str:
    """Markdown that leads from a trial or a study to its run in MLflow.

    Args:
        run_id: of the trial or the study.
        experiment_id: of that run.
        tracking_uri: of MLflow.
        lines: what came out, Markdown, an entry each.
        command: what can be done next, such as `hpapipe promote RUN`; none: nothing.
    """
    page = f"{_server(tracking_uri) or LOCAL}/#/experiments/{experiment_id}/runs/{run_id}"
    link = f"MLflow: experiment {experiment_id}, run [{run_id}]({page})"
    entries = [*lines, link if _server(tracking_uri) else f"{link}, while `mlflow ui` runs"]
    if command:
        entries.append(f"Next: `{command}`")
    return "\n".join(f"- {entry}" for entry in entries)


def write_note(shown: optuna.Trial | optuna.Study, note: str) -> None:
    """Put `note` in the place of the one written before; what the user wrote below its line, or alone, stays."""
    before = get_note(shown)
    theirs = before.partition(LINE)[2] if LINE in before else f"\n\n{before}" if before else ""
    save_note(shown, f"{note}{LINE}{theirs}")


def present(trial: optuna.Trial, note: str, figures: Mapping[str, bytes], folder: Path) -> None:
    """Show `note` and `figures` beside a trial, each figure once however often this is called.

    Args:
        trial: still running: Optuna takes no artifacts for one that has ended.
        note: Markdown.
        figures: name -> PNG.
        folder: of the artifacts, made where it does not exist.

    Raises:
        OSError: the folder cannot be written.
        optuna.exceptions.UpdateFinishedTrialError: the trial has ended.
    """
    store = artifact_store(folder)
    there = _artifacts(trial)
    with tempfile.TemporaryDirectory() as place:
        for name, png in figures.items():
            path = Path(place) / f"{name}.png"
            if path.name in there:
                store.write(there[path.name], io.BytesIO(png))
                continue
            path.write_bytes(png)
            upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=trial)
    write_note(trial, note)


def artifact_store(folder: Path) -> FileSystemArtifactStore:
    """The artifacts of all studies, in a folder that is made where it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    return FileSystemArtifactStore(folder)


def _artifacts(trial: optuna.Trial) -> dict[str, str]:
    """File name -> id of the trial's artifacts.

    Optuna's own list of them fails where one was deleted in the dashboard, which leaves `null`.
    """
    attributes = trial.storage.get_trial_system_attrs(trial._trial_id)
    told = [json.loads(value) for name, value in attributes.items() if name.startswith(ARTIFACT)]
    return {each["filename"]: each["artifact_id"] for each in told if each}


def _server(tracking_uri: str) -> str:
    """The address of a tracking server without user and password; empty where MLflow has none."""
    parts = urlsplit(tracking_uri)
    if parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
