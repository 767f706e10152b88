"""Movies of every kind: the same frames, in several passes, without the whole movie in memory, and clear refusals."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.errors import UserError
from hpapipe.movies.reading import open_movie

KINDS = ("a.gif", "a.tif", "a.ome.tif", "ffv1.avi", "mjpeg.avi", "a.mkv", "h264.mp4", "h264.mov", "png", "tif", "jpg")
EXACT = tuple(kind for kind in KINDS if kind not in ("mjpeg.avi", "h264.mp4", "h264.mov", "jpg"))
SWELLING = Path(__file__).parents[2] / ".." / "shared" / "data" / "swelling_movie"

Made = Callable[[str, np.ndarray], Path]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_its_frames(kind: str, made: Made, film: Callable[..., np.ndarray]) -> None:
    """Lossless kinds every pixel, the others nearly so; the facts are those of the film, and nobody knows a scale."""
    truth = film()
    movie = open_movie(made(kind, truth))
    assert (movie.frames, movie.height, movie.width, movie.bits) == (6, 36, 48, 8)
    assert (movie.pixel_um, movie.interval_s) == (None, None)
    frames = np.stack(list(movie))
    assert frames.dtype == np.uint8
    assert np.abs(frames.astype(int) - truth).mean() < (0.001 if kind in EXACT else 3)


@pytest.mark.parametrize("kind", KINDS)
def test_passes_are_independent(kind: str, made: Made, film: Callable[..., np.ndarray]) -> None:
    """Two passes at once do not disturb each other, and a movie can be read again."""
    movie = open_movie(made(kind, film()))
    once = list(movie)
    for left, right, expected in zip(movie, movie.read(), once, strict=True):
        np.testing.assert_array_equal(left, expected)
        np.testing.assert_array_equal(right, expected)


@pytest.mark.parametrize("kind", ["a.gif", "a.tif", "h264.mp4", "png"])
def test_a_part_is_a_slice(kind: str, made: Made, film: Callable[..., np.ndarray]) -> None:
    """`read` counts as Python's slices do."""
    movie = open_movie(made(kind, film()))
    whole = list(movie)
    places = st.none() | st.integers(-8, 8)

    @settings(max_examples=20, database=None)
    @given(start=st.integers(-8, 8), stop=places, step=st.integers(1, 9))
    def same(start: int, stop: int | None, step: int) -> None:
        expected, part = whole[start:stop:step], list(movie.read(start, stop, step))
        assert len(part) == len(expected)
        assert all(np.array_equal(one, other) for one, other in zip(part, expected, strict=True))

    same()


def test_frames_are_not_read_backwards(made: Made, film: Callable[..., np.ndarray]) -> None:
    """GIF and video could not."""
    with pytest.raises(ValueError, match="forwards"):
        open_movie(made("a.gif", film())).read(step=-1)


GROWTH = """
import json, sys
import psutil
from hpapipe.movies.reading import open_movie

def resident():
    return psutil.Process().memory_info().rss / 1e6

ballast = [bytes(72960) for _ in range(1000)]  # fills what imports have freed, where a movie could hide
grown = {}
for path in sys.argv[1:]:
    first = most = count = 0
    for count, frame in enumerate(open_movie(path), 1):
        if count == 50:
            first = resident()
        if count > 50 and count % 50 == 0:
            most = max(most, resident())
    grown[path] = (count, most - first)
print(json.dumps(grown))
"""
"""Prints how many frames each movie has, and by how many MB memory has grown since its fiftieth."""


def test_movies_are_streamed(made: Made, film: Callable[..., np.ndarray]) -> None:
    """Of 500 frames, 37 MB, none stays: memory is as it was after the first 50."""
    frames = np.tile(film(10, 240, 304), (50, 1, 1))
    paths = [str(made(kind, frames)) for kind in KINDS]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, *paths], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    grown = json.loads(done.stdout)
    assert [grown[path][0] for path in paths] == [500] * len(KINDS)
    assert {path: more for path, (_, more) in grown.items() if more > 8} == {}


