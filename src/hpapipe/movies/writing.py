"""Grey frames, masks and coloured frames to movie files, each written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import struct
import uuid
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.reformatter import Colorspace
from tifffile import TiffFile, TiffWriter

from hpapipe.errors import UserError

FASTEST_GIF = 50
"""Frames a second; browsers slow down what is faster."""

STILL = 10
"""Steps of brightness, of 256, that a pixel of a GIF may be off before it is stored anew: noise is, motion is not."""

DEPTH = 6
"""Bits of red, green and blue by which the colours of a GIF are looked up."""

DESCRIPTION_LENGTH = 240
"""Characters kept free on the first page for what is known only at the end."""


def write_tiff(
    path: Path, frames: Iterable[np.ndarray], pixel_um: float | None = None, interval_s: float | None = None
) -> None:
    """A multi-page TIFF, compressed without loss, that Fiji opens as a movie with its scale.

    Args:
        path: where to; a file that is there is replaced.
        frames: bool, uint8 or uint16 `[height, width]`, all alike; of masks, true is written as 255.
        pixel_um: µm a pixel, or none.
        interval_s: seconds between frames, or none.

    Raises:
        UserError: there are no frames, the file cannot be written, or it would be larger than 4 GB.
    """
    count = 0
    with _whole(path) as part:
        try:
            with TiffWriter(part) as tif:
                for count, frame in enumerate(_alike(frames), 1):
                    page = 255 * frame.astype(np.uint8) if frame.dtype == bool else frame
                    first = " " * DESCRIPTION_LENGTH if count == 1 else None
                    resolution = None if pixel_um is None else (1 / pixel_um, 1 / pixel_um)
                    tif.write(
                        page,
                        photometric="minisblack",
                        compression="zlib",
                        resolution=resolution,
                        resolutionunit=1,
                        description=first,
                        metadata=None,
                        software=False,
                    )
        except struct.error:  # places in the file no longer fit into its 32 bits
            remedy = "Write fewer or smaller frames."
            raise UserError("A TIFF must be smaller than 4 GB for Fiji.", f"more for {path}", remedy) from None
        with TiffFile(part, mode="r+") as tif:
            tif.pages.first.tags["ImageDescription"].overwrite(_description(count, pixel_um, interval_s))


def write_gif(path: Path, frames: Iterable[np.ndarray], fps: float, palette: np.ndarray) -> None:
    """An animated GIF that repeats for ever. A pixel is stored anew only where it is more than `STILL` off.

    Args:
        path: where to; a file that is there is replaced.
        frames: uint8 `[height, width, 3]`, all of one size.
        fps: frames a second, 50 at most: what is faster is written so.
        palette: the colours to choose from, the same for all frames, uint8 `[colours, 3]`, less than 256.

    Raises:
        UserError: there are no frames, or the file cannot be written.
    """
    rate = Fraction(min(fps, FASTEST_GIF)).limit_denominator(1000)
    opaque = np.full((256, 4), 255, np.uint8)
    opaque[: len(palette), 1:] = palette
    with _whole(path) as part, av.open(f"file:{part}", "w", format="gif") as file:
        stream = file.add_stream("gif", rate=rate, pix_fmt="pal8")
        for number, drawn in enumerate(_in_colours(_alike(frames), palette)):
            if number == 0:
                stream.height, stream.width = drawn.shape
            picture = av.VideoFrame.from_ndarray((drawn, opaque), format="pal8")  # type: ignore[arg-type]
            picture.pts, picture.time_base = number, 1 / rate
            file.mux(stream.encode(picture))
        file.mux(stream.encode())


def write_mp4(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """A video that browsers and slides play: H.264 in MP4. Odd sizes grow by one row or column, a copy of the last.

    Args:
        path: where to; a file that is there is replaced.
        frames: uint8 `[height, width, 3]`, all of one size.
        fps: frames a second.

    Raises:
        UserError: there are no frames, or the file cannot be written.
    """
    rate = Fraction(fps).limit_denominator(1000)
    # PyAV's own wheels bring libx264; a build of ffmpeg without it has its own encoder, which few browsers play.
    codec: Literal["libx264", "mpeg4"] = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    # `faststart` puts the table of frames first, so that a browser can begin before the end has come.
    with _whole(path) as part, av.open(f"file:{part}", "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream = file.add_stream(codec, rate=rate, pix_fmt="yuv420p")
        for number, frame in enumerate(_alike(frames)):
            even = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), "edge")
            if number == 0:
                stream.height, stream.width = even.shape[:2]
                stream.codec_context.colorspace = Colorspace.ITU601  # as converted; players guess by size otherwise
            file.mux(stream.encode(_picture(even, number, rate)))
        file.mux(stream.encode())


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, which becomes `path` at the end, or goes away where the end is not reached."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        remedy = "Free space, or give another folder."
        raise UserError("A movie must be written.", f"“{error.strerror or error}” for {path}", remedy) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _alike(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """`frames`, each of the first one's shape and type."""
    first = None
    for number, frame in enumerate(frames):
        first = frame if first is None else first
        if frame.shape != first.shape or frame.dtype != first.dtype:
            raise ValueError(f"frame {number} is {frame.dtype} {frame.shape}, frame 0 {first.dtype} {first.shape}")
        yield frame
    if first is None:
        raise UserError("A movie must hold a frame.", "none to write", "Choose frames that the movie has.")


def _description(frames: int, pixel_um: float | None, interval_s: float | None) -> str:
    """Source: ImageJ, ij/io/FileSaver.java, `getDescriptionString`."""
    lines = ["ImageJ=1.54f", f"images={frames}", f"frames={frames}", "hyperstack=true", "mode=grayscale"]
    lines += [] if pixel_um is None else ["unit=micron"]
    lines += [] if interval_s is None else [f"finterval={interval_s!r}"]
    return "\n".join([*lines, "loop=false", ""])


def _picture(frame: np.ndarray, number: int, rate: Fraction) -> av.VideoFrame:
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    picture.pts, picture.time_base = number, 1 / rate
    return picture


def _in_colours(frames: Iterable[np.ndarray], palette: np.ndarray) -> Iterator[np.ndarray]:
    """Each frame as numbers of colours, uint8 `[height, width]`; where it hardly changes the number stays."""
    nearest = _nearest(palette)
    kept: np.ndarray | None = None
    for frame in frames:
        red, green, blue = np.moveaxis(frame >> 8 - DEPTH, -1, 0)
        drawn = nearest[red, green, blue]
        if kept is not None:
            off = np.abs(palette[kept].astype(np.int16) - frame).max(axis=-1)
            drawn = np.where(off <= STILL, kept, drawn)
        kept = drawn
        yield drawn


def _nearest(palette: np.ndarray) -> np.ndarray:
    """The number of the colour nearest to each red, green and blue of `DEPTH` bits, uint8 `[64, 64, 64]`."""
    levels = (np.arange(2**DEPTH, dtype=np.float32) + 0.5) * 2 ** (8 - DEPTH) - 0.5
    found = np.zeros((2**DEPTH,) * 3, np.uint8)
    least = np.full(found.shape, np.inf, np.float32)
    for number, colour in enumerate(palette.astype(np.float32)):
        red, green, blue = ((levels - part) ** 2 for part in colour)
        far = red[:, None, None] + green[:, None] + blue
        found[far < least] = number
        np.minimum(least, far, out=least)
    return found
