"""Movies written: what goes in comes out, other programs can read it, and nothing is left half done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.reading import open_movie
from hpapipe.movies.writing import STILL, _in_colours, write_gif, write_mp4, write_tiff

Film = Callable[..., np.ndarray]
Write = Callable[[Path, Iterator[np.ndarray]], None]
PALETTE = np.array([*([grey] * 3 for grey in range(0, 256, 4)), [255, 128, 0]], np.uint8)
"""Greys, four steps of brightness apart, and the orange of `coloured`."""
WRITERS: dict[str, Write] = {
    "a.tif": lambda path, frames: write_tiff(path, frames, 1.5, 300.0),
    "a.gif": lambda path, frames: write_gif(path, frames, 8, PALETTE),
    "a.mp4": lambda path, frames: write_mp4(path, frames, 8),
}


def coloured(film: np.ndarray) -> np.ndarray:
    """Grey frames with an outline in orange, as a prediction is drawn."""
    frames = np.repeat(film[..., None], 3, -1)
    frames[:, 8:28, 10:12] = (255, 128, 0)
    return frames


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_keeps_every_value(tmp_path: Path, film: Film, dtype: type) -> None:
    """And the scale."""
    truth = film(7, dtype=dtype)
    write_tiff(tmp_path / "a.tif", iter(truth), 0.65, 299.5)
    movie = open_movie(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.stack(list(movie)), truth)
    assert (movie.pixel_um, movie.interval_s) == (pytest.approx(0.65, rel=1e-6), 299.5)


@settings(max_examples=25, database=None)
@given(
    film=arrays.arrays(
        st.sampled_from([np.uint8, np.uint16, bool]),
        st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    )
)
def test_any_film_comes_back(tmp_path_factory: pytest.TempPathFactory, film: np.ndarray) -> None:
    """Of any size, even one pixel, and one frame; true is 255."""
    path = tmp_path_factory.mktemp("any") / "a.tif"
    write_tiff(path, film)
    np.testing.assert_array_equal(np.stack(list(open_movie(path))), 255 * film if film.dtype == bool else film)


def test_fiji_is_told_the_scale(tmp_path: Path, film: Film) -> None:
    """In ImageJ's own words: frames, not slices, a unit, an interval, and pixels a unit."""
    write_tiff(tmp_path / "a.tif", film(7) > 100, 1.5, 300.0)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        facts, tags = tif.imagej_metadata, tif.pages.first.tags
        assert facts is not None
        assert {"images": 7, "frames": 7, "unit": "micron", "finterval": 300.0}.items() <= facts.items()
        assert (tags["XResolution"].value, tags["YResolution"].value, tags["ResolutionUnit"].value) == (
            (2, 3),
            (2, 3),
            1,
        )
        assert (tif.series[0].axes, tif.series[0].shape, tif.is_bigtiff) == ("TYX", (7, 36, 48), False)
        assert np.unique(tif.asarray()).tolist() == [0, 255]


def test_an_unknown_scale_stays_unknown(tmp_path: Path, film: Film) -> None:
    """Nothing is made up."""
    write_tiff(tmp_path / "a.tif", film())
    movie = open_movie(tmp_path / "a.tif")
    assert (movie.pixel_um, movie.interval_s) == (None, None)


def test_gif_keeps_colours_and_time(tmp_path: Path, film: Film) -> None:
    """To a few steps of brightness; 8 frames a second are 12 or 13 hundredths each, and it repeats for ever."""
    truth = coloured(film(9))
    write_gif(tmp_path / "a.gif", iter(truth), 8, PALETTE)
    with Image.open(tmp_path / "a.gif") as image:
        assert (getattr(image, "n_frames", 1), image.info["loop"]) == (9, 0)
        times = []
        for number, frame in enumerate(truth):
            image.seek(number)
            shown = np.asarray(image.convert("RGB")).astype(int)
            assert np.abs(shown - frame).max() <= STILL
            assert (shown[8:28, 10:12] == (255, 128, 0)).all()
            times.append(image.info["duration"])
    assert set(times) <= {120, 130}
    assert sum(times[:8]) == 1000


def test_colours_of_a_gif_are_the_nearest_of_its_palette() -> None:
    """A pixel of each colour is drawn in it; others, in the nearest one."""
    palette = np.array([[0, 0, 0], [255, 255, 255], [200, 40, 40]], np.uint8)
    frame = np.array([[[0, 0, 0], [255, 255, 255], [200, 40, 40], [20, 20, 20], [190, 50, 45]]], np.uint8)
    assert next(_in_colours([frame], palette)).tolist() == [[0, 1, 2, 0, 2]]


