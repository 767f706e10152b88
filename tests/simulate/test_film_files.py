"""Films on disk: pages and tables that agree, the same bytes for any number of workers, a folder whole or not there."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.simulate import film_files
from hpapipe.simulate.film import Frame, film
from hpapipe.simulate.film_files import BUBBLE, matches, write_film

TINY = config.Film(frames=5, rows=1, columns=2, pool=60, minutes=240, empty=0, bubbling=1, bits=16, seed=3)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny film on disk; tests only read it."""
    folder = tmp_path_factory.mktemp("films") / "tiny"
    write_film(folder, TINY)
    return folder


def test_pages_are_the_frames_and_their_truth(written: Path) -> None:
    """One page a frame in both files; bubbles have a value of their own among the labels."""
    movie, truth = tifffile.imread(written / "movie.tif"), tifffile.imread(written / "truth.tif")
    assert (movie.shape, movie.dtype) == ((5, 60, 120), np.uint16)
    assert (truth.shape, truth.dtype) == ((5, 60, 120), np.uint8)
    for index, frame in enumerate(film(TINY).frames()):
        np.testing.assert_array_equal(movie[index], frame.image)
        np.testing.assert_array_equal(np.where(truth[index] == BUBBLE, 0, truth[index]), frame.labels)
        np.testing.assert_array_equal(truth[index] == BUBBLE, frame.bubbles)
    assert (truth[-1] == BUBBLE).any()


def test_pages_know_the_size_of_their_pixels(written: Path) -> None:
    """2 µm are half a pixel a µm, in the words of ImageJ, which also tell that frames are four hours apart."""
    with tifffile.TiffFile(written / "movie.tif") as movie:
        tags = movie.pages[2].tags
        assert tags["XResolution"].value[0] / tags["XResolution"].value[1] == pytest.approx(0.5)
        assert movie.imagej_metadata is not None
        assert (movie.imagej_metadata["unit"], movie.imagej_metadata["finterval"]) == ("micron", 14_400)


def test_the_table_agrees_with_the_truth(written: Path) -> None:
    """Areas of a frame add up to its labelled pixels, and µm² are four times px."""
    truth = tifffile.imread(written / "truth.tif")
    with open(written / "areas.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    names = ["frame", "pool", "cell", "area_px", "area_um2", "centre_row", "centre_column"]
    assert list(rows[0]) == names
    for index in range(5):
        own = [row for row in rows if row["frame"] == str(index)]
        assert sum(int(row["area_px"]) for row in own) == ((truth[index] > 0) & (truth[index] != BUBBLE)).sum()
        assert all(float(row["area_um2"]) == 4 * int(row["area_px"]) for row in own)


def test_the_settings_tell_where_every_pool_lies(written: Path) -> None:
    """Place in the first frame plus a frame's drift is the pool's centre in that frame."""
    kept = json.loads((written / "film.json").read_text())
    drawn = film(TINY)
    assert (kept["format"], kept["options"]["seed"], kept["options"]["pixel_um"]) == (film_files.FORMAT, 3, 2.0)
    assert (kept["height"], kept["width"]) == (60, 120)
    assert [pool["name"] for pool in kept["pools"]] == ["r1c1", "r1c2"]
    assert [len(pool["cells"]) for pool in kept["pools"]] == [len(pool.cells) for pool in drawn.pools]
    places = np.array([pool["centre"] for pool in kept["pools"]]) + kept["drift"][4]
    np.testing.assert_allclose(places, drawn.centres(4), atol=0.002)
    assert kept["grid"]["reach_px"] == pytest.approx(drawn.grid.reach, abs=1e-3)


def test_nothing_else_is_left(written: Path) -> None:
    """Four files, and no part of the film beside them."""
    assert sorted(path.name for path in written.iterdir()) == ["areas.csv", "film.json", "movie.tif", "truth.tif"]
    assert [path.name for path in written.parent.iterdir()] == ["tiny"]


def test_two_workers_write_the_same_bytes_as_one(written: Path, tmp_path: Path) -> None:
    """Frames come from spawned processes in any order, and are written in theirs."""
    write_film(tmp_path / "two", TINY, workers=2)
    assert _digests(tmp_path / "two") == _digests(written)


def test_long_films_take_every_processor_and_short_ones_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting processes costs more than a few frames."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert [film_files._worth(frames) for frames in (1, 63, 64, 145)] == [1, 1, 8, 8]


def test_matches_tells_whether_a_folder_holds_this_film(written: Path, tmp_path: Path) -> None:
    """Every option counts, and so do seed and format; no folder or a broken file matches nothing."""
    assert matches(written, TINY)
    assert not matches(written, TINY.model_copy(update={"seed": 4}))
    assert not matches(written, TINY.model_copy(update={"twins": 0.1}))
    assert not matches(tmp_path, TINY)
    (tmp_path / "film.json").write_text("[]")
    assert not matches(tmp_path, TINY)


def test_a_folder_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="which exists already"):
        write_film(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), MemoryError()])
def test_what_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> None:
    """After Ctrl-C in the third frame neither the folder nor its part is there."""
    drawn = film_files._drawn

    def broken(job: tuple[config.Film, int]) -> Frame:
        if job[1] == 2:
            raise fault
        return drawn(job)

    monkeypatch.setattr(film_files, "_drawn", broken)
    with pytest.raises(type(fault)):
        write_film(tmp_path / "film", TINY)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder itself appears only when all of it is there."""

    def full(self: object, *arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", full)
    with pytest.raises(UserError, match="No space left on device") as caught:
        write_film(tmp_path / "film", TINY)
    assert len(caught.value.lines) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    """A file where a folder is needed stands for a read-only one."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Free some room") as caught:
        write_film(tmp_path / "file" / "film", TINY)
    assert len(caught.value.lines) == 1


def test_a_film_that_another_process_finished_meanwhile_is_taken(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that want the same film both end well, and the first one's stays."""
    settings = film_files._write_settings

    def overtaken(part: Path, drawn: object) -> None:
        settings(part, film(TINY))
        (tmp_path / "film").mkdir()
        (tmp_path / "film" / "film.json").write_bytes((written / "film.json").read_bytes())

    monkeypatch.setattr(film_files, "_write_settings", overtaken)
    write_film(tmp_path / "film", TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["film"]
