"""A folder of frames, one file each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.movies.grey import grey_image, image_bits
from hpapipe.movies.movie import NO_SCALE, Movie, damaged, describe, fingerprint, no_movie, refuse_giant, uneven
from hpapipe.movies.page import UNREADABLE, is_left_to_pillow, page_look, read_page
from hpapipe.movies.scale import scale
from hpapipe.movies.tiff import described, opened, refuse_cut
from hpapipe.ordering import natural

KINDS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}


def open_folder(folder: Path, max_pixels: int) -> Movie:
    """The movie whose frames are the images of a folder, in natural order of their names.

    Other files, hidden ones and folders in it are passed over. The scale is the first frame's.

    Raises:
        UserError: the folder holds no image, images of several kinds, or one that is unlike the first, is cut short,
            holds several frames, or is larger than `max_pixels`.
    """
    files = _files(folder)
    looks = [_look(file, max_pixels) for file in files]
    for number, look in enumerate(looks):
        if look != looks[0]:
            raise uneven(folder, number, describe(*look), describe(*looks[0]), files[number].name)
    pixel_um, interval_s = NO_SCALE
    if _is_tiff(files[0]):
        with opened(files[0]) as tif:
            pixel_um, interval_s = scale(tif)
    name, decode = fingerprint(files), partial(_decode, files)
    return Movie(folder, len(files), *looks[0], pixel_um, interval_s, name, decode)


def _files(folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    images = sorted((file for file in files if file.suffix.lower() in KINDS), key=lambda file: natural(file.name))
    if not images:
        received = f"{min(file.name for file in files)} and {len(files) - 1} other files" if files else "no file"
        remedy = "Give the folder that holds them, or the movie's file itself."
        raise UserError("A folder of frames must hold PNG, TIFF or JPEG images.", f"{received} in {folder}", remedy)
    kinds = Counter(KINDS[file.suffix.lower()] for file in images)
    if len(kinds) > 1:
        received = " and ".join(f"{count} {kind}" for kind, count in kinds.items())
        remedy = "Move what are no frames of the movie elsewhere."
        raise UserError("A folder of frames must hold images of one kind.", f"{received} images in {folder}", remedy)
    return images


def _is_tiff(file: Path) -> bool:
    return KINDS[file.suffix.lower()] == "TIFF"


def _look(file: Path, max_pixels: int) -> tuple[int, int, int]:
    """Height, width and bits of a frame, by its header."""
    if _is_tiff(file):
        with opened(file) as tif:
            refuse_cut(tif, file)
            look, pages = page_look(tif.pages.first, file.name), max(len(tif.pages), described(tif))
    else:
        try:
            with Image.open(file) as image:
                look, pages = (image.height, image.width, image_bits(image, file.name)), 1
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise no_movie(file, "no image") from None
    if pages > 1:
        remedy = "Give the file of the movie instead of its folder, or save one frame a file."
        raise UserError("A file in a folder of frames must hold one.", f"{pages} in {file.name}", remedy)
    refuse_giant(file.name, look[0], look[1], max_pixels)
    return look


def _decode(files: Sequence[Path], wanted: range) -> Iterator[np.ndarray]:
    for number in wanted:
        try:
            yield _read(files[number])
        except UNREADABLE as error:
            raise damaged(files[number].name, number, len(files), error) from None


def _read(file: Path) -> np.ndarray:
    if not _is_tiff(file):
        with Image.open(file) as image:
            return grey_image(image)
    with opened(file) as tif:
        page = tif.pages.first
        if not is_left_to_pillow(page):
            return read_page(page, None)
        with Image.open(file) as picture:
            return read_page(page, picture)
