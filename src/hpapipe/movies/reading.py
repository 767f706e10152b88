"""Movies of any kind to grey frames: the one place where a movie is opened."""

from __future__ import annotations

import errno
from pathlib import Path

from hpapipe.errors import UserError
from hpapipe.movies.folder import open_folder
from hpapipe.movies.gif import open_gif
from hpapipe.movies.movie import MAX_PIXELS, Movie, no_channel, no_movie
from hpapipe.movies.tiff import open_tiff
from hpapipe.movies.video import open_video

__all__ = ["Movie", "open_movie"]

SUFFIXES = (".gif", ".avi", ".mp4", ".m4v", ".mov", ".mkv", ".tif", ".tiff", ".btf", ".tf8")
STILLS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG"}
TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""What a QuickTime or MP4 file can begin with, behind four bytes of length."""


def open_movie(path: Path | str, channel: int | None = None, max_pixels: int = MAX_PIXELS) -> Movie:
    """The movie in a GIF, AVI, MP4, MOV, MKV or TIFF file, or in a folder of PNG, TIFF or JPEG frames.

    What kind a file is, its first bytes say. Colour becomes grey by its luma. Frames are counted by pages, blocks or
    packets, without being decoded.

    Args:
        path: the file or the folder.
        channel: which of a TIFF's channels, from 0; none where it has one.
        max_pixels: a movie with larger frames is refused by its header, undecoded.

    Raises:
        UserError: there is no such file, it is no movie of these kinds, is cut short, has frames of several sizes,
            several channels and none is chosen, several depths, or pixels other than whole numbers of 8 or 16 bits.
    """
    path = Path(path)
    try:
        head = b"" if path.is_dir() else _head(path)
        if head[:4] in TIFFS:
            return open_tiff(path, channel, max_pixels)
        if channel:
            raise no_channel(path.name, channel, 1)
        if path.is_dir():
            return open_folder(path, max_pixels)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return open_gif(path, max_pixels)
        return open_video(path, _container(path, head), max_pixels)
    except OSError as error:
        reason = "no such file or folder" if error.errno == errno.ENOENT else error.strerror or str(error)
        raise UserError("A movie must be readable.", f"“{reason}” for {path}", "Give another path.") from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _container(path: Path, head: bytes) -> str:
    """ffmpeg's name for a video file of this kind, or a UserError that says what the file is instead."""
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in ATOMS:
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    still = next((kind for start, kind in STILLS.items() if head.startswith(start)), None)
    if still:
        remedy = "Give the folder that holds the frames."
        raise UserError("A movie must have several frames.", f"one {still} image, {path.name}", remedy)
    if path.suffix.lower() in SUFFIXES:
        raise no_movie(path, "bytes of another kind" if head else "0 bytes")
    rule = "A movie must be a GIF, AVI, MP4, MOV, MKV or TIFF file, or a folder of frames."
    raise UserError(rule, f"{path.name}, which is of another kind", "Save it as a TIFF, for example with Fiji.")