def test_noise_in_a_gif_stands_still_and_motion_does_not() -> None:
    """A step of 10 keeps what was shown, one of 20 does not; small steps do not add up."""
    frames = [np.full((1, 1, 3), grey, np.uint8) for grey in (100, 110, 92, 112, 100)]
    shown = [int(PALETTE[drawn[0, 0], 0]) for drawn in _in_colours(frames, PALETTE)]
    assert shown == [100, 100, 100, 112, 100]


def test_a_still_film_is_a_small_gif_that_lasts_as_long(tmp_path: Path, film: Film) -> None:
    """Thirty frames that are alike but for noise take hardly more room than one."""
    chance = np.random.default_rng(0)
    noisy = [coloured(film(1, 100, 120) + chance.integers(0, 8, (1, 100, 120), np.uint8))[0] for _ in range(30)]
    write_gif(tmp_path / "one.gif", noisy[:1], 10, PALETTE)
    write_gif(tmp_path / "all.gif", noisy, 10, PALETTE)
    assert (tmp_path / "all.gif").stat().st_size < 2 * (tmp_path / "one.gif").stat().st_size
    with Image.open(tmp_path / "all.gif") as image:
        times = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            times.append(image.info["duration"])
    assert sum(times) == 3000


def test_gif_is_not_faster_than_browsers(tmp_path: Path, film: Film) -> None:
    """They would slow it down to ten frames a second."""
    write_gif(tmp_path / "a.gif", coloured(film(5)), 200, PALETTE)
    with Image.open(tmp_path / "a.gif") as image:
        image.seek(1)
        assert image.info["duration"] == 20


@pytest.mark.parametrize("size", [(36, 48), (35, 47)])
def test_mp4_plays_in_browsers(tmp_path: Path, film: Film, size: tuple[int, int]) -> None:
    """H.264 with 4:2:0, even sizes, its table first, and colours near the given ones."""
    truth = coloured(film(9, *size))
    write_mp4(tmp_path / "a.mp4", iter(truth), 8)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as file:
        stream = file.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 8)
        assert (codec.height, codec.width) == (36, 48)
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
    assert len(frames) == 9
    off = np.abs(np.stack(frames)[:, : size[0], : size[1]].astype(int) - truth)
    assert off.mean() < 8
    assert np.abs(off[:, 2:6, 2:8].mean()) < 6


@pytest.mark.parametrize("name", WRITERS)
def test_whole_or_not_at_all(tmp_path: Path, film: Film, name: str) -> None:
    """A source that fails leaves the former file as it was, and nothing beside it; so does one that is empty."""
    path = tmp_path / name
    path.write_bytes(b"the former one")

    def failing() -> Iterator[np.ndarray]:
        yield from coloured(film(3)) if name != "a.tif" else film(3)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        WRITERS[name](path, failing())
    with pytest.raises(UserError, match="A movie must hold a frame"):
        WRITERS[name](path, iter(()))
    assert path.read_bytes() == b"the former one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", WRITERS)
def test_a_former_file_is_replaced(tmp_path: Path, film: Film, name: str) -> None:
    """By a movie that can be read, with the rights of any new file."""
    path = tmp_path / name
    path.write_bytes(b"the former one")
    WRITERS[name](path, iter(film(3) if name == "a.tif" else coloured(film(3))))
    assert open_movie(path).frames == 3
    (tmp_path / "other").write_bytes(b"")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, "other"])


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_that_is_not_there(tmp_path: Path, film: Film, name: str) -> None:
    """Is said in a user's words."""
    with pytest.raises(UserError, match=r"“No such file or directory” for .*none"):
        WRITERS[name](tmp_path / "none" / name, iter(film(3) if name == "a.tif" else coloured(film(3))))


@pytest.mark.parametrize("name", WRITERS)
def test_frames_must_be_alike(tmp_path: Path, film: Film, name: str) -> None:
    """A stack of odd pages would be no movie."""
    one, other = film(1), film(1, 38, 48)
    frames = [one[0], other[0]] if name == "a.tif" else [coloured(one)[0], coloured(other)[0]]
    with pytest.raises(ValueError, match="frame 1 is uint8"):
        WRITERS[name](tmp_path / name, iter(frames))
    assert list(tmp_path.iterdir()) == []
