"""Folders of frames: their order, what is passed over, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.reading import open_movie

Folder = Callable[..., Path]
Film = Callable[..., np.ndarray]
Cut = Callable[..., Path]


def said(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_movie(path)
    return str(caught.value)


def test_frame_2_comes_before_frame_10(tmp_path: Path, folder: Folder, film: Film) -> None:
    """The movie is in the order in which it was taken."""
    truth = film(12)
    np.testing.assert_array_equal(np.stack(list(open_movie(folder(tmp_path / "f", truth)))), truth)


def test_other_files_are_passed_over(tmp_path: Path, folder: Folder, film: Film) -> None:
    """Notes, hidden files, such as those that macOS leaves, and folders."""
    path = folder(tmp_path / "f", film(3))
    (path / "notes.txt").write_text("day 5")
    (path / "._frame0.png").write_bytes(b"\0")
    (path / "old.png").mkdir()
    assert open_movie(path).frames == 3


def test_colour_and_palettes(tmp_path: Path, folder: Folder) -> None:
    """Become grey, whatever each frame is stored as."""
    film = [np.full((8, 9, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 255, 0))]
    path = folder(tmp_path / "f", film)
    Image.new("P", (9, 8), 1).save(path / "frame2.png")
    Image.new("L", (9, 8), 90).save(path / "frame3.png")
    with Image.open(path / "frame1.png") as image:
        image.quantize(4).save(path / "frame1.png")
    assert [int(frame[3, 3]) for frame in open_movie(path)][:2] == [76, 150]
    assert int(list(open_movie(path))[3][0, 0]) == 90


def test_the_scale_is_that_of_the_first_tiff(tmp_path: Path, folder: Folder, film: Film) -> None:
    """As Fiji writes it into each file of an image sequence."""
    path = folder(tmp_path / "f", film(3), ".tif")
    assert open_movie(path).pixel_um is None
    tifffile.imwrite(path / "frame0.tif", film(1)[0], imagej=True, resolution=(2, 2), metadata={"unit": "um"})
    assert open_movie(path).pixel_um == pytest.approx(0.5)


def test_empty_folders(tmp_path: Path) -> None:
    """With nothing in them, or with nothing that is an image."""
    assert f"Received no file in {tmp_path}" in said(tmp_path)
    (tmp_path / "movie.avi").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    assert f"Received movie.avi and 1 other files in {tmp_path}" in said(tmp_path)


def test_frames_twice_are_refused(tmp_path: Path, folder: Folder, film: Film) -> None:
    """As TIFF and as PNG: each would be counted twice."""
    path = folder(tmp_path / "f", film(3))
    tifffile.imwrite(path / "frame0.tif", film(1)[0])
    assert "Received 3 PNG and 1 TIFF images" in said(path)


def test_an_odd_frame_is_named(tmp_path: Path, folder: Folder, film: Film) -> None:
    """By its number and file, with both sizes, at opening."""
    path = folder(tmp_path / "f", film(12))
    Image.fromarray(film(1, 20, 30)[0]).save(path / "frame10.png")
    text = said(path)
    assert "Received 30×20 of 8 bits in frame 11 (frame10.png) beside 48×36 of 8 bits in frame 1 of f" in text


def test_an_odd_depth_is_named(tmp_path: Path, folder: Folder, film: Film) -> None:
    """16 bits among 8."""
    path = folder(tmp_path / "f", film(3))
    Image.fromarray(film(1, dtype=np.uint16)[0]).save(path / "frame2.png")
    assert "48×36 of 16 bits in frame 3 (frame2.png)" in said(path)


def test_a_stack_among_frames(tmp_path: Path, folder: Folder, film: Film) -> None:
    """With a page for each plane, or in ImageJ's way with one page for all."""
    path = folder(tmp_path / "f", film(3), ".tif")
    tifffile.imwrite(path / "frame1.tif", film(5))
    assert "must hold one. Received 5 in frame1.tif" in said(path)
    tifffile.imwrite(path / "frame1.tif", film(5), imagej=True, metadata={"axes": "TYX"}, truncate=True)
    assert "must hold one. Received 5 in frame1.tif" in said(path)


@pytest.mark.parametrize(("suffix", "share"), [(".png", 0.8), (".jpg", 0.5), (".tif", 0.8)])
def test_a_cut_frame_is_named(tmp_path: Path, film: Film, folder: Folder, cut: Cut, suffix: str, share: float) -> None:
    """At opening where the header tells it, else at the frame."""
    noise = np.random.default_rng(0).integers(0, 255, (3, 90, 80), np.uint8)
    path = folder(tmp_path / "f", noise, suffix)
    cut(path / f"frame1{suffix}", share)
    with pytest.raises(UserError, match=rf"frame1\{suffix}"):
        list(open_movie(path))


@pytest.mark.parametrize("name", ["frame1.png", "frame1.tif"])
def test_a_text_that_is_called_an_image(tmp_path: Path, name: str) -> None:
    """It is named."""
    (tmp_path / name).write_text("no image at all")
    assert f"in {name}. Copy or export it again." in said(tmp_path)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_floats_are_refused(tmp_path: Path, folder: Folder, dtype: type) -> None:
    """With the way to convert them."""
    path = folder(tmp_path / "f", np.zeros((2, 9, 8), dtype), ".tif")
    assert f"Received {np.dtype(dtype)} pixels in frame0.tif. In Fiji, set brightness and contrast" in said(path)


def test_packed_tiff_frames(tmp_path: Path, film: Film) -> None:
    """LZW, which Pillow decodes."""
    truth = film(3)
    for number, frame in enumerate(truth):
        Image.fromarray(frame).save(tmp_path / f"f{number}.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(np.stack(list(open_movie(tmp_path))), truth)
