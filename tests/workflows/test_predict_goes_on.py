"""Predictions that are stopped, disturbed, or asked for twice: nothing is lost, nothing answered twice."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from hpapipe.tasks.classifier import Classifier
from hpapipe.workflows import shards
from hpapipe.workflows.shards import Job

SMALL = ("--predict.shard", "2", "--predict.batch_size", "2")
"""Six fields in three shards."""


def tables(folder: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(folder).iterdir() if file.suffix in (".csv", ".json")}


def stop_after(monkeypatch: pytest.MonkeyPatch, count: int, error: BaseException) -> None:
    """Let the writing of shards fail once `count` are there."""
    write = Job.write

    def failing(job: Job, number: int, *rest: Any) -> None:
        if number >= count:
            raise error
        write(job, number, *rest)

    monkeypatch.setattr(Job, "write", failing)


def asked_fields(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of fields whenever the networks are asked."""
    counts: list[int] = []
    rows = Classifier.rows

    def counting(classifier: Classifier, fields: Any) -> pd.DataFrame:
        counts.append(len(fields))
        return rows(classifier, fields)

    monkeypatch.setattr(Classifier, "rows", counting)
    return counts


def test_after_a_stop_the_same_call_goes_on(predict: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two shards of three stand; four fields are not answered again, and all files are as if nothing had happened."""
    assert predict(*SMALL).code == 0
    undisturbed = tables("answers")
    shutil.rmtree("answers")
    with monkeypatch.context() as patch:
        stop_after(patch, 2, KeyboardInterrupt())
        stopped = predict(*SMALL)
    assert (stopped.code, stopped.out) == (130, "Stopped: 2 of 3 shards are in answers; the same command goes on\n")
    assert sorted(file.name for file in Path("answers/shards").iterdir()) == ["000000.parquet", "000001.parquet"]
    assert not list(Path("answers").glob("*.csv"))
    asked = asked_fields(monkeypatch)
    ended = predict(*SMALL)
    assert (ended.code, ended.out.splitlines()[0]) == (0, "4 fields had been answered before")
    assert sum(asked) == 2
    assert tables("answers") == undisturbed


def test_what_is_finished_is_not_answered_again(predict: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call writes the same tables from the shards."""
    predict(*SMALL)
    before, asked = tables("answers"), asked_fields(monkeypatch)
    ended = predict(*SMALL)
    assert (ended.code, ended.out.splitlines()[0]) == (0, "6 fields had been answered before")
    assert (sum(asked), tables("answers")) == (0, before)


def test_a_full_disk_costs_one_shard(predict: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the file; no part of it is left; once there is room the same call goes on."""
    with monkeypatch.context() as patch:
        written = pq.write_table

        def full(table: Any, file: Path) -> None:
            written(table, file)
            if file.name.startswith("000001"):
                raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(shards.pq, "write_table", full)
        ended = predict(*SMALL)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "“No space left on device” at answers/shards/000001.parquet" in ended.err
    assert [file.name for file in Path("answers/shards").iterdir()] == ["000000.parquet"]
    assert predict(*SMALL).out.startswith("2 fields had been answered before")


def test_another_job_is_not_mixed_in(predict: Callable[..., Any]) -> None:
    """Shards of another size belong to another job; --again removes what stands there."""
    predict()
    ended = predict(*SMALL)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("A folder takes the answers of one job. Received batch_size 2, and 64 for what is in ")
    assert "--again" in ended.err
    assert predict(*SMALL, "--again").code == 0
    assert len(list(Path("answers/shards").iterdir())) == 3


def test_two_calls_at_once(predict: Callable[..., Any]) -> None:
    """The second is told so, and touches nothing."""
    Path("answers").mkdir()
    with FileLock("answers/.lock"):
        ended = predict()
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("A folder takes the answers of one job. Received another that works in answers.")
    assert [file.name for file in Path("answers").iterdir()] == [".lock"]


def test_fields_that_came_after_the_end(predict: Callable[..., Any], images: Path) -> None:
    """The answers stay; how many fields differ, and what to do, is said in one line."""
    predict()
    before = tables("answers")
    for channel in ("red", "green"):
        shutil.copy(images / f"f00_{channel}.png", images / f"g00_{channel}.png")
    ended = predict()
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "Received 1 that came, went or changed since" in ended.err
    assert tables("answers") == before
    assert predict("--again").out.startswith("Version 1 of small answered 7 fields")


def test_fields_that_come_go_and_change_meanwhile(
    predict: Callable[..., Any], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job answers the fields that it began with; one that went, and one that is another now, are told as such."""
    with monkeypatch.context() as patch:
        stop_after(patch, 1, KeyboardInterrupt())
        assert predict(*SMALL).code == 130
    for channel in ("red", "green"):
        shutil.copy(images / f"f00_{channel}.png", images / f"g00_{channel}.png")
        (images / f"f05_{channel}.png").unlink()
    os.utime(images / "f03_red.png", (0, 0))
    ended = predict(*SMALL)
    assert ended.code == 3
    assert "2 fields came, went or changed since this was begun" in ended.out
    faults = pd.read_csv("answers/unreadable.csv").set_index("id")["fault"]
    assert list(faults.index) == ["f03", "f05"]
    assert "must not change while it is predicted" in faults["f03"]
    assert list(pd.read_csv("answers/predictions.csv")["id"]) == ["f00", "f01", "f02", "f04"]


def test_the_answers_say_who_gave_them(predict: Callable[..., Any], champion: Any) -> None:
    """Version, run, labels with their thresholds, code, and what was read, in about.json and in every Parquet file."""
    predict("--parquet")
    about = json.loads(Path("answers/about.json").read_text())
    assert about["asked"]["version"] == "1"
    assert about["asked"]["run"] == champion.run
    assert about["by"]["labels"] == ["a", "b", "c"]
    assert len(about["by"]["thresholds"]) == 3
    assert about["by"]["code"].startswith("0.")
    assert (about["fields"], len(about["data"]), len(about["files"])) == (6, 32, 32)
    for file in ("predictions.parquet", "shards/000000.parquet"):
        told = json.loads(pq.read_schema(f"answers/{file}").metadata[b"hpapipe"])
        assert told == {name: value for name, value in about.items() if name != "files"}


def test_other_pixels_have_another_digest(predict: Callable[..., Any], images: Path) -> None:
    """Two images change their names: sizes and names are as before, what was read is not."""
    predict()
    before = json.loads(Path("answers/about.json").read_text())
    for channel in ("red", "green"):
        one, two = (images / f"f0{number}_{channel}.png" for number in (0, 1))
        one.rename(images / "kept")
        two.rename(one)
        (images / "kept").rename(two)
    predict("--again")
    assert json.loads(Path("answers/about.json").read_text())["files"] != before["files"]


def test_a_zip_is_answered_as_its_folder(images: Path, champion: Any, hpapipe: Any) -> None:
    """To the last digit, with a folder for the answers that is named after it."""
    with zipfile.ZipFile("plate 8.zip", "w") as archive:
        for file in images.iterdir():
            archive.write(file, f"plate 8/{file.name}")
    for given in ("plate 8.zip", images):
        assert hpapipe("predict", given, "--config", champion.recipe).code == 0
    zipped, folder = Path("predictions/plate-8.zip-small-1"), Path("predictions/new-small-1")
    assert (zipped / "predictions.csv").read_bytes() == (folder / "predictions.csv").read_bytes()
    told = [json.loads((each / "about.json").read_text())["files"] for each in (zipped, folder)]
    assert told[0] == told[1]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is an extra")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:6379", "here:there"])
def test_a_cluster_that_is_away_is_told_soon(predict: Callable[..., Any], address: str) -> None:
    """One line, not the minutes that Ray tries for; nothing was answered."""
    ended = predict("--engine", "ray", "--address", address)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("A Ray cluster must answer. Received “")
    assert f"from {address}." in ended.err
    assert not list(Path("answers/shards").iterdir())


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is an extra")
@pytest.mark.whole
def test_a_cluster_answers_to_the_last_digit(predict: Callable[..., Any]) -> None:
    """Ray on this machine: the same files, shard by shard; what it finds done it leaves alone."""
    predict(*SMALL)
    undisturbed = tables("answers")
    whole = {file.name: file.read_bytes() for file in Path("answers/shards").iterdir()}
    for name in ("000000", "000002"):
        Path(f"answers/shards/{name}.parquet").unlink()
    ended = predict(*SMALL, "--engine", "ray")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("2 fields had been answered before")
    assert tables("answers") == undisturbed
    assert {file.name: file.read_bytes() for file in Path("answers/shards").iterdir()} == whole
