"""TIFF in its many forms: which planes are the frames, what their samples mean, and what is refused."""

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
PILLOW: tuple[dict[str, Any], ...] = (
    {"compression": "tiff_lzw"},
    {"compression": "jpeg"},
    {"compression": "packbits"},
    {},
)


def frames_of(path: Path, **options: int) -> np.ndarray:
    return np.stack(list(open_movie(path, **options)))


def said(path: Path, **options: int) -> str:
    with pytest.raises(UserError) as caught:
        open_movie(path, **options)
    assert len(caught.value.lines) == 1
    return str(caught.value)


def by_pillow(path: Path, film: np.ndarray, **options: Any) -> Path:
    first, *others = [Image.fromarray(frame) for frame in film]
    first.save(path, save_all=True, append_images=others, **options)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"metadata": None},
        {"compression": "zlib"},
        {"compression": "zlib", "metadata": None, "rowsperstrip": 7},
        {"compression": "zlib", "predictor": True, "byteorder": ">"},
        {"tile": (16, 16), "metadata": None},
        {"imagej": True},
        {"imagej": True, "metadata": {"axes": "TYX"}, "truncate": True},
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"ome": True, "metadata": {"axes": "TYX"}},
        {"ome": True, "metadata": {"axes": "TYX"}, "compression": "zlib", "bigtiff": True},
        {"bigtiff": True, "truncate": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_frames_are_found(tmp_path: Path, film: Film, options: dict[str, Any], dtype: type) -> None:
    """However the file says what its planes are, stored with a page each or one behind the other."""
    truth = film(9, dtype=dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, truth, photometric="minisblack", **options)
    np.testing.assert_array_equal(frames_of(path), truth)


@pytest.mark.parametrize("alike", [True, False])
def test_pages_written_one_by_one(tmp_path: Path, film: Film, alike: bool) -> None:
    """As scripts do it: each page has a description of its own."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        for frame in film(6):
            tif.write(frame, contiguous=alike)
    np.testing.assert_array_equal(frames_of(path), film(6))


@pytest.mark.parametrize("options", PILLOW)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_packed_pages(tmp_path: Path, film: Film, options: dict[str, Any], dtype: type) -> None:
    """LZW and JPEG, which need no further package: exactly, or nearly so with JPEG, which has 8 bits."""
    if options == {"compression": "jpeg"} and dtype == np.uint16:
        return
    truth = film(6, dtype=dtype)
    frames = frames_of(by_pillow(tmp_path / "a.tif", truth, **options))
    assert frames.dtype == dtype
    assert np.abs(frames.astype(int) - truth).mean() <= (3 if options == {"compression": "jpeg"} else 0)


def test_one_channel_of_several(tmp_path: Path, film: Film) -> None:
    """Is chosen by its number, wherever the axis of channels stands."""
    truth = film(6)
    both = np.stack([truth, 255 - truth], axis=1)
    tifffile.imwrite(tmp_path / "a.ome.tif", both, metadata={"axes": "TCYX"})
    tifffile.imwrite(tmp_path / "b.ome.tif", both.swapaxes(0, 1), metadata={"axes": "CTYX"}, compression="zlib")
    tifffile.imwrite(tmp_path / "c.tif", both, imagej=True, metadata={"axes": "TCYX"})
    tifffile.imwrite(tmp_path / "d.tif", both, metadata={"axes": "TCYX"})
    for path in sorted(tmp_path.iterdir()):
        for channel in range(2):
            np.testing.assert_array_equal(frames_of(path, channel=channel), both[:, channel])
        assert f"must have one channel. Received 2 channels in {path.name}. Choose one" in said(path)
        assert f"Received 2 for {path.name} with channels 0 to 1" in said(path, channel=2)
    assert open_movie(path, channel=0).fingerprint != open_movie(path, channel=1).fingerprint


def test_depths_are_refused(tmp_path: Path, film: Film) -> None:
    """Beside time, or as OME's only axis; in ImageJ's files Z alone is what it calls the frames of a movie."""
    stack = film(6).reshape(3, 2, 36, 48)
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, metadata={"axes": "TZYX"})
    tifffile.imwrite(tmp_path / "b.tif", stack, imagej=True, metadata={"axes": "TZYX"})
    tifffile.imwrite(tmp_path / "c.ome.tif", film(6), metadata={"axes": "ZYX"})
    assert "time as its only axis. Received T 3, Z 2 in a.ome.tif." in said(tmp_path / "a.ome.tif")
    assert "time as its only axis. Received T 3, Z 2 in b.tif." in said(tmp_path / "b.tif")
    assert "time as its only axis. Received Z 6 in c.ome.tif." in said(tmp_path / "c.ome.tif")


def test_several_images_are_refused(tmp_path: Path, film: Film) -> None:
    """Positions of one OME-TIFF are several movies."""
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tif:
        for _ in range(2):
            tif.write(film(4), metadata={"axes": "TYX"}, photometric="minisblack")
    assert "must be one image in one file. Received 2 images in a.ome.tif." in said(tmp_path / "a.ome.tif")


def test_parts_of_a_set_are_refused(tmp_path: Path, film: Film) -> None:
    """An OME-TIFF that names a second file holds only a part of its movie."""
    tifffile.imwrite(tmp_path / "b.tif", film(2)[1], metadata=None)
    pixels = 'DimensionOrder="XYCZT" Type="uint8" SizeX="48" SizeY="36" SizeC="1" SizeZ="1" SizeT="2"'
    data = "".join(
        f'<TiffData FirstT="{time}" IFD="0"><UUID FileName="{name}.tif">urn:uuid:{name}</UUID></TiffData>'
        for time, name in enumerate("ab")
    )
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    image = f'<Image ID="Image:0"><Pixels ID="P:0" {pixels}>{data}</Pixels></Image>'
    text = f'<OME xmlns="{schema}" UUID="urn:uuid:a">{image}</OME>'
    tifffile.imwrite(tmp_path / "a.tif", film(2)[0], description=text, metadata=None)
    assert "Received one part of a movie in several files in a.tif" in said(tmp_path / "a.tif")


def test_an_uneven_page_is_named(tmp_path: Path, film: Film) -> None:
    """With its number and both sizes, at opening."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for number in range(6):
            tif.write(film(1, 36 + (number == 4), 48)[0], metadata=None)
    assert "Received 48×37 of 8 bits in frame 5 beside 48×36 of 8 bits in frame 1 of a.tif" in said(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("colour", "options"),
    [
        ((255, 0, 0), {"photometric": "rgb"}),
        ((0, 255, 0), {"photometric": "rgb", "compression": "zlib"}),
        ((0, 0, 255), {"photometric": "rgb", "planarconfig": "separate"}),
        ((0, 255, 0, 9), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    ],
)
def test_colour_becomes_luma(tmp_path: Path, colour: tuple[int, ...], options: dict[str, Any]) -> None:
    """Interleaved, in planes, and with transparency, in both depths."""
    path = tmp_path / "a.tif"
    for dtype, top in ((np.uint8, 1), (np.uint16, 257)):
        film = top * np.array(colour, dtype) * np.ones((5, 20, 30, 1), dtype)
        if "planarconfig" in options:
            film = np.moveaxis(film, -1, 1)
        tifffile.imwrite(path, film, **options)
        expected = top * np.dot(colour[:3], [0.299, 0.587, 0.114])
        assert frames_of(path).shape == (5, 20, 30)
        assert frames_of(path).astype(float) == pytest.approx(expected, abs=0.6)


def test_palettes_and_inverted_scales(tmp_path: Path) -> None:
    """Grey is what a viewer shows: a colour table's luma, white where zero is white, 0 and 255 of one bit."""
    numbers = np.arange(2, dtype=np.uint8)[:, None, None] * np.ones((2, 8, 16), np.uint8)
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 0], colours[:, 1] = (65535, 0, 0), (0, 65535, 0)
    tifffile.imwrite(tmp_path / "a.tif", numbers, photometric="palette", colormap=colours)
    tifffile.imwrite(tmp_path / "b.tif", numbers, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "c.tif", numbers.astype(bool), photometric="minisblack")
    read = {path.stem: frames_of(path)[:, 3, 3].tolist() for path in tmp_path.iterdir()}
    assert read == {"a": [76, 150], "b": [255, 254], "c": [0, 255]}


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint32])
def test_other_numbers_are_refused(tmp_path: Path, dtype: type) -> None:
    """With the way to convert them."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 8, 9), dtype), photometric="minisblack")
    text = said(tmp_path / "a.tif")
    assert f"8 or 16 bits. Received {np.dtype(dtype)} pixels in a.tif. In Fiji, set brightness and contrast" in text


def test_many_samples_are_refused(tmp_path: Path) -> None:
    """Five spectral bands a pixel are neither grey nor colour."""
    film = np.zeros((2, 8, 9, 5), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", film, photometric="minisblack", planarconfig="contig")
    assert "Received 5 samples a pixel that are no grey or colour, in a.tif" in said(tmp_path / "a.tif")
