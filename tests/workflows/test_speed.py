"""Speed studies: what is tracked, drawn, marked, stopped and resumed. In most of them, what a cell gives is set."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as Entity

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.tracking import runs
from hpapipe.workflows import speed, speed_cell
from hpapipe.workflows.fastest import fastest, settled
from hpapipe.workflows.speed_cell import FAILED, MEASURED, OUT_OF_MEMORY, Outcome

CPU = {"hpapipe.device": "cpu"}


def measured(rate: float) -> Outcome:
    rates = {"images_per_second": rate, "images_per_second_low": rate - 1, "images_per_second_high": rate + 1}
    return Outcome(MEASURED, "", {**rates, "seconds_per_batch": 1 / rate, "memory_mib": 10.0, "parameters": 85.0}, CPU)


@pytest.fixture
def recipe(store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path]) -> Callable[..., Recipe]:
    """A recipe of twelve fields, of which six train, for two feeds and two batch sizes."""
    folder = image_folder(("0", "1", "2", "0 1") * 3).folder

    def make(**sections: Any) -> Recipe:
        wanted = {"architectures": ["residual"], "feeds": ["packed", "original"], "batch_sizes": [2, 4]}
        section = {**wanted, "seconds": 0.05, "repeats": 2, **sections.pop("speed", {})}
        return config.load(recipe_file(folder, **{"speed": section, **sections}))

    return make


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sets what cells give, by (feed, batch size); returns the list of those that were measured."""

    def set_to(given: dict[tuple[str, int], Any]) -> list[str]:
        asked: list[str] = []

        def measure(recipe: Recipe, images: Any, most: int) -> Outcome:
            cell = recipe.feed.strategy, int(recipe.feed.batch_size)
            asked.append(f"{recipe.model.name} {cell[0]} {cell[1]}")
            assert images.data == recipe.data
            found = given.get(cell, measured(10.0 * cell[1]))
            if isinstance(found, BaseException):
                raise found
            outcome: Outcome = found
            return outcome

        monkeypatch.setattr(speed, "measure_cell", measure)
        return asked

    return set_to


def all_runs() -> list[Entity]:
    """Every run in the store, oldest first."""
    client = MlflowClient()
    everything = [each.experiment_id for each in client.search_experiments()]
    return list(client.search_runs(everything, order_by=["attributes.start_time ASC"]))


def cells_of(study: str) -> dict[str, Entity]:
    return {run.info.run_name: run for run in all_runs() if run.data.tags.get("mlflow.parentRunId") == study}


def test_every_cell_is_a_part_of_the_study(recipe: Any, bench: Any) -> None:
    """With its params and numbers; the study has the tables, the figures and a description."""
    bench({})
    study = speed.speed(recipe())
    cells = cells_of(study.run_id)
    assert list(cells) == [
        "residual, packed, 2",
        "residual, packed, 4",
        "residual, original, 2",
        "residual, original, 4",
    ]
    one = cells["residual, original, 4"]
    assert one.info.status == "FINISHED"
    params = {"architecture": "residual", "feed": "original", "batch_size": "4", "data.cut": "corner"}
    assert params | {"feed.source": "files", "feed.batch_size": "4"} == {
        name: one.data.params[name] for name in (*params, "feed.source", "feed.batch_size")
    }
    assert (one.data.metrics["speed/images_per_second"], one.data.metrics["speed/memory_mib"]) == (40.0, 10.0)
    assert (one.data.tags["hpapipe.kind"], one.data.tags["hpapipe.speed.outcome"]) == ("speed_cell", "measured")
    (parent,) = (run for run in all_runs() if run.info.run_id == study.run_id)
    assert (parent.data.tags["hpapipe.kind"], parent.info.run_name) == ("speed", "speed study")
    assert "| residual | packed | 4 | 40 |" in parent.data.tags["mlflow.note.content"]
    client = MlflowClient()
    assert {"speed.csv", "fastest.csv"} <= {file.path for file in client.list_artifacts(study.run_id)}
    assert "figures/speed_residual.png" in {file.path for file in client.list_artifacts(study.run_id, "figures")}
    kept = runs.read_table(runs.find(study.run_id), "fastest")
    assert kept.to_numpy().tolist() == [["residual", "packed", 4, 40.0], ["residual", "original", 4, 40.0]]


def test_larger_batches_than_one_without_memory_are_not_tried(recipe: Any, bench: Any) -> None:
    """The other feed goes on; a later study of the same cells knows nothing of it."""
    asked = bench({("packed", 2): Outcome(OUT_OF_MEMORY, "signal 9")})
    study = speed.speed(recipe())
    assert study.table["outcome"].tolist() == ["out of memory", "not tried", "measured", "measured"]
    assert asked == ["residual packed 2", "residual original 2", "residual original 4"]
    assert study.unmeasured == [
        "residual, packed, batch size 2: out of memory, signal 9",
        "residual, packed, batch size 4: not tried, larger than 2, which ran out of memory",
    ]
    marked = cells_of(study.run_id)["residual, packed, 2"]
    assert (marked.info.status, marked.data.tags["hpapipe.speed.reason"]) == ("FINISHED", "signal 9")


