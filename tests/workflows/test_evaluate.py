"""A Version scored on a labelled folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run


@pytest.fixture
def evaluate(trained: Any, hpapipe: Any) -> Callable[..., Any]:
    """`hpapipe evaluate` of the Version of `trained`."""
    return lambda *words: hpapipe("evaluate", "--config", trained.recipe, "--which", "1", *words)


def evaluated() -> Run:
    """The only run that evaluates."""
    everything = [each.experiment_id for each in MlflowClient().search_experiments()]
    (run,) = MlflowClient().search_runs(everything, "tags.`hpapipe.kind` = 'evaluate'")
    return Run(run.info.run_id)


def test_on_its_own_set_only_unseen_fields_are_scored(trained: Any, evaluate: Any) -> None:
    """The probabilities are those of training."""
    ended = evaluate()
    assert (ended.code, ended.err) == (0, "")
    then = runs.read_table(Run(trained.run), "predictions").set_index("id")
    now = runs.read_table(evaluated(), "predictions").set_index("id")
    assert set(now.index) == set(then.index)
    columns = [f"probability of {label}" for label in "abc"]
    np.testing.assert_allclose(now[columns], then.loc[now.index, columns], atol=1e-6)
    assert list(now["truth"].astype(str)) == list(then.loc[now.index, "truth"].astype(str))


def test_on_another_set_all_fields_are_scored(evaluate: Any, image_folder: Callable[..., Any]) -> None:
    """The Version's own size and channels count, not those of the recipe."""
    other = image_folder(("0", "1", "2", "1 2"), name="other")
    ended = evaluate("--data.folder", other.folder, "--data.size", "64")
    assert ended.code == 0
    assert "it never saw" not in ended.out
    run = evaluated()
    assert len(runs.read_table(run, "predictions")) == 4
    _, tags, metrics = runs.facts(run)
    assert tags["hpapipe.version"] == "small/1"
    assert 0 <= metrics["score/macro_f1_low"] <= metrics["score/macro_f1"] <= metrics["score/macro_f1_high"] <= 1


def test_its_run_cannot_be_promoted(trained: Any, evaluate: Any, hpapipe: Any) -> None:
    """It asked a Version and made none, which is told in one line."""
    evaluate()
    ended = hpapipe("promote", evaluated().id, "--config", trained.recipe)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("Only a run with a Version of `small` can be promoted.")


def test_other_labels_are_refused(evaluate: Any) -> None:
    """Indices would mean other structures; no run is begun."""
    ended = evaluate("--data.labels", "x,y,z")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("The set must have the labels of the Version.")


def test_faulty_images_stop_it(trained: Any, evaluate: Any, image_folder: Callable[..., Any]) -> None:
    """The checks are those of training; the run is FAILED."""
    other = image_folder(("0", "1", "2", "1 2"), name="other")
    Path(other.folder, "train", "f01_red.png").write_bytes(b"")
    ended = evaluate("--data.folder", other.folder)
    assert ended.code == 2
    assert ended.err.startswith("All critical checks must pass.")
    assert MlflowClient().get_run(evaluated().id).info.status == "FAILED"


def test_images_of_another_depth_are_refused(evaluate: Any, image_folder: Callable[..., Any]) -> None:
    """The network's scaling was made for 8 bits."""
    other = image_folder(("0", "1", "2", "1 2"), name="other", dtype=np.uint16)
    ended = evaluate("--data.folder", other.folder)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("Images must have 8 bits, as those of training. Received 16 bits for f00.")


def test_there_must_be_such_a_version(trained: Any, hpapipe: Any) -> None:
    """Neither a champion nor a second Version."""
    for which in ("champion", "2"):
        ended = hpapipe("evaluate", "--config", trained.recipe, "--which", which)
        assert ended.code == 2
        assert f"none of `small` as {which}" in ended.err
    assert registry.champion("small") is None
