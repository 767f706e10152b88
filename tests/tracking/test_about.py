"""What a run says of itself, and what it logged epoch by epoch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from hpapipe.tracking import runs
from hpapipe.tracking.about import read_about, read_history


def test_a_finished_run(store: Path) -> None:
    """Its name, times and set."""
    before = datetime.now(UTC).replace(microsecond=0)
    with runs.running("small", {"mlflow.runName": "tiny"}) as run:
        assert read_about(run).ended is None
        run.dataset(pd.DataFrame({"id": ["a", "b"]}), "/somewhere/images", "images", "abc")
    about = read_about(run)
    assert (about.name, about.experiment, about.status) == ("tiny", "small", "FINISHED")
    assert (about.data, about.rows) == ("images", 2)
    assert about.ended is not None
    assert before <= about.begun <= about.ended <= datetime.now(UTC)


def test_a_run_without_a_set(store: Path) -> None:
    """It came to none."""
    with runs.running("small", {}) as run:
        pass
    assert (read_about(run).data, read_about(run).rows) == ("", 0)


def test_epochs_are_in_order_with_gaps_where_nothing_was_logged(store: Path) -> None:
    """A metric that the run has not is no column; the last value of an epoch counts."""
    with runs.running("small", {}) as run:
        for epoch, loss in ((2, 0.5), (1, 0.9), (1, 0.8)):
            run.metrics({"train/loss": loss}, step=epoch)
        run.metrics({"val/loss": 0.7}, step=2)
    table = read_history(run, ["train/loss", "val/loss", "val/macro_f1"])
    assert list(table) == ["epoch", "train/loss", "val/loss"]
    assert table["epoch"].tolist() == [1, 2]
    assert table["train/loss"].tolist() == [0.8, 0.5]
    assert table["val/loss"].isna().tolist() == [True, False]
    assert read_history(run, ["val/macro_f1"]).columns.tolist() == ["epoch"]
