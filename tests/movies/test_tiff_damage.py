"""TIFF files that were cut short or damaged: found out at opening or at the frame, with what can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.reading import open_movie

Film = Callable[..., np.ndarray]
Cut = Callable[..., Path]


def said(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_movie(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"imagej": True, "metadata": {"axes": "TYX"}}, True),
        ({"imagej": True, "metadata": {"axes": "TYX"}, "truncate": True}, True),
        ({}, True),
        ({"compression": "zlib"}, True),
        ({"metadata": None, "compression": "zlib"}, False),
        ({"ome": True, "metadata": {"axes": "TYX"}, "compression": "zlib"}, False),
        ({"bigtiff": True}, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_cut_files_are_refused(
    tmp_path: Path, film: Film, cut: Cut, options: dict[str, Any], known: bool, share: float
) -> None:
    """At opening, with the frames that are there, and how many there were where the first page says it."""
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 255, (12, 36, 48), np.uint8)
    tifffile.imwrite(path, noise, photometric="minisblack", **options)
    text = said(cut(path, share))
    assert "a.tif, which is cut short: " in text
    read = text.split("cut short: ")[1]
    if known:
        assert abs(int(read.split(" of 12 frames")[0]) - 12 * share) <= 1.2
    else:
        assert read.startswith("frame")


def test_a_missing_end_of_the_last_frame(tmp_path: Path, film: Film, cut: Cut) -> None:
    """Is a cut, too, however small."""
    path = tmp_path / "a.tif"
    first, *others = [Image.fromarray(frame) for frame in film(5)]
    first.save(path, save_all=True, append_images=others)
    cut(path, 1 - 9.5 / path.stat().st_size)
    assert "frames 1 to 4 can be read" in said(path)


def test_a_damaged_page_is_named(tmp_path: Path, film: Film) -> None:
    """Where it is reached; those before it and after it can be read."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, film(6), photometric="minisblack", metadata=None, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        place = tif.pages[3].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[place : place + 40] = b"\xff" * 40
    path.write_bytes(data)
    movie = open_movie(path)
    assert len(list(movie.read(0, 3))) == 3
    assert len(list(movie.read(4))) == 2
    with pytest.raises(UserError, match=r"for frame 4 of 6 in a\.tif"):
        list(movie)


def test_a_page_without_data_is_named(tmp_path: Path, film: Film) -> None:
    """A recorder that stopped leaves pages that point nowhere; they are not black frames."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, film(4), photometric="minisblack", metadata=None, compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.get(2).aspage().tags["StripByteCounts"].overwrite(0)
    with pytest.raises(UserError, match=r"“its data are missing” for frame 3 of 4 in a\.tif"):
        list(open_movie(path))
