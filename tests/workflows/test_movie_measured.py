"""Movies measured by a Version that takes bright pixels for the cell, so that all areas are known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from hpapipe.errors import AwayError
from hpapipe.movies.reading import open_movie
from hpapipe.movies.writing import write_tiff
from hpapipe.tasks.segmenter import Member, Segmenter, Spec
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import measure, measured
from hpapipe.workflows.answering import Answering

ONE = ("--task", "segmentation", "--movie.grid", "none")
RUN = r"are in run ([0-9a-f]{32})"


class Bright:
    """Stands for a network: what is brighter than 150 is the cell."""

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        return (images > 150).astype(np.float32)


@pytest.fixture
def bright(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose champion is made of `Bright` at 64×64 and 8 bits."""
    version = Segmenter((Bright(),), Spec(8, 10**6, 0.5, True, (Member((64, 64), 0),)))  # type: ignore[arg-type]
    monkeypatch.setattr(measure, "load", lambda recipe, which: Answering(version, {}, "3", "keras"))
    return store


def disc(shape: tuple[int, int], middle: tuple[float, float], radius: float) -> np.ndarray:
    down, across = np.indices(shape)
    return np.hypot(down - middle[0], across - middle[1]) < radius


def film(path: Path, frames: int = 5, shape: tuple[int, int] = (96, 128), dtype: type = np.uint8) -> list[np.ndarray]:
    """Writes a film of one bright cell that grows at the left of a wide frame, and gives back its true masks."""
    masks = [disc(shape, (48, 25), 15 + number) for number in range(frames)]
    write_tiff(path, (np.where(mask, 220, 90).astype(dtype) for mask in masks), 0.5, 600)
    return masks


def test_a_film_without_pools_is_measured_as_a_whole(bright: Path, hpapipe: Any) -> None:
    """A cell at the side of a wide frame: areas in its own pixels, masks and outlines in place, the frame whole."""
    masks = film(Path("film.tif"))
    ended = hpapipe("movie", "measure", "film.tif", *ONE, "--out", "out")
    assert (ended.code, ended.err) == (0, "")
    assert "Pools: one, the whole frame of 128×96 px" in ended.out
    table = pd.read_csv("out/r1c1.csv")
    assert table["area_px"].to_numpy() == pytest.approx([mask.sum() for mask in masks], rel=0.03)
    assert table["area_um2"].to_numpy() == pytest.approx(table["area_px"].to_numpy() / 4)
    found = list(open_movie(Path("out/masks.tif")).read())
    assert [frame.shape for frame in found] == [(96, 128)] * 5
    for frame, mask in zip(found, masks, strict=True):
        assert np.count_nonzero((frame == 1) ^ mask) < 0.06 * mask.sum()
    for name in ("overlay.mp4", "overlay.gif"):  # small frames are drawn three times as large
        drawn = open_movie(Path("out") / name)
        assert (len(drawn), drawn.height, drawn.width) == (5, 288, 384)


def test_what_a_moving_stage_takes_out_of_the_frame_is_not_measured(bright: Path, hpapipe: Any) -> None:
    """Two of four tiles lose what the stage moves beyond the frame: areas are those of masks.tif, and not trusted."""
    chance = np.random.default_rng(0).integers(40, 120, (128, 160), np.uint8)
    wide = np.where(disc(chance.shape, (36, 40), 14) | disc(chance.shape, (96, 40), 14), 220, chance).astype(np.uint8)
    write_tiff(Path("film.tif"), (wide[:, move : move + 128] for move in (0, 8, 16, 24, 32)))
    ended = hpapipe("movie", "measure", "film.tif", "--task", "segmentation", "--movie.grid", "2x2", "--out", "out")
    assert (ended.code, ended.err) == (0, "")
    found = np.stack(list(open_movie(Path("out/masks.tif")).read()))
    table = pd.read_csv("out/r1c1.csv")
    assert table["area_px"].tolist() == [int(np.count_nonzero(frame[:64] == 1)) for frame in found]
    assert table["touches_rim"].tolist() == [False, False, False, False, True]


def test_frames_of_a_film_without_pools_are_whole(store: Path, hpapipe: Any) -> None:
    from PIL import Image

    film(Path("film.tif"), frames=2)
    ended = hpapipe("movie", "frames", "film.tif", "--movie.grid", "none", "--movie.every", "1")
    assert (ended.code, ended.err) == (0, "")
    truth = list(open_movie(Path("film.tif")).read())
    for number, frame in enumerate(truth, 1):
        assert np.asarray(Image.open(f"frames/images/r1c1_f{number:04d}.png")).tolist() == frame.tolist()


def test_what_was_measured_is_a_run(bright: Path, hpapipe: Any) -> None:
    """Its kind, recipe, Version and numbers; the summary, and the figures that show all pools, with their tables."""
    masks = film(Path("film.tif"))
    areas = "\n".join(f"{number},{mask.sum()}" for number, mask in enumerate(masks))
    Path("areas.csv").write_text(f"frame,r1c1\n{areas}\n")
    ended = hpapipe("movie", "measure", "film.tif", *ONE, "--out", "out", "--manual", "areas.csv")
    assert ended.code == 0, ended.err
    assert "Areas by hand: 1 pool from areas.csv, frames counted from 0" in ended.out
    run = Run(re.findall(RUN, ended.out)[0])
    params, tags, numbers = runs.facts(run)
    assert (tags["hpapipe.kind"], tags["hpapipe.ended"]) == ("measure", "FINISHED")
    assert (params["movie"], params["version"], params["movie.grid"]) == ("film.tif", "blastocysts/3", "none")
    assert {name: numbers[f"measured/{name}"] for name in ("pools", "cells", "frames")} == {
        "pools": 1,
        "cells": 1,
        "frames": 5,
    }
    assert numbers["measured/trusted"] == 1
    assert numbers["measured/error_percent"] < 3
    assert numbers["measured/correlation"] > 0.99
    assert runs.read_table(run, "summary")["pool"].tolist() == ["r1c1"]
    logged = {Path(each.path).name for each in MlflowClient().list_artifacts(run.id, "figures")}
    names = ("grid", "pools", "r1c1_cell_1_by_hand")
    assert logged == {f"{name}.{kind}" for name in names for kind in ("png", "csv")}
    assert runs.read_table(run, "figures/pools")["frame"].tolist() == [1, 2, 3, 4, 5]


def test_a_store_that_is_away_loses_nothing_that_was_measured(
    bright: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is written and told of before; the fault is one line, and the exit code 2."""

    def away(*words: object) -> None:
        raise AwayError("The tracking store must answer.", "silence", "Start the server.")

    monkeypatch.setattr(measured.runs, "running", away)
    film(Path("film.tif"), frames=2)
    ended = hpapipe("movie", "measure", "film.tif", *ONE, "--out", "out")
    assert (ended.code, ended.err) == (2, "The tracking store must answer. Received silence. Start the server.\n")
    assert "a figure a pool: out" in ended.out
    assert Path("out/summary.csv").exists()
    assert Path("out/overlay.gif").exists()
