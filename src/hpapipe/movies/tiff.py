"""Multi-page TIFF, ImageJ's stacks, OME-TIFF and BigTIFF: which plane of a file is which frame."""

from __future__ import annotations

import contextlib
import logging
import math
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tifffile import TiffFile, TiffFrame, TiffPage, TiffPageSeries

from hpapipe.errors import UserError
from hpapipe.movies.movie import (
    Movie,
    cut_short,
    damaged,
    describe,
    fingerprint,
    no_channel,
    no_movie,
    refuse_giant,
    uneven,
)
from hpapipe.movies.page import UNREADABLE, grey_plane, is_left_to_pillow, page_look, read_page
from hpapipe.movies.scale import ome_pixels, scale

# Faults that it logs are raised here in a user's words.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

UNTOLD = ("generic", "uniform")
"""tifffile's kinds of series that say nothing of axes: each page is a frame."""

MOST_CHANNELS = 7
"""That ImageJ shows at a time. More of them are frames."""


class Layout(NamedTuple):
    """Where the frames of a movie are.

    Args:
        places: the planes that are its frames, in order of time.
        stacked: planes are counted from the first page's data, one behind the other without pages of their own;
            otherwise they are pages.
    """

    places: Sequence[int]
    stacked: bool


def open_tiff(path: Path, channel: int | None, max_pixels: int) -> Movie:
    """The movie in a TIFF file.

    Args:
        path: the file.
        channel: which of several channels, from 0; none where there is one.
        max_pixels: larger frames are refused.

    Raises:
        UserError: it is no TIFF, is cut short, is larger than `max_pixels`, has several channels and none is chosen,
            several depths, pages of different sizes, or pixels that are no whole numbers of 8 or 16 bits.
    """
    with opened(path) as tif:
        height, width, bits = page_look(tif.pages.first, path.name)
        refuse_giant(path.name, height, width, max_pixels)
        refuse_cut(tif, path)
        layout = _layout(tif, path, channel)
        pixel_um, interval_s = scale(tif, channel or 0)
    name, count = fingerprint([path], channel), len(layout.places)
    return Movie(path, count, height, width, bits, pixel_um, interval_s, name, partial(_decode, path, layout))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[TiffFile]:
    """The file, or a UserError where it is no TIFF with a page."""
    try:
        tif = TiffFile(path)
        if len(tif.pages) == 0 or not tif.pages.first.dataoffsets:
            raise ValueError("no page")
    except (ValueError, struct.error, OSError) as error:
        raise no_movie(path, f"“{error}”") from None
    with tif:
        yield tif


