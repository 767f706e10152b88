"""What cannot be opened as a movie, or changes after it was: each said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.reading import open_movie

Made = Callable[[str, np.ndarray], Path]


def error(path: Path, **options: int) -> str:
    with pytest.raises(UserError) as caught:
        open_movie(path, **options)
    assert len(caught.value.lines) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.mp4", b"once upon a time, in a text", "bytes of another kind in a.mp4"),
        ("a.gif", b"", "0 bytes in a.gif"),
        ("a.csv", b"id,area\n1,2\n", "a.csv, which is of another kind"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "one PNG image, a.png"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "one JPEG image, a.jpg"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "“Invalid data found when processing input” in a.avi"),
        ("a.mkv", b"\x1a\x45\xdf\xa3", "a.mkv, which is cut short: no frame can be read"),
        ("a.gif", b"GIF89a", "a.gif, which is cut short: no frame can be read"),
        ("a.tif", b"II*\0\x08\0\0\0", "“no page” in a.tif"),
        ("a.tif", b"II*\0", "in a.tif"),
    ],
)
def test_what_is_no_movie(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """Each is refused in one line that names the file."""
    path = tmp_path / name
    path.write_bytes(content)
    assert says in error(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    """A path is named as it was given."""
    assert f"“no such file or folder” for {tmp_path / 'a.tif'}" in error(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["a.gif", "a.tif", "h264.mp4", "png"])
def test_one_channel_has_no_other(kind: str, made: Made, film: Callable[..., np.ndarray]) -> None:
    """The first may be asked for, a second is refused."""
    path = made(kind, film(2))
    assert open_movie(path, channel=0).frames == 2
    assert f"1 for {kind} with one channel" in error(path, channel=1)


def test_a_file_that_changes_is_found_out(made: Made, film: Callable[..., np.ndarray]) -> None:
    """A folder's frame that becomes larger, and one that goes, after the movie was opened."""
    path = made("png", film())
    movie = open_movie(path)
    (path / "frame3.png").unlink()
    with pytest.raises(UserError, match=r"for frame 4 of 6 in frame3\.png"):
        list(movie)
    Image.fromarray(film(1, 40, 48)[0]).save(path / "frame3.png")
    with pytest.raises(UserError, match="48×40 of 8 bits in frame 4 beside 48×36 of 8 bits in frame 1 of png"):
        list(movie)
