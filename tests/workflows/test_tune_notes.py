"""What the dashboard shows beside a trial: links that lead somewhere, the user's own words, and each figure once."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note, save_note

from hpapipe.workflows.tune_notes import LINE, artifact_store, note_of, present, write_note

RUN = "0123456789abcdef" * 2


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("http://tracking:5000", "http://tracking:5000"),
        ("https://tracking/mlflow/", "https://tracking/mlflow"),
        ("https://somebody:secret@tracking:8443", "https://tracking:8443"),
    ],
)
def test_a_tracking_server_is_linked(uri: str, server: str) -> None:
    """With its path, and without the password that its address may hold."""
    assert note_of(RUN, "3", uri) == f"- MLflow: experiment 3, run [{RUN}]({server}/#/experiments/3/runs/{RUN})"


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "postgresql://somebody:secret@host/mlflow"])
def test_a_store_without_pages_is_linked_as_mlflow_ui_shows_it(uri: str) -> None:
    """On this machine, at the port that `mlflow ui` takes."""
    page = f"http://127.0.0.1:5000/#/experiments/3/runs/{RUN}"
    assert note_of(RUN, "3", uri) == f"- MLflow: experiment 3, run [{RUN}]({page}), while `mlflow ui` runs"


def test_outcome_and_next_command_stand_around_the_link() -> None:
    """An entry each, in this order."""
    entries = note_of(RUN, "3", "http://t", ["macro F1 0.61", "4 epochs"], f"hpapipe promote {RUN}").split("\n")
    assert entries[:2] == ["- macro F1 0.61", "- 4 epochs"]
    assert entries[2].startswith("- MLflow: ")
    assert entries[3:] == [f"- Next: `hpapipe promote {RUN}`"]


def test_a_note_takes_the_place_of_the_one_before(study: optuna.Study) -> None:
    """On studies and on trials."""
    for shown in (study, study.ask()):
        write_note(shown, "first")
        write_note(shown, "second")
        assert get_note(shown) == f"second{LINE}"


@given(st.text(), st.text())
def test_what_the_user_wrote_stays(alone: str, below: str) -> None:
    """A note that was there before any of ours, and what is added below the line."""
    study = optuna.create_study()
    save_note(study, alone)
    write_note(study, "first")
    assert get_note(study).endswith(alone)
    save_note(study, get_note(study) + below)
    before = get_note(study)
    write_note(study, "second")
    assert get_note(study) == "second" + before.removeprefix("first")


def test_each_figure_is_shown_once(study: optuna.Study, tmp_path: Path) -> None:
    """A second call shows the newer picture in the place of the older; the folder is made."""
    folder, trial = tmp_path / "new" / "folder", study.ask()
    present(trial, "note", {"losses": b"old", "thresholds": b"same"}, folder)
    present(trial, "note", {"losses": b"new", "thresholds": b"same"}, folder)
    held = {
        meta.filename: (meta.mimetype, artifact_store(folder).open_reader(meta.artifact_id).read())
        for meta in get_all_artifact_meta(trial)
    }
    assert held == {"losses.png": ("image/png", b"new"), "thresholds.png": ("image/png", b"same")}
    assert len(list(folder.iterdir())) == 2
    assert get_note(trial) == f"note{LINE}"


def test_trials_do_not_share_figures(study: optuna.Study, tmp_path: Path) -> None:
    """Two of one name are two."""
    for content in (b"one", b"two"):
        present(study.ask(), "note", {"losses": content}, tmp_path)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"one", b"two"]


def test_a_figure_that_was_deleted_in_the_dashboard_comes_again(study: optuna.Study, tmp_path: Path) -> None:
    """Deleting leaves `null` in the trial, which Optuna's own list of artifacts stumbles over."""
    trial = study.ask()
    present(trial, "note", {"losses": b"old"}, tmp_path)
    (name,) = (path.name for path in tmp_path.iterdir())
    (tmp_path / name).unlink()
    trial.storage.set_trial_system_attr(trial._trial_id, f"artifacts:{name}", "null")
    present(trial, "note", {"losses": b"new"}, tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_a_trial_that_has_ended_takes_no_figures(study: optuna.Study, tmp_path: Path) -> None:
    """Optuna's rule, so figures are given while it runs; its note can still be changed."""
    trial = study.ask()
    study.tell(trial, 0.5)
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        present(trial, "note", {"losses": b"late"}, tmp_path)
    assert list(tmp_path.iterdir()) == []
    present(trial, "note", {}, tmp_path)
    assert get_note(trial) == f"note{LINE}"
