"""Movies cut into pools and measured, by a simulated film whose truth is known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hpapipe import config
from hpapipe.movies.reading import open_movie
from hpapipe.movies.writing import write_tiff
from hpapipe.simulate.film_files import write_film

FILM = config.Film(frames=6, rows=2, columns=2, pool=64, empty=0.0, twins=0.0, bubbling=0.0, seed=1)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of four pools, one cell in each."""
    folder = tmp_path_factory.mktemp("film") / "film"
    write_film(folder, FILM, workers=1)
    return folder


def test_frames_are_cut_with_their_masks(film: Path, store: Path, hpapipe: Any) -> None:
    """Every third frame of each pool; a mask's area is that of the cell in the film, for cells that lie inside."""
    ended = hpapipe(
        "movie", "frames", film / "movie.tif", "--out", "frames", "--masks", film / "truth.tif", "--movie.every", "3"
    )
    assert (ended.code, ended.err) == (0, "")
    names = [f"r{row}c{column}_f{frame:04d}.png" for row in (1, 2) for column in (1, 2) for frame in (1, 4)]
    for kind in ("images", "masks"):
        assert sorted(path.name for path in Path("frames", kind).iterdir()) == names
    areas = pd.read_csv(film / "areas.csv")
    for place, name in enumerate(names):
        pool, frame = place // 2, 3 * (place % 2)
        (true,) = areas[(areas["pool"] == pool) & (areas["frame"] == frame)]["area_px"]
        assert np.count_nonzero(Image.open(Path("frames", "masks", name))) == pytest.approx(true, rel=0.02)
    notes = json.loads(Path("frames/frames.json").read_text())
    assert (notes["grid"]["rows"], notes["grid"]["columns"], notes["pixel_um"]) == (2, 2, pytest.approx(2.0))
    assert [row[0] for row in notes["frame_and_drift"]] == [1, 4]
    assert Path("frames/grid.png").stat().st_size > 1000
    assert "Draw the cells" not in ended.out


def test_frames_without_masks_tell_where_to_draw_them(film: Path, store: Path, hpapipe: Any) -> None:
    ended = hpapipe("movie", "frames", film / "movie.tif", "--out", "frames", "--movie.every", "6")
    assert ended.code == 0
    assert f"Draw the cells into {Path('frames/masks')}" in ended.out
    assert ended.out.splitlines()[-1].startswith("Next: hpapipe train --task segmentation --data.folder frames")


def noise(count: int = 3) -> Iterator[np.ndarray]:
    chance = np.random.default_rng(0)
    return (chance.integers(90, 110, (64, 64), np.uint8) for _ in range(count))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "--movie.grid 4x4"),
        (("--movie.grid", "40x40"), "no room for 40×40 pools"),
        (("--movie.grid", "65x1"), "rows x columns of 1 to 64 each"),
        (("--movie.grid", "four"), "rows x columns of 1 to 64 each, such as 4x4"),
        (("--movie.grid", "2x2", "--masks", "other.tif"), "2 frames of 64×64 for 3 frames of 64×64"),
        (("--movie.grid", "2x2", "--out", "there"), "there, which is there already"),
    ],
)
def test_what_cannot_be_cut_ends_in_one_line(words: tuple[str, ...], line: str, store: Path, hpapipe: Any) -> None:
    """And leaves nothing behind."""
    write_tiff(Path("noise.tif"), noise())
    write_tiff(Path("other.tif"), noise(2))
    Path("there").mkdir()
    ended = hpapipe("movie", "frames", "noise.tif", *words)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert line in ended.err
    assert not list(Path.cwd().glob("frames*"))


@pytest.mark.whole
def test_a_film_is_measured(film: Path, store: Path, hpapipe: Any) -> None:
    """From its own masks to curves: files, areas near the truth, the manual table beside them, a second run refused."""
    cut = hpapipe("movie", "frames", film / "movie.tif", "--masks", film / "truth.tif", "--movie.every", "1")
    assert cut.code == 0, cut.err
    recipe = Path("recipe.yaml")
    recipe.write_text(
        "task: segmentation\nexperiment: small\nregister_as: small\ndata: {folder: frames, size: 64}\n"
        "split: {folds: 2}\nfeed: {batch_size: 6, draw: replacement, epoch_fields: 96}\n"
        "model: {options: {width: 6, depth: 3, normalization: batch, dropout: 0.0}}\nwarp: {shift: 0.05}\n"
        "fit: {epochs: 8, learning_rate: 0.01, averaged_weights: 0.5, patience: 0}\nscore: {bootstrap: 100}\n"
    )
    assert hpapipe("train", "--config", recipe).code == 0
    assert hpapipe("promote", "--config", recipe).code == 0
    ended = hpapipe(
        "movie", "measure", film / "movie.tif", "--config", recipe, "--out", "out", "--manual", film / "areas.csv"
    )
    assert (ended.code, ended.err) == (0, "")
    files = {path.name for path in Path("out").iterdir()}
    assert {"masks.tif", "overlay.mp4", "overlay.gif", "summary.csv", "pools.png", "grid.png", "r1c1.csv"} <= files
    masks = open_movie(Path("out/masks.tif"))
    assert (len(masks), masks.height, masks.width, masks.pixel_um) == (6, 128, 128, pytest.approx(2.0))
    summary = pd.read_csv("out/summary.csv")
    assert summary["pool"].tolist() == ["r1c1", "r1c2", "r2c1", "r2c2"]
    assert summary["error_percent"].median() < 15
    table = pd.read_csv("out/r1c1.csv")
    assert table["frame"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["area_um2"].to_numpy() == pytest.approx(4 * table["area_px"].to_numpy())
    assert table["hours"].to_numpy() == pytest.approx(np.arange(6) / 6) or table["hours"].isna().all()
    again = hpapipe("movie", "measure", film / "movie.tif", "--config", recipe, "--out", "out")
    assert again.code == 2
    assert re.search("out, which is there already", again.err)


def test_measuring_needs_a_champion(film: Path, store: Path, hpapipe: Any) -> None:
    ended = hpapipe("movie", "measure", film / "movie.tif", "--task", "segmentation")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "blastocysts" in ended.err
    assert hpapipe("movie", "measure", film / "movie.tif").code == 2
