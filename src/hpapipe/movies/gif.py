"""Animated GIFs."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from hpapipe.movies.grey import grey_image
from hpapipe.movies.movie import Movie, cut_short, damaged, fingerprint, no_movie, refuse_giant

TRAILER, EXTENSION, IMAGE = 0x3B, 0x21, 0x2C


def open_gif(path: Path, max_pixels: int) -> Movie:
    """The movie in a GIF. Its delays say how fast it plays, not how fast it was taken.

    Raises:
        UserError: it holds no frame, is cut short, or is larger than `max_pixels`.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
        refuse_giant(path.name, height, width, max_pixels)
        frames, whole = count(data)
    if not whole:
        raise cut_short(path, frames, None)
    if frames == 0 or height * width == 0:
        raise no_movie(path, "no frame")
    return Movie(path, frames, height, width, 8, None, None, fingerprint([path]), partial(_decode, path, frames))


def count(data: mmap.mmap | bytes) -> tuple[int, bool]:
    """How many whole frames a GIF holds, and whether it ends behind one: its blocks are passed over, not decoded.

    Source: CompuServe, GIF89a specification, 1990.
    """
    frames = 0
    try:
        place = 13 + _table(data[10])
        while place < len(data) and data[place] != TRAILER:
            if data[place] == EXTENSION:
                place = _behind(data, place + 2)
            elif data[place] == IMAGE:
                place = _behind(data, place + 11 + _table(data[place + 9]))
                frames += 1
            else:
                place += 1  # stray bytes, which decoders pass over too
    except IndexError:
        return frames, False
    return frames, True


def _table(flags: int) -> int:
    """Bytes of the colour table that a byte of flags announces."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _behind(data: mmap.mmap | bytes, place: int) -> int:
    """Where a chain of sub-blocks ends that begins at `place`."""
    while data[place]:
        place += data[place] + 1
    return place + 1


def _decode(path: Path, frames: int, wanted: range) -> Iterator[np.ndarray]:
    number = 0
    try:
        with Image.open(path) as image:
            for number in wanted:
                image.seek(number)  # draws all frames on the way: many GIFs store only what changes
                yield grey_image(image)
    except EOFError:
        return
    except (OSError, ValueError, SyntaxError, IndexError) as error:
        raise damaged(path.name, number, frames, error) from None
