"""The whole path through the commands: train, promote, predict, evaluate, history, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from hpapipe import config

pytestmark = pytest.mark.whole

FIGURES = {
    "best_and_worst_fields", "f1_against_threshold", "f1_per_label", "label_co_occurrence", "loss_curves",
    "precision_recall", "weights",
}  # fmt: skip
TABLES = {
    "checks/images.csv", "checks/label_table.csv", "checks/measurements.csv", "checks/near_duplicates.csv",
    "per_label.csv", "predictions.csv", "recipe.yaml", "split.csv", "weights.json",
}  # fmt: skip
PER_LABEL = {f"{measure}/{label}" for measure in ("f1", "precision", "recall", "average_precision") for label in "abc"}
SUMMARY = {"macro_f1", "micro_f1", "mean_average_precision", "macro_precision", "macro_recall"}


def files(client: MlflowClient, run: str, folder: str = "") -> set[str]:
    """The paths of all artifacts of a run."""
    found: set[str] = set()
    for entry in client.list_artifacts(run, folder):
        found |= files(client, run, entry.path) if entry.is_dir else {entry.path}
    return found


def test_train_tells_what_came_out_and_the_next_command(trained: Any) -> None:
    """The last lines name the score with its interval, the Version, and the exact next command."""
    lines = trained.ended.out.splitlines()
    assert trained.ended.err == ""
    assert lines[-3].startswith("Macro F1 0.")
    assert lines[-2] == f"Version 1 of small registered from run {trained.run}"
    assert lines[-1] == f"Next: hpapipe promote {trained.run} --config {trained.recipe}"


def test_the_run_holds_everything(trained: Any) -> None:
    """Params are the whole recipe; tags, metrics with steps, the data set and a Version are there."""
    client = MlflowClient()
    run = client.get_run(trained.run)
    recipe = config.load(trained.recipe)
    assert run.info.status == "FINISHED"
    logged_by_mlflow = {"module": "hpapipe.tasks.classifier"}  # the configuration of the model
    whole = {name: str(value) for name, value in config.flatten(recipe).items()}
    assert run.data.params == whole | logged_by_mlflow
    tags = {name: value for name, value in run.data.tags.items() if name.startswith("hpapipe.")}
    assert tags["hpapipe.kind"] == "train"
    assert tags["hpapipe.labels"] == "3 labels, several a field: a, b, c"
    assert {"hpapipe.data", "hpapipe.split", "hpapipe.pack", "hpapipe.code", "hpapipe.backend"} < set(tags)

    (described,) = run.inputs.dataset_inputs
    assert (described.dataset.name, described.dataset.digest) == ("images", tags["hpapipe.data"])

    metrics = set(run.data.metrics)
    epoch = {
        "train/loss",
        "train/learning_rate",
        "train/images_per_second",
        "train/seconds_per_batch",
        "train/memory_mib",
    }
    assert epoch | {"val/loss"} | {f"val/{name}" for name in SUMMARY | PER_LABEL} <= metrics
    assert {f"score/{name}" for name in SUMMARY | PER_LABEL | {"macro_f1_low", "macro_f1_high"}} <= metrics
    assert {f"score/macro_f1_by/{rival}" for rival in ("constant", "ratio", "maximum")} <= metrics
    assert {"cost/training_seconds", "cost/memory_mib", "fit/best_epoch"} <= metrics
    for name in ("train/loss", "val/macro_f1", "val/f1/a"):
        assert [point.step for point in client.get_metric_history(trained.run, name)] == [1, 2]

    (version,) = client.search_model_versions("name = 'small'")
    assert (str(version.version), version.run_id, version.current_stage) == ("1", trained.run, "None")


def test_every_figure_lies_beside_its_table(trained: Any) -> None:
    """Figures, tables and texts of the run, and nothing else."""
    # Tests of a process share the artifacts of their run, and those of `hpapipe report` may have come before.
    paths = files(MlflowClient(), trained.run) - {"report.html"}
    assert paths == TABLES | {f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "csv")}


def test_the_logged_model_holds_no_pickle(trained: Any) -> None:
    """Weights are Keras files, code is source: nothing is unpickled where a Version is loaded."""
    client = MlflowClient()
    (version,) = client.search_model_versions("name = 'small'")
    folder = client.get_logged_model(version.source.removeprefix("models:/")).artifact_location
    names = {path.name for path in Path(folder.removeprefix("file://")).rglob("*") if path.is_file()}
    assert {"MLmodel", "network-000.keras", "spec.json", "version_code.py", "classifier.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_from_a_run_to_predictions_and_back(trained: Any, hpapipe: Any) -> None:
    """Promote, predict, evaluate, history, rollback: exit codes, what is written, and who is champion."""
    client = MlflowClient()
    same = ("--config", trained.recipe)

    ended = hpapipe("promote", trained.run, *same)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Version 1 is champion: the first champion")
    champion = client.get_model_version_by_alias("small", "champion")
    assert str(champion.version) == "1"
    assert champion.tags["hpapipe.promote.instead_of"] == "none"
    assert champion.tags["hpapipe.promote.why"] == "the first champion: nothing to compare with"

    ended = hpapipe("predict", trained.images / "train", *same, "--out", "answers")
    assert (ended.code, ended.err) == (0, "")
    table = pd.read_csv("answers/predictions.csv")
    assert list(table) == ["id", "Predicted", "names", "a", "b", "c"]
    assert list(table["id"]) == [f"f{number:02d}" for number in range(16)]
    challenge = pd.read_csv("answers/submission.csv")
    assert list(challenge) == ["Id", "Predicted"]
    assert list(challenge["Id"]) == list(table["id"])
    assert pd.read_csv("answers/unreadable.csv").empty

    logged = pd.read_csv(client.download_artifacts(trained.run, "predictions.csv")).set_index("id")
    assert 0 < len(logged) < 16
    scores = logged[[f"probability of {label}" for label in "abc"]]
    again = table.set_index("id").loc[logged.index, list("abc")]
    np.testing.assert_allclose(again.to_numpy(), scores.to_numpy(), atol=1e-6)

    ended = hpapipe("evaluate", *same)
    assert ended.code == 0
    assert f"only the {len(logged)} fields it never saw are scored" in ended.out
    (evaluated,) = client.search_runs(["1", "2"], "tags.`hpapipe.kind` = 'evaluate'")
    assert evaluated.info.run_id in ended.out
    assert evaluated.data.tags["hpapipe.version"] == "small/1"
    assert 0 <= evaluated.data.metrics["score/macro_f1"] <= 1
    assert "figures/f1_per_label.csv" in files(client, evaluated.info.run_id)

    ended = hpapipe("history", *same)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "Champion now: version 1")

    ended = hpapipe("rollback", *same, "--why", "a trial")
    assert ended.out.startswith("There is no champion now; version 1 was taken back")
    assert client.get_registered_model("small").aliases == {}
    ended = hpapipe("history", *same)
    assert ended.out.splitlines()[-1] == "Champion now: none"
    assert "a trial" in ended.out