def test_sixteen_bits_stay(
    tmp_path: Path, film: Callable[..., np.ndarray], video: Callable[..., Path], folder: Callable[..., Path]
) -> None:
    """In TIFF of either byte order, in BigTIFF, in video, and in folders of PNG or TIFF."""
    truth = film(5, dtype=np.uint16) + np.arange(5, dtype=np.uint16)[:, None, None]
    tifffile.imwrite(tmp_path / "little.tif", truth)
    tifffile.imwrite(tmp_path / "big.tif", truth, byteorder=">", compression="zlib")
    tifffile.imwrite(tmp_path / "stacked.tif", truth, byteorder=">")
    tifffile.imwrite(tmp_path / "large.btf", truth, bigtiff=True)
    video(tmp_path / "a.mkv", truth, "ffv1", "gray16le")
    folder(tmp_path / "png", truth)
    folder(tmp_path / "tif", truth, ".tif")
    for path in sorted(tmp_path.iterdir()):
        movie = open_movie(path)
        assert movie.bits == 16
        frames = list(movie)
        assert all(frame.dtype == np.dtype(np.uint16) for frame in frames)
        np.testing.assert_array_equal(np.stack(frames), truth)


def test_content_says_the_kind(tmp_path: Path, made: Made, film: Callable[..., np.ndarray]) -> None:
    """Not the name: a GIF called .tif is read all the same."""
    path = made("a.gif", film()).rename(tmp_path / "b.tif")
    assert open_movie(str(path)).frames == 6


def test_odd_names(tmp_path: Path, made: Made, film: Callable[..., np.ndarray]) -> None:
    """Names that ffmpeg would take for a pattern, a protocol or an option."""
    path = made("h264.mp4", film())
    for name in ("a%03d.mp4", "-i.mp4", "größe.mp4", *(() if os.name == "nt" else ("x:y.mp4",))):
        path = path.rename(tmp_path / name)
        assert open_movie(path).frames == 6


def test_a_movie_can_be_sent_to_a_process(made: Made, film: Callable[..., np.ndarray]) -> None:
    """It holds no open file."""
    movie = open_movie(made("a.tif", film()))
    again = pickle.loads(pickle.dumps(movie))
    assert again == movie
    np.testing.assert_array_equal(next(again.read(3)), next(movie.read(3)))


def test_the_fingerprint_is_of_the_files(tmp_path: Path, made: Made, film: Callable[..., np.ndarray]) -> None:
    """It stays where nothing changes, and changes with a time, a name or the number of frames."""
    path = made("png", film())
    seen = [open_movie(path).fingerprint]
    assert open_movie(path).fingerprint == seen[0]
    os.utime(path / "frame3.png", ns=(1, 1))
    seen.append(open_movie(path).fingerprint)
    (path / "frame5.png").rename(path / "frame6.png")
    seen.append(open_movie(path).fingerprint)
    (path / "frame6.png").unlink()
    seen.append(open_movie(path).fingerprint)
    assert len(set(seen)) == 4
    assert all(len(name) == 16 for name in seen)


@pytest.mark.parametrize("kind", KINDS)
def test_giants_are_refused(kind: str, made: Made, film: Callable[..., np.ndarray]) -> None:
    """By the size in the header, before a pixel is decoded."""
    path = made(kind, film(2))
    with pytest.raises(UserError, match=r"at most 1,727 pixels\. Received 48×36 pixels"):
        open_movie(path, max_pixels=1727)
    assert open_movie(path, max_pixels=1728).frames == 2


@pytest.mark.skipif(not SWELLING.is_dir(), reason="the swelling movie is not beside the project")
def test_a_real_movie() -> None:
    """16 organoids: twelve frames, and masks whose areas are those in the table beside them."""
    movie, masks = open_movie(SWELLING / "movie.tif"), open_movie(SWELLING / "target_mask.tif")
    assert (movie.frames, movie.height, movie.width, movie.bits) == (12, 576, 576, 8)
    lines = (SWELLING / "areas.csv").read_text().splitlines()[1:]
    areas = [int(line.split(",")[7]) for line in lines if line.startswith("0,")]
    assert [int((frame[:144, :144] > 0).sum()) for frame in masks] == areas
    assert all(not np.array_equal(one, other) for one, other in pairwise(movie))