def refuse_cut(tif: TiffFile, path: Path) -> None:
    """Raise a UserError where the file ends before its last page, or before the data of its planes."""
    size, first, planes = tif.filehandle.size, tif.pages.first, described(tif)
    behind = first.dataoffsets[0] + planes * first.nbytes  # where data end that have no pages of their own
    single = len(tif.pages) == 1 and first.is_final
    last = len(tif.pages) - 1
    if _chained(tif) and _inside(tif, last) and not (single and behind > size):
        return
    whole = next((number for number in range(last + 1) if not _inside(tif, number)), last + 1)
    if first.is_final and planes > 1:  # ImageJ writes all data before the second page
        whole = min(max(whole, (size - first.dataoffsets[0]) // first.nbytes), planes - 1)
    raise cut_short(path, whole, next((known for known in (planes, _ome_planes(tif)) if known > whole), None))


def described(tif: TiffFile) -> int:
    """How many planes a description by ImageJ or tifffile speaks of; 1 where there is none."""
    if tif.imagej_metadata is not None:
        return int(tif.imagej_metadata.get("images", 1))
    if tif.shaped_metadata:
        return math.prod(tif.shaped_metadata[0]["shape"]) // math.prod(tif.pages.first.shape)
    return 1


def _ome_planes(tif: TiffFile) -> int:
    pixels = ome_pixels(tif)
    if pixels is None:
        return 1
    return math.prod(int(pixels.get(f"Size{axis}", 1)) for axis in "CZT") // tif.pages.first.samplesperpixel


def _chained(tif: TiffFile) -> bool:
    """Whether the chain of pages ends as it should, with a zero where the next one would be."""
    place = tif.pages.next_page_offset
    if place is None:
        return False
    tif.filehandle.seek(place)
    end = tif.filehandle.read(tif.tiff.offsetsize)
    return len(end) == tif.tiff.offsetsize and not any(end)


def _inside(tif: TiffFile, number: int) -> bool:
    """Whether a page and its data are in the file."""
    try:
        page = tif.pages.get(number)
    except UNREADABLE:
        return False
    parts = zip(page.dataoffsets, page.databytecounts, strict=True)
    return all(place + count <= tif.filehandle.size for place, count in parts)


def _layout(tif: TiffFile, path: Path, channel: int | None) -> Layout:
    try:
        series = tif.series
    except UNREADABLE:  # pages that differ, or odd notes of some program
        series = []
    kind = series[0].kind if series else "generic"
    if kind in UNTOLD or (kind == "shaped" and len(series) > 1):  # the latter was written page by page
        return _paged(tif, path, channel, alike=len(series) == 1)
    if (len(series) > 1 and kind in ("ome", "mmstack")) or series[0].is_multifile:
        raise _several(path, f"{len(series)} images" if len(series) > 1 else "one part of a movie in several files")
    planes = _planes(series[0], path, channel)
    if series[0].dataoffset is not None:
        return Layout(planes, True)
    pages = [_page(series[0], plane) for plane in planes]
    if None in pages:
        raise cut_short(path, pages.index(None), len(pages))
    return Layout([page.index for page in pages if page is not None], False)


def _page(series: TiffPageSeries, plane: int) -> TiffPage | TiffFrame | None:
    try:
        return series[plane]
    except IndexError:
        return None


def _several(path: Path, received: str) -> UserError:
    remedy = "Open it in Fiji (Plugins > Bio-Formats), and save the movie to measure as a TIFF of its own."
    return UserError("A movie must be one image in one file.", f"{received} in {path.name}", remedy)


def _paged(tif: TiffFile, path: Path, channel: int | None, alike: bool) -> Layout:
    """Each page is a frame."""
    if channel:
        raise no_channel(path.name, channel, 1)
    pages = [] if alike else [tif.pages.get(number) for number in range(len(tif.pages))]
    looks = [page_look(page, path.name) for page in pages if isinstance(page, TiffPage)]
    for number, look in enumerate(looks):
        if look != looks[0]:
            raise uneven(path, number, describe(*look), describe(*looks[0]))
    if tif.is_ome and len(tif.pages) > 1:
        raise _several(path, "OME-XML that does not fit the pages")
    return Layout(range(len(tif.pages)), False)


def _planes(series: TiffPageSeries, path: Path, channel: int | None) -> list[int]:
    """The numbers of one channel's planes in order of time, where axes have names.

    ImageJ and tifffile call the frames of a movie slices or channels unless they are told otherwise: an only axis is
    time, whatever its name. OME's names are meant.
    """
    axes = [(axis, size) for axis, size in zip(series.axes, series.shape, strict=True) if axis not in "YXS"]
    if series.kind != "ome" and len(axes) == 1 and (axes[0][0] != "C" or axes[0][1] > MOST_CHANNELS):
        axes = [("T", axes[0][1])]
    numbers = np.arange(math.prod(size for _, size in axes)).reshape([size for _, size in axes])
    channels = next((place for place, (axis, _) in enumerate(axes) if axis == "C"), None)
    count = 1 if channels is None else axes[channels][1]
    if channel is None and count > 1:
        remedy = "Choose one by its number with `--movie.channel 0`, or split them in Fiji and save the one to measure."
        raise UserError("A movie must have one channel.", f"{count} channels in {path.name}", remedy)
    if channel is not None and not 0 <= channel < count:
        raise no_channel(path.name, channel, count)
    if channels is not None:
        numbers = np.take(numbers, [channel or 0], axis=channels)
    others = [(axis, size) for axis, size in axes if axis != "C" and size > 1]
    if len(others) > 1 or (series.kind == "ome" and others and others[0][0] == "Z"):
        named = ", ".join(f"{axis} {size}" for axis, size in others)
        remedy = "Save one depth or a projection; where Z is time in truth, swap the two in Fiji (Image > Properties)."
        raise UserError("A movie must have time as its only axis.", f"{named} in {path.name}", remedy)
    return [int(number) for number in numbers.ravel()]


def _decode(path: Path, layout: Layout, wanted: range) -> Iterator[np.ndarray]:
    number = wanted[0]
    try:
        with opened(path) as tif, contextlib.ExitStack() as stack:
            first = tif.pages.first
            picture = stack.enter_context(Image.open(path)) if is_left_to_pillow(first) else None
            for number in wanted:
                place = layout.places[number]
                yield _stacked(tif, place) if layout.stacked else read_page(tif.pages.get(place), picture)
    except UNREADABLE as error:
        raise damaged(path.name, number, len(layout.places), error) from None


def _stacked(tif: TiffFile, place: int) -> np.ndarray:
    """Plane `place` behind the first page's data."""
    first = tif.pages.first
    tif.filehandle.seek(first.dataoffsets[0] + place * first.nbytes)
    plane = np.frombuffer(tif.filehandle.read(first.nbytes), np.dtype(first.dtype).newbyteorder(tif.byteorder))
    return grey_plane(first, plane.reshape(first.shape))
