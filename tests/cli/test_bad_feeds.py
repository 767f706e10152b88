"""Ways to feed, groups and views that do not fit the data: exit code 2, one line, no traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hpapipe.tracking.runs import Run


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--groups", "[[0], [1]]"), "must fit one another. Received groups that leave out the labels 2 in {recipe}."),
        (("--groups", "[[0, 1], [1, 2]]"), "Received groups that overlap: label 1 stands in them more than once"),
        (("--groups", "[[0..2], [3]]"), "Received groups with 3, which is no label that is learned"),
        (("--groups", "4"), "Received 4 groups for 3 labels"),
        (("--groups", "halves"), "`groups`: groups must be a number, or lists of label indices such as [[0..13],"),
        (("--groups", "2", "--data.one_label", "true"), "exactly one (data.one_label: true)"),
        (("--data.learn", "a,d"), "`data`: learn must name labels, not d ("),
        (("--feed.strategy", "vitoly"), "Received model.mix with the channel yellow, where data.channels are red, gre"),
        (("--feed.strategy", "fast"), "`feed.strategy`: Input should be 'packed', 'original', 'vitoly', 'haltuf',"),
        (("--feed.batch_size", "fast"), "must be a whole number of 1 or more, or `fastest`. Received `fast`."),
        (("--feed.batch_size", "fastest"), "`feed.batch_size: fastest` needs a finished speed study of this network"),
        (("--data.cut", "crops", "--data.field_size", "24"), "of size (32, 32) must fit into field_size (24, 24)"),
    ],
    ids=["left out", "overlap", "unknown", "too many", "words", "one label", "learn", "mix", "strategy", "batch size",
         "fastest", "crops"],
)  # fmt: skip
def test_a_recipe_that_does_not_fit_itself(recipe: Path, hpapipe: Any, words: tuple[str, ...], line: str) -> None:
    """Before any image is looked at."""
    ended = hpapipe("train", "--config", recipe, *words)
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")
    assert line.format(recipe=recipe) in ended.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--feed.batch_size", "7"), "`feed.batch_size` must not exceed the training fields. Received 7 for 5 fields."),
        (("--data.cut", "corner", "--data.size", "48"),
         "A field must hold the corner of 48×48 pixels. Received 32×32 pixels for f00. Lower `data.size`"),
        (("--data.cut", "corner", "--data.size", "40,16", "--feed.source", "files"),
         "A field must hold the corner of 40×16 pixels. Received 32×32 pixels for f00. Lower `data.size`"),
    ],
    ids=["batch size", "corner", "corner from files"],
)  # fmt: skip
def test_a_feed_that_does_not_fit_the_images(recipe: Path, hpapipe: Any, words: tuple[str, ...], line: str) -> None:
    """The run is FAILED, and nothing is registered."""
    ended = hpapipe("train", "--config", recipe, *words)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith(line)
    client = MlflowClient()
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert run.info.status == "FAILED"
    assert client.search_registered_models() == []


def test_a_file_that_vanishes_while_training(
    recipe: Path, folder: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read anew in each epoch: one line names it, and with the file back the run goes on."""
    from hpapipe.workflows import fold

    plain: Callable[..., None] = fold.log_epoch
    hidden = [(file, file.read_bytes()) for file in sorted((folder / "train").iterdir())]

    def log(run: Run, row: Any) -> None:
        plain(run, row)
        for file, _ in hidden:
            file.unlink()

    words = ("--feed.source", "files", "--fit.epochs", "2")
    with monkeypatch.context() as patch:
        patch.setattr(fold, "log_epoch", log)
        ended = hpapipe("train", "--config", recipe, *words)
    assert ended.code == 2
    assert ended.err.startswith("Each channel must have its file. Received none at f")
    assert len(ended.err.splitlines()) == 1
    client = MlflowClient()
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert run.info.status == "FAILED"
    for file, held in hidden:
        file.write_bytes(held)
    ended = hpapipe("train", "--resume", run.info.run_id)
    assert (ended.code, ended.err) == (0, "")
    assert "Going on after epoch 1" in ended.out
