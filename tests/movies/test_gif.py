"""GIFs: counted by their blocks, drawn one over the other, and found out where they are cut short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.gif import count
from hpapipe.movies.reading import open_movie


def ends(data: bytes) -> list[int]:
    """Where the frames of a GIF end, by trying each length."""
    counts = [count(data[:length])[0] for length in range(len(data))]
    return [length for length in range(1, len(data)) if counts[length] > counts[length - 1]]


def test_partial_frames_are_drawn_over_the_former(tmp_path: Path, gif: Callable[..., Path]) -> None:
    """Only what changed is stored; what is read is the whole picture."""
    film = np.full((4, 30, 40), 50, np.uint8)
    for number in range(1, 4):
        film[number:, 5 * number : 5 * number + 3, 10:14] = 60 * number
    path = gif(tmp_path / "a.gif", film)
    with Image.open(path) as image:
        image.seek(2)
        assert image.tile[0].extents != (0, 0, 40, 30)
    np.testing.assert_array_equal(np.stack(list(open_movie(path))), film)


def test_colour_becomes_luma(tmp_path: Path, gif: Callable[..., Path]) -> None:
    """Of a palette of its own for each frame."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    film = np.stack([np.full((8, 9, 3), colour, np.uint8) for colour in colours])
    frames = list(open_movie(gif(tmp_path / "a.gif", film)))
    assert [int(frame[3, 3]) for frame in frames] == [76, 150, 29]


def test_playing_is_not_taking(tmp_path: Path, gif: Callable[..., Path], film: Callable[..., np.ndarray]) -> None:
    """A delay of 300 ms says nothing of the microscope."""
    assert open_movie(gif(tmp_path / "a.gif", film(), duration=300)).interval_s is None


def test_blocks_are_counted(tmp_path: Path, gif: Callable[..., Path], film: Callable[..., np.ndarray]) -> None:
    """With comments, loops and delays between them, or without; an end without its last byte is whole."""
    plain = gif(tmp_path / "a.gif", film(7)).read_bytes()
    rich = gif(tmp_path / "b.gif", film(7), comment=b"x" * 700, duration=100, loop=0).read_bytes()
    assert count(plain) == count(rich) == count(plain[:-1]) == (7, True)
    assert count(plain[:-1] + b"\0\0" + plain[-1:] + b"trailing") == (7, True)


def test_every_cut_is_found(tmp_path: Path, gif: Callable[..., Path], film: Callable[..., np.ndarray]) -> None:
    """Wherever it falls inside a block, and the frames before it are counted."""
    data = gif(tmp_path / "a.gif", film(4)).read_bytes()
    frames = ends(data)
    assert len(frames) == 4
    for length in range(len(data) - 1):
        whole = sum(end <= length for end in frames)
        assert count(data[:length])[0] == whole
    assert count(data[: frames[2] - 1]) == (2, False)


def test_a_cut_movie_is_refused(
    tmp_path: Path, gif: Callable[..., Path], film: Callable[..., np.ndarray], cut: Callable[..., Path]
) -> None:
    """At opening, with what could be read."""
    path = cut(gif(tmp_path / "a.gif", film()), 0.6)
    with pytest.raises(UserError, match=r"a\.gif, which is cut short: frames 1 to \d can be read\. Copy or export it"):
        open_movie(path)


def test_a_header_alone_is_no_movie(tmp_path: Path) -> None:
    """It ends properly, and holds no frame."""
    path = tmp_path / "a.gif"
    path.write_bytes(b"GIF89a\x05\0\x05\0\0\0\0;")
    with pytest.raises(UserError, match=r"Received no frame in a\.gif"):
        open_movie(path)


def test_a_damaged_frame_is_named(tmp_path: Path, gif: Callable[..., Path]) -> None:
    """What cannot be decoded is said when it is reached."""
    film = np.random.default_rng(0).integers(0, 255, (3, 40, 40), np.uint8)
    path = gif(tmp_path / "a.gif", film)
    data = bytearray(path.read_bytes())
    second = ends(bytes(data))[1]
    data[second - 1000 : second - 700] = b"\xff" * 300
    path.write_bytes(data)
    movie = open_movie(path)
    np.testing.assert_array_equal(next(iter(movie)), film[0])
    with pytest.raises(UserError, match=r"for frame 2 of 3 in a\.gif"):
        list(movie)
