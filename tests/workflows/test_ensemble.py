"""Networks of finished runs asked again, together: one Version, and what each step brings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.imageset.augment import turned
from hpapipe.imageset.images import ImageSet
from hpapipe.tasks.classifier import Classifier
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import ensemble as module
from hpapipe.workflows.kept import keep_recipe, recipe_of

PROBABILITIES = [f"probability of {label}" for label in "abc"]


class Together(NamedTuple):
    """A store with two trained runs, the second of which crops, and an ensemble of both, turned."""

    trained: Any
    runs: tuple[str, str]
    joined: str
    ended: Any


@pytest.fixture(scope="module")
def once(train_once: Callable[..., Any], inside: Callable[..., Any]) -> Together:
    """Both runs and their ensemble, done once."""
    first = train_once(("0", "1", "2", "0 1") * 3, fit={"epochs": 1})
    crops = ("--data.cut", "crops", "--data.size", "16", "--data.field_size", "24", "--answer.crops", "2")
    ended = inside(first, "train", "--config", first.recipe, "--seed", "5", *crops)
    assert ended.code == 0, ended.err
    second = ended.out.split()[-3]
    joined = inside(first, "ensemble", first.run, second, "--answer.turns", "true", "--answer.crops", "2")
    assert joined.code == 0, joined.err
    return Together(first, (first.run, second), joined.out.split()[-1], joined)


@pytest.fixture
def together(once: Together, lent: Callable[[Any], Any]) -> Together:
    """That store, lent to the test."""
    return once._replace(trained=lent(once.trained))


def probabilities(run: str) -> pd.DataFrame:
    return runs.read_table(Run(run), "predictions").set_index("id").sort_index()[PROBABILITIES]


def classifier(run: str) -> Classifier:
    number = registry.version_of(Run(run), "small")
    found: Classifier = registry.load("small", number)[0].unwrap_python_model().version
    return found


def test_it_tells_its_steps_and_the_next_command(once: Together) -> None:
    """Each run as it was, each asked in the new way, and all together."""
    assert once.ended.err == ""
    assert once.ended.out.splitlines()[-2:] == [
        f"Version 3 of small registered from run {once.joined}",
        f"Next: hpapipe promote {once.joined}",
    ]


def test_the_steps_are_logged(together: Together) -> None:
    """The first are the runs' own scores, the last is the ensemble's."""
    steps = runs.read_table(Run(together.joined), "steps").set_index("what")
    names = ["residual, 32×32", "residual, 16×16"]
    first, second = (f"{name} ({run[:6]})" for name, run in zip(names, together.runs, strict=True))
    assert list(steps.index) == [first, second, f"{first}, asked so", f"{second}, asked so", "together"]
    for name, run in zip(steps.index, (*together.runs, None, None, together.joined), strict=True):
        if run:
            metrics = runs.facts(Run(run))[2]
            for column in ("macro_f1", "macro_f1_low", "macro_f1_high"):
                assert steps.loc[name, column] == pytest.approx(metrics[f"score/{column}"], abs=1e-6)


def test_the_answers_are_the_mean_over_networks_and_turns(together: Together) -> None:
    """Of the eight ways of the whole field, and of four crops in eight ways each."""
    found = probabilities(together.joined)
    assert list(found.index) == list(probabilities(together.runs[0]).index)
    data = config.load(together.trained.recipe).data
    means = []
    for run, cut, origins in zip(
        together.runs,
        ({}, {"cut": "crops", "size": (16, 16), "field_size": (24, 24)}),
        ([(0, 0)], [(0, 0), (0, 8), (8, 0), (8, 8)]),
        strict=True,
    ):
        own = data.model_copy(update=cut)
        images = ImageSet(together.trained.images, own, tuple(found.index), np.zeros((len(found), 3), np.uint8))
        fields = np.stack([images.read(field) for field in range(len(images))])
        (network,) = classifier(run).networks
        ways = [
            network.predict_on_batch(turned(fields[:, top : top + own.size[0], left : left + own.size[1]], way))
            for way in range(8)
            for top, left in origins
        ]
        means.append(np.mean(ways, axis=0))
    np.testing.assert_allclose(found, np.mean(means, axis=0), atol=1e-5)


def test_its_version_is_promoted_and_answers_as_it_was_scored(together: Together, hpapipe: Any) -> None:
    """Networks of two views in one Version, which never saw the fields that it was scored on."""
    spec = classifier(together.joined).spec
    assert [member.view.cut for member in spec.members] == ["whole", "crops"]
    assert (spec.turns, spec.members[1].view.crops) == (True, 2)
    config_words = ("--config", together.trained.recipe)
    assert hpapipe("promote", together.joined, *config_words).code == 0
    ended = hpapipe("predict", together.trained.images / "train", *config_words, "--out", "answers")
    assert (ended.code, ended.err) == (0, "")
    answered = pd.read_csv("answers/predictions.csv").set_index("id")[["a", "b", "c"]]
    then = probabilities(together.joined)
    np.testing.assert_allclose(answered.loc[then.index], then, atol=1e-5)
    ended = hpapipe("evaluate", *config_words)
    assert ended.code == 0
    assert f"only the {len(then)} fields it never saw are scored" in ended.out


def test_an_ensemble_can_be_joined_again(together: Together, hpapipe: Any) -> None:
    """With one of its own runs: every network counts alike, in the score as in the Version."""
    ended = hpapipe("ensemble", together.joined, together.runs[0])
    assert (ended.code, ended.err) == (0, "")
    joined = ended.out.split()[-1]
    assert len(classifier(joined).networks) == 3
    assert hpapipe("promote", joined, "--config", together.trained.recipe).code == 0
    hpapipe("predict", together.trained.images / "train", "--config", together.trained.recipe, "--out", "answers")
    answered = pd.read_csv("answers/predictions.csv").set_index("id")[["a", "b", "c"]]
    then = probabilities(joined)
    np.testing.assert_allclose(answered.loc[then.index], then, atol=1e-5)


def refused(words: Any, overrides: dict[str, str] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        module.ensemble(words, overrides or {})
    (line,) = caught.value.lines
    return line


@pytest.mark.parametrize(
    ("tag", "meaning"), [("hpapipe.split", "split"), ("hpapipe.data", "data"), ("hpapipe.labels", "label set")]
)
def test_runs_must_have_what_makes_their_answers_one(together: Together, tag: str, meaning: str) -> None:
    """Else a network would be asked about fields that it was trained on, or for other labels."""
    MlflowClient().set_tag(together.runs[1], tag, "another")
    line = refused(together.runs)
    assert line.startswith(f"Runs of an ensemble must have the same {meaning}. Received different ones in ")
    assert all(run in line for run in together.runs)


@pytest.mark.parametrize(
    ("options", "meaning"),
    [({"split.validate_on": "1"}, "validated folds"), ({"data.channels": "green,red"}, "channels")],
    ids=["folds", "channels"],
)
def test_runs_must_have_seen_the_same_channels_and_folds(
    together: Together, options: dict[str, str], meaning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As their recipes say."""

    def other(run: Run) -> Recipe:
        recipe = recipe_of(run)
        return config.changed(recipe, options) if run.id == together.runs[1] else recipe

    monkeypatch.setattr(module, "recipe_of", other)
    assert refused(together.runs).startswith(f"Runs of an ensemble must have the same {meaning}.")


