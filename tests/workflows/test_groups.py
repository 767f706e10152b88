"""Groups of labels with a network of their own: one tracked training, one Version that answers them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from hpapipe import config
from hpapipe.imageset.view import View
from hpapipe.tasks.classifier import Classifier, Member
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run

TARGETS = ("0", "1", "2", "0 1", "1 2", "0 2") * 2
PROBABILITIES = [f"probability of {label}" for label in "abc"]


@pytest.fixture(scope="module")
def once(train_once: Callable[..., Any], inside: Callable[..., Any]) -> Any:
    """Label a alone, and labels b and c together: stopped after the first epoch of the second network, and resumed."""
    from hpapipe.workflows import fold

    logged: list[str] = []
    plain = fold.log_epoch

    def log(run: Run, row: Any) -> None:
        plain(run, row)
        logged.append(run.id)
        if len(logged) == 3:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "log_epoch", log)
        stopped = train_once(TARGETS, code=130, groups=[[0], [1, 2]])
    assert len(set(logged)) == 2
    ended = inside(stopped, "train", "--resume", stopped.run)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("Going on after epoch") == 2
    return stopped


@pytest.fixture
def grouped(once: Any, lent: Callable[[Any], Any]) -> Any:
    """That training, lent to the test."""
    return lent(once)


def version() -> Classifier:
    classifier: Classifier = registry.load("small", "1")[0].unwrap_python_model().version
    return classifier


def test_each_group_is_a_run_below_the_run(grouped: Any) -> None:
    """Named by its labels; a resumed training goes on in the same runs, and no epoch stands twice."""
    client = MlflowClient()
    parts = runs.children(Run(grouped.run))
    assert [runs.facts(part)[1]["mlflow.runName"] for part in parts] == ["label 0", "labels 1 to 2"]
    assert [runs.facts(part)[1]["hpapipe.part"] for part in parts] == ["label 0", "labels 1 to 2"]
    for part, labels in zip(parts, ("a", "bc"), strict=True):
        run = client.get_run(part.id)
        assert run.info.status == "FINISHED"
        assert run.data.params["groups"] == "[[0], [1, 2]]"
        for name in ("train/loss", "val/loss", "val/macro_f1"):
            assert [point.step for point in client.get_metric_history(part.id, name)] == [1, 2]
        assert {name for name in run.data.metrics if name.startswith("val/f1/")} == {
            f"val/f1/{each}" for each in labels
        }
    whole = client.get_run(grouped.run)
    assert whole.info.status == "FINISHED"
    assert {f"score/f1/{label}" for label in "abc"} <= set(whole.data.metrics)
    assert "train/loss" not in whole.data.metrics


def test_the_version_answers_all_labels(grouped: Any) -> None:
    """By a softmax over two outputs for the label alone, and a sigmoid each for the two."""
    classifier = version()
    view = View("whole", (32, 32), (256, 256))
    assert classifier.spec.members == (Member(view, (0,), 0), Member(view, (1, 2), 0))
    assert classifier.spec.labels == ("a", "b", "c")
    heads = [network.get_layer("head") for network in classifier.networks]
    assert [(head.units, head.activation.__name__) for head in heads] == [(2, "softmax"), (2, "sigmoid")]


def test_each_networks_answers_stand_in_its_own_columns(grouped: Any) -> None:
    """In the run's table, as the networks themselves answer; the same in the tables of `predict`."""
    table = runs.read_table(Run(grouped.run), "predictions").set_index("id")
    held_out = runs.read_table(Run(grouped.run), "split").query("fold == 0")["id"]
    assert sorted(table.index) == sorted(held_out)
    data = config.load(grouped.recipe).data
    from hpapipe.imageset.images import ImageSet

    images = ImageSet(grouped.images, data, tuple(table.index), np.zeros((len(table), 3), np.uint8))
    seen = np.stack([images.read(field) for field in range(len(images))])
    classifier = version()
    single, pair = (np.asarray(network.predict(seen, verbose=0)) for network in classifier.networks)
    expected = np.column_stack([single[:, 1], pair])
    np.testing.assert_allclose(table[PROBABILITIES], expected, atol=1e-6)
    np.testing.assert_allclose(classifier.probabilities(seen), expected, atol=1e-6)


def test_promoted_it_predicts_and_is_evaluated(grouped: Any, hpapipe: Any) -> None:
    """As any other Version."""
    assert hpapipe("promote", grouped.run, "--config", grouped.recipe).code == 0
    ended = hpapipe("predict", grouped.images / "train", "--config", grouped.recipe, "--out", "answers")
    assert (ended.code, ended.err) == (0, "")
    answered = pd.read_csv("answers/predictions.csv").set_index("id")
    then = runs.read_table(Run(grouped.run), "predictions").set_index("id")
    np.testing.assert_allclose(answered.loc[then.index, list("abc")], then[PROBABILITIES], atol=1e-6)
    ended = hpapipe("evaluate", "--config", grouped.recipe)
    assert ended.code == 0
    assert f"only the {len(then)} fields it never saw are scored" in ended.out


def test_a_finished_training_can_be_resumed_without_harm(grouped: Any, hpapipe: Any) -> None:
    """No further run, no further Version."""
    ended = hpapipe("train", "--resume", grouped.run)
    assert (ended.code, ended.err) == (0, "")
    assert len(runs.children(Run(grouped.run))) == 2
    assert [found.run_id for found in MlflowClient().search_model_versions("name = 'small'")] == [grouped.run]
    assert Path("workspace", "runs", grouped.run, "fold-0-part-1", "state.json").exists()