def test_what_does_not_fit_is_marked_and_starts_no_process(recipe: Any, bench: Any) -> None:
    """A mix of absent channels, images too small for an architecture, a batch larger than the training part."""
    asked = bench({})
    section = {"architectures": ["residual", "model14"], "feeds": ["packed", "vitoly"], "batch_sizes": [2, 8]}
    study = speed.speed(recipe(speed=section))
    assert asked == ["residual packed 2"]
    assert study.table["outcome"].tolist() == ["measured", *["failed"] * 7]
    reasons = study.table["reason"]
    assert reasons[1] == "8 fields in a batch, of 6 that train"
    assert all("the channel yellow" in reason for reason in reasons[[2, 3, 6, 7]])
    assert "75×75" in reasons[4]
    assert cells_of(study.run_id)["residual, packed, 8"].info.status == "FAILED"


def test_a_study_whose_cells_all_fail_says_why(recipe: Any, bench: Any) -> None:
    """The study's run is FAILED, with its table."""
    bench({(feed, size): Outcome(FAILED, f"no {feed} {size}") for feed in ("packed", "original") for size in (2, 4)})
    with pytest.raises(UserError, match=r"4 cells, of which none could be measured; the first: no packed 2"):
        speed.speed(recipe())
    (study,) = (run for run in all_runs() if run.data.tags["hpapipe.kind"] == "speed")
    assert study.info.status == "FAILED"
    assert len(runs.read_table(runs.find(study.info.run_id), "speed")) == 4


def test_a_stopped_study_goes_on_where_it_was(recipe: Any, bench: Any, capsys: Any) -> None:
    """Finished cells stand, the one that was stopped and those that failed are measured, each in the run it had."""
    bench({("packed", 2): Outcome(FAILED, "for now"), ("original", 2): KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        speed.speed(recipe())
    stopped = all_runs()
    study = stopped[0].info.run_id
    assert [run.info.status for run in stopped] == ["KILLED", "FAILED", "FINISHED", "KILLED"]
    assert capsys.readouterr().out.endswith(f"Next: hpapipe speed --resume {study}\n")
    asked = bench({})
    done = speed.speed(config.parse({}), study)
    assert asked == ["residual packed 2", "residual original 2", "residual original 4"]
    assert done.run_id == study
    assert done.table["images_per_second"].tolist() == [20.0, 40.0, 20.0, 40.0]
    resumed = all_runs()
    assert [run.info.run_id for run in resumed[:4]] == [run.info.run_id for run in stopped]
    assert [run.info.status for run in resumed] == ["FINISHED"] * 5


def test_only_a_study_can_be_resumed(recipe: Any, bench: Any) -> None:
    """Neither one of its cells nor a training."""
    bench({})
    cell = next(iter(cells_of(speed.speed(recipe()).run_id).values()))
    with pytest.raises(UserError, match="must name a speed study"):
        speed.speed(recipe(), cell.info.run_id)


def test_the_fastest_batch_size_is_that_of_the_newest_study_with_this_network(recipe: Any, bench: Any) -> None:
    """By network and feed; a number in the recipe stays what it is."""
    bench({("packed", 4): measured(3.0)})
    speed.speed(recipe())
    asking = recipe(feed={"batch_size": "fastest"})
    assert fastest(asking) == 2
    assert settled(asking).feed == asking.feed.model_copy(update={"batch_size": 2})
    assert settled(recipe(feed={"batch_size": 3})).feed.batch_size == 3
    bench({})
    speed.speed(recipe(speed={"feeds": ["packed"]}))
    assert fastest(asking) == 4
    bench({})
    speed.speed(recipe(speed={"feeds": ["original"], "batch_sizes": [2]}))
    assert fastest(asking) == 4
    assert fastest(recipe(feed={"batch_size": "fastest", "strategy": "original"})) == 2


def test_a_batch_that_the_training_part_cannot_fill_is_passed_over(recipe: Any, bench: Any) -> None:
    """Twelve fields in two folds train six; in twelve folds, eleven."""
    bench({})
    speed.speed(recipe(split={"folds": 12}, speed={"feeds": ["packed"], "batch_sizes": [2, 10]}))
    assert fastest(recipe(feed={"batch_size": "fastest"}, split={"folds": 12})) == 10
    assert fastest(recipe(feed={"batch_size": "fastest"})) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"model": {"options": {"width": 5, "blocks": [1]}}},
        {"data": {"size": 24}},
        {"feed": {"strategy": "haltuf"}},
    ],
    ids=str,
)
def test_without_a_study_the_command_for_it_is_told(recipe: Any, bench: Any, other: dict[str, Any]) -> None:
    """Another network, size or feed was measured, or this one was stopped before its end."""
    bench({("original", 2): KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        speed.speed(recipe())
    with pytest.raises(UserError, match=r"--speed\.architectures residual --speed\.feeds packed"):
        fastest(recipe(feed={"batch_size": "fastest"}))
    bench({})
    speed.speed(recipe())
    sections = {**other, "feed": {"batch_size": "fastest", **other.get("feed", {})}}
    with pytest.raises(UserError, match="needs a finished speed study"):
        fastest(recipe(**sections))


@pytest.mark.whole
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_study_outlives_a_killed_cell(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real processes: the first is ended as the system ends one for its memory, the others measure."""
    started: list[BaseProcess] = []
    plain = speed_cell.start_masked

    def start(process: BaseProcess) -> None:
        plain(process)
        started.append(process)
        if len(started) == 1:
            os.kill(process.pid or 0, signal.SIGKILL)

    monkeypatch.setattr(speed_cell, "start_masked", start)
    study = speed.speed(recipe())
    assert study.table["outcome"].tolist() == ["out of memory", "not tried", "measured", "measured"]
    assert len(started) == 3
    assert study.fastest["feed"].tolist() == ["original"]
    assert study.fastest["images_per_second"][0] > 0