def test_the_data_must_still_be_those(together: Together, hpapipe: Any, image_folder: Callable[..., Any]) -> None:
    """Another label is other data; the run is FAILED."""
    other = image_folder(("1", "1", "2", "0 1") * 3)
    ended = hpapipe("ensemble", *together.runs, "--data.folder", other.folder)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("An ensemble must find the data that its runs were trained on. Received other data in ")
    client = MlflowClient()
    begun = client.search_runs([each.experiment_id for each in client.search_experiments()], max_results=1)
    assert begun[0].info.status == "FAILED"


def test_only_a_run_with_a_version_can_be_joined(together: Together) -> None:
    """A run that does not exist, one that was stopped, and one that kept no recipe."""
    assert refused(["0123"]).startswith("A run must exist. Received `0123`")
    with runs.running("small", {}) as run:
        pass
    assert refused([together.runs[0], run.id]).startswith("The run must hold recipe.yaml.")
    keep_recipe(run, config.load(together.trained.recipe))
    line = refused([together.runs[0], run.id])
    assert f"Received run {run.id}, which has none." in line


def test_runs_are_named_once_and_options_of_training_stay(tmp_path: Path) -> None:
    """Told before the store is asked."""
    assert refused(["x", "y", "x"]).startswith("Each run must be named once.")
    for name in ("fit.epochs", "data.size", "split.folds", "groups", "seed", "feed.batch_size", "model.name"):
        line = refused(["x"], {name: "3"})
        assert line.startswith(f"Only what training does not depend on can be changed now. Received `{name}`.")
    assert "Did you mean `answer.turns`?" in refused(["x"], {"data.turns": "true"})
