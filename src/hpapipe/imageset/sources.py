"""Where the images of a Feed come from: a pack, their files, or memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.pack import pack
from hpapipe.progress import bar


class Files:
    """Fields read from their files whenever they are asked for, by as many threads as there are cores.

    Args:
        images: the set.
        keep: hold what was read in memory, so that each file is read once.

    Raises:
        ImageError: when fields are asked for that cannot be read.
    """

    def __init__(self, images: ImageSet, keep: bool) -> None:
        self.images, self.keep = images, keep
        self.kept: dict[int, np.ndarray] = {}
        self.fault: ImageError | None = None
        first = images.read(0)
        self.shape, self.dtype = (len(images), *first.shape), first.dtype
        self.workers = ThreadPoolExecutor(os.cpu_count())

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, fields: Any) -> np.ndarray:
        """One field `[height, width, channels]` by its number, or several `[fields, height, width, channels]`."""
        chosen = np.arange(len(self))[fields]
        if chosen.ndim == 0:
            return self._read(int(chosen))
        return np.stack(list(self.workers.map(self._read, chosen.tolist())))

    def _read(self, field: int) -> np.ndarray:
        if field in self.kept:
            return self.kept[field]
        try:
            image = self.images.read(field, self.dtype)
        except ImageError as fault:
            self.fault = fault
            raise
        if self.keep:
            self.kept[field] = image
        return image


Source = np.ndarray | Files
"""Integers `[fields, height, width, channels]`, to be indexed by fields."""


@contextmanager
def faults_told(source: Source) -> Iterator[None]:
    """Within the block, a file that cannot be read is told as such: backends wrap what is raised while they are fed.

    Raises:
        ImageError: of `source`.
    """
    try:
        yield
    except Exception as error:
        if isinstance(source, Files) and source.fault and error is not source.fault:
            raise source.fault from error
        raise


def _packed(images: ImageSet, workspace: Path) -> Source:
    return pack(images, workspace).images


def _files(images: ImageSet, workspace: Path) -> Source:
    return Files(images, keep=False)


def _cached(images: ImageSet, workspace: Path) -> Source:
    return Files(images, keep=True)


def _loaded(images: ImageSet, workspace: Path) -> Source:
    files = Files(images, keep=False)
    array = np.empty(files.shape, files.dtype)
    with bar("Loading images", len(files)) as advance:
        for field, image in enumerate(files.workers.map(files._read, range(len(files)))):
            array[field] = image
            advance()
    return array


SOURCES: dict[str, Callable[[ImageSet, Path], Source]] = {
    "packed": _packed,
    "files": _files,
    "cached": _cached,
    "loaded": _loaded,
}


def open_source(images: ImageSet, name: str, workspace: Path) -> Source:
    """The images of a set, to be indexed by fields.

    Args:
        images: the set.
        name: `packed`, `files`, `cached` or `loaded`, as `feed.source` says.
        workspace: folder for the pack.

    Raises:
        UserError: an image cannot be read, or the pack cannot be written.
    """
    return SOURCES[name](images, workspace)
