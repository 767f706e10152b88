"""A Version behind MLflow's scoring server: what it answers, and what it refuses with which status and reason."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from hpapipe.tasks import classifier, given, segmenter
from scoring import Server, encoded, file_bytes, register, write_classifier, write_segmenter

RED, GREEN = np.full((8, 8), 255, np.uint8), np.zeros((8, 8), np.uint8)
ROW = {"red": encoded(RED), "green": encoded(GREEN)}
FIELD = np.stack([RED, GREEN], -1)[None]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Path]:
    """A folder with a store of its own, where these tests run."""
    folder = tmp_path_factory.mktemp("scoring")
    shutil.copy(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")  # the server sets it for good
        patch.delenv("MLFLOW_RUN_ID", raising=False)
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def cells(place: Path) -> Server:
    """A classifier that answers 0.88, 0.12 and 0.5 for a field that is all red."""
    write_classifier(place / "classifier")
    register(place / "classifier", classifier, "cells")
    return Server("cells")


@pytest.fixture(scope="module")
def masks(place: Path) -> Server:
    """A segmenter to which bright pixels are the cell."""
    write_segmenter(place / "segmenter")
    register(place / "segmenter", segmenter, "masks")
    return Server("masks")


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [ROW]},
        {"dataframe_records": [{"id": "f00", **ROW}]},
        {"dataframe_split": {"columns": ["green", "red"], "data": [[ROW["green"], ROW["red"]]]}},
        {"dataframe_records": [{"red": f"data:image/png;base64,{ROW['red']}", "green": encoded(GREEN, "TIFF")}]},
        {"inputs": FIELD.tolist()},
        {"instances": FIELD.tolist()},
        {"instances": [ROW]},
        {"inputs": [ROW]},
        {"inputs": {name: [value] for name, value in ROW.items()}},
    ],
    ids=["records", "id", "split", "data URL", "inputs", "instances", "objects", "rows", "columns"],
)
def test_every_form_of_a_request_has_the_same_answer(cells: Server, body: dict[str, Any]) -> None:
    """Names, and a probability a label, a row an image."""
    status, _, answer = cells.ask(body)
    assert status == 200
    (row,) = answer["predictions"]
    assert {"Predicted": "0", "names": "a"}.items() <= row.items()
    assert [row[label] for label in "abc"] == pytest.approx([0.8808, 0.1192, 0.5], abs=1e-4)


def test_a_table_of_bytes_needs_no_base64(cells: Server, tmp_path: Path) -> None:
    """Parquet holds the files as they are."""
    table = pd.DataFrame({"red": [file_bytes(RED)] * 2, "green": [file_bytes(GREEN)] * 2})
    table.to_parquet(tmp_path / "fields.parquet")
    status, _, answer = cells.ask((tmp_path / "fields.parquet").read_bytes(), "application/vnd.apache.parquet")
    assert (status, [row["names"] for row in answer["predictions"]]) == (200, ["a", "a"])


def test_masks_are_answered_at_each_image_s_own_size(masks: Server) -> None:
    """As areas and run lengths; arrays may leave out the axis of one channel."""
    half = np.repeat(np.uint8([[0, 255]]), 8, axis=1).repeat(10, axis=0)
    status, _, answer = masks.ask({"dataframe_records": [{"image": encoded(half)}, {"image": encoded(RED)}]})
    assert status == 200
    assert answer["predictions"] == [
        {"area_px": 80, "height": 10, "width": 16, "counts": "80 80"},
        {"area_px": 64, "height": 8, "width": 8, "counts": "0 64"},
    ]
    for arrays in (RED[None], RED[None, ..., None]):
        assert masks.ask({"inputs": arrays.tolist()}).body["predictions"] == answer["predictions"][1:]


COLOUR = np.zeros((8, 8, 3), np.uint8)
NO_BASE64 = "An image must be sent as a PNG or TIFF file in base64. Received"
REFUSED = {
    "a path": ({"dataframe_records": [{**ROW, "red": "/etc/hostname"}]}, f"{NO_BASE64} “/etc/hostname” as channel red"),
    "a path that is base64": ({"dataframe_records": [{**ROW, "red": "etc/hostname"}]}, "bytes that are no PNG or TIFF"),
    "an address": ({"dataframe_records": [{**ROW, "red": "file:///etc/hostname"}]}, f"{NO_BASE64} “file:///etc"),
    "another data URL": ({"dataframe_records": [{**ROW, "red": "data:text/html;base64,AAAA"}]}, NO_BASE64),
    "nothing": ({"dataframe_records": [{**ROW, "green": None}]}, f"{NO_BASE64} nothing as channel green of image 1"),
    "a number": ({"dataframe_records": [ROW, {**ROW, "red": 7}]}, f"{NO_BASE64} a value of type int as channel red"),
    "an object": ({"dataframe_records": [{**ROW, "red": {"b64": "AAAA"}}]}, "a value of type dict"),
    "no image": ({"dataframe_records": [{**ROW, "red": "bm90aGluZw=="}]}, "7 bytes that are no PNG or TIFF file"),
    "colour": ({"dataframe_records": [{**ROW, "red": encoded(COLOUR)}]}, "Received mode RGB as channel red of image 1"),
    "JPEG": ({"dataframe_records": [{**ROW, "red": encoded(RED, "JPEG")}]}, "bytes that are no PNG or TIFF file"),
    "cut off": ({"dataframe_records": [{**ROW, "red": encoded(RED)[:60]}]}, "An image must be readable to its end."),
    "too large": ({"dataframe_records": [{**ROW, "red": encoded(np.zeros((101, 100), np.uint8))}]}, "100×101 pixels"),
    "two sizes": ({"dataframe_records": [{**ROW, "red": encoded(RED[:4])}]}, "All channels of a field must have one"),
    "16 bits": ({"dataframe_records": [{n: encoded(RED.astype(np.uint16)) for n in ROW}]}, "Received uint16"),
    "a channel less": ({"dataframe_records": [{"red": ROW["red"]}]}, "must have the columns red, green, each once."),
    "a column twice": ({"dataframe_split": {"columns": ["red", "red", "green"], "data": [["", "", ""]]}}, "each once"),
    "no rows": ({"dataframe_split": {"columns": ["red", "green"], "data": []}}, "There must be an image to answer."),
    "an empty table": ({"dataframe_records": []}, "There must be an image to answer."),
    "an empty array": ({"inputs": []}, "There must be an image to answer."),
    "many images": ({"inputs": np.zeros((257, 1, 1, 2), int).tolist()}, "at most 256 images. Received 257."),
    "many rows": ({"dataframe_records": [ROW] * 257}, "at most 256 images. Received 257."),
    "fractions": ({"inputs": (FIELD * 0.5).tolist()}, "Images must be uint8 [images, height, width, 2] (red, green)."),
    "below 0": ({"inputs": (FIELD.astype(int) - 1).tolist()}, "whole numbers from 0 to 255. Received -1 to 254."),
    "above 255": ({"inputs": (FIELD.astype(int) + 1).tolist()}, "Received 1 to 256."),
    "beyond 64 bits": ({"inputs": [[[[2**70, 0]]]]}, "Received other things than numbers."),
    "true and false": ({"inputs": (FIELD > 0).tolist()}, "Received bool [1, 8, 8, 2]."),
    "three channels": ({"inputs": np.zeros((1, 8, 8, 3), int).tolist()}, "Received int64 [1, 8, 8, 3]."),
    "no batch": ({"inputs": FIELD[0].tolist()}, "Received int64 [8, 8, 2]."),
    "no pixels": ({"inputs": np.zeros((1, 0, 8, 2), int).tolist()}, "Images must be uint8"),
    "ragged": ({"inputs": [[[[1, 2]], [[1]]]]}, "inhomogeneous shape"),
    "a text": ({"inputs": "images"}, "Received other things than numbers."),
    "columns of two lengths": ({"inputs": {"red": [ROW["red"]] * 2, "green": []}}, "Received 2 of red, 0 of green."),
    "a chat": ({"messages": "Which cell is this?"}, "each once. Received messages."),
    "no such key": ({"images": []}, "exactly one of the input fields"),
    "no JSON": (b"{", "Ensure that input is a valid JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_requests_are_refused_with_the_reason(cells: Server, place: Path, name: str) -> None:
    """400, without a traceback or a path of the server."""
    body, reason = REFUSED[name]
    status, text, answer = cells.ask(body)
    assert status == 400, text
    assert reason in answer["message"]
    assert "Traceback" not in text
    for path in (str(place), str(Path(given.__file__).parents[2])):
        assert path not in text
    if "Received" in reason and isinstance(body, dict):
        assert len(answer["message"].splitlines()) == 1


def test_a_channel_more_is_refused_by_a_segmenter(masks: Server) -> None:
    """Instead of answering the first of them."""
    refused = masks.ask({"inputs": np.zeros((1, 8, 8, 2), int).tolist()})
    assert (refused.status, "Images must be uint8 [images, height, width, 1] (image)." in refused.text) == (400, True)


def test_a_kind_of_content_that_is_not_known(cells: Server) -> None:
    assert cells.ask(b"", "image/png").status == 415


def test_a_fault_of_the_server_is_told_in_its_log_alone(
    cells: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """MLflow would send the traceback to the client."""

    class Broken:
        def answer(self, images: Any) -> None:
            raise RuntimeError("/a/path/of/the/server")

    monkeypatch.setattr(cells.model.unwrap_python_model(), "version", Broken())
    with caplog.at_level(logging.ERROR):
        status, text, answer = cells.ask({"dataframe_records": [ROW]})
    assert (status, answer["message"]) == (500, "The Version could not answer. The server's log says why.")
    assert "/a/path" not in text
    assert "/a/path/of/the/server" in caplog.text


def test_in_process_paths_and_arrays_of_the_right_type_are_answered(cells: Server, tmp_path: Path) -> None:
    """A file is named by a Path, and by nothing else, also where no server is."""
    (tmp_path / "red.png").write_bytes(file_bytes(RED))
    (tmp_path / "green.png").write_bytes(file_bytes(GREEN))
    paths = pd.DataFrame({name: [tmp_path / f"{name}.png"] * 300 for name in ("red", "green")})
    answer = cells.model.predict(paths)
    assert list(answer["names"]) == ["a"] * 300
    assert list(cells.model.predict(np.repeat(FIELD, 300, axis=0))["names"]) == ["a"] * 300
    with pytest.raises(MlflowException, match=r"is named by a pathlib\.Path"):
        cells.model.predict(paths.astype(str))
