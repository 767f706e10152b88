"""The set decoded once, at training resolution, into a memory-mapped array of the images' own integer type.

A pack is a folder named by what went into it. Its parts appear in an order that makes a kill at any moment harmless:
the array is allocated under another name and renamed, a chunk is flushed before it is marked as done.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock

from hpapipe.errors import UserError
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.view import view_of
from hpapipe.progress import bar

Read = Callable[[int, np.dtype | None], np.ndarray]

FORMAT = 2
CHUNK = 64  # fields decoded between two marks: what a kill can cost


@dataclass(frozen=True)
class Pack:
    """Decoded fields.

    Args:
        images: memory map, uint8 or uint16 `[fields, height, width, channels]`, read-only.
        ids: names of the fields, in the order of `images`.
        key: the pack's name.
        decoded: fields that this call decoded; 0 where the pack stood already.
    """

    images: np.ndarray
    ids: tuple[str, ...]
    key: str
    decoded: int


def key(images: ImageSet) -> str:
    """16 hex digits that change with the folder, any file's name, size or time, the order, the size or the channels.

    Raises:
        UserError: a file is missing.
    """
    about = [FORMAT, str(images.folder.resolve()), asdict(view_of(images.data)), images.data.channels]
    return key_of(about, images.folder, (path for field in range(len(images)) for path in images.paths(field)))


def key_of(about: list[Any], folder: Path, files: Iterable[Path]) -> str:
    """16 hex digits that change with any value of `about` and with any file's name in `folder`, size or time.

    Raises:
        UserError: a file is missing.
    """
    digest = hashlib.sha256(json.dumps(about).encode())
    for path in files:
        try:
            facts = path.stat()
        except OSError as error:
            received = f"{error.strerror} for {path}"
            raise ImageError("Each channel must have its file.", received, "Restore it.") from None
        digest.update(f"{path.relative_to(folder).as_posix()} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def pack(images: ImageSet, workspace: Path) -> Pack:
    """The pack of `images` under `workspace`/packs, made or finished where it is not there yet.

    Two processes may call this at once: the second waits and then finds the work done.

    Raises:
        UserError: an image cannot be read, or the disk is full or read-only.
    """
    name = key(images)
    about = {"channels": images.data.channels, "ids": images.ids, "key": name}
    array, decoded = kept(workspace / "packs" / name, len(images), images.read, about)
    return Pack(array, images.ids, name, decoded)


def kept(folder: Path, count: int, read: Read, about: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    """What `read` gives for 0 to `count` less one, in a read-only memory map, and how many were read for it now.

    Args:
        folder: of the map, which is made or finished where it is not there yet; two processes may do so at once.
        count: number of arrays, all of one shape and type.
        read: from a number and the type that is expected (none: any) to an array.
        about: further facts to write down in the folder.

    Raises:
        UserError: of `read`, or the disk is full or read-only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if not (folder / "plan.json").exists():
                _allocate(folder, count, read, about)
            decoded = _fill(folder, count, read)
    except OSError as error:
        remedy = "Free space, or give another folder with --workspace."
        raise UserError("The pack must be written.", f"“{error.strerror or error}” at {folder}", remedy) from None
    return np.load(folder / "images.npy", mmap_mode="r"), decoded


def _allocate(folder: Path, count: int, read: Read, about: Mapping[str, Any]) -> None:
    """Reserve the whole array on disk, then write the plan, whose presence says that the array is there."""
    first = read(0, None)
    shape = (count, *first.shape)
    part = folder / "images.npy.part"
    with part.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        _reserve(file, int(np.prod(shape)) * first.dtype.itemsize)
    part.replace(folder / "images.npy")
    chunks = -(-count // CHUNK)
    (folder / "done").write_bytes(bytes(chunks))
    plan = folder / "plan.json.part"
    plan.write_text(json.dumps({"shape": shape, "dtype": str(first.dtype), "chunk": CHUNK, **about}))
    plan.replace(folder / "plan.json")


def _reserve(file: BinaryIO, length: int) -> None:
    """Take the disk space now: a full disk found later, while writing to a memory map, kills the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), file.tell(), length)
    else:  # macOS and Windows
        block = bytes(1 << 24)
        for start in range(0, length, len(block)):
            file.write(block[: length - start])


def _fill(folder: Path, count: int, read: Read) -> int:
    """Decode every chunk that is not marked as done; the number of fields decoded."""
    done = np.memmap(folder / "done", np.uint8, "r+")
    left = np.flatnonzero(done == 0).tolist()
    if not left:
        return 0
    array = np.load(folder / "images.npy", mmap_mode="r+")
    # The pack's own chunk: its marks keep their meaning where CHUNK has changed since.
    size = json.loads((folder / "plan.json").read_text())["chunk"]
    total = sum(len(_fields(chunk, size, count)) for chunk in left)
    with bar("Packing images", total) as advance, ThreadPoolExecutor(os.cpu_count()) as workers:
        for chunk in left:
            fields = _fields(chunk, size, count)
            images = workers.map(lambda number: read(number, array.dtype), fields)
            for field, image in zip(fields, images, strict=True):
                array[field] = image
                advance()
            array.flush()
            done[chunk] = 1
            done.flush()
    return total


def _fields(chunk: int, size: int, total: int) -> range:
    return range(chunk * size, min((chunk + 1) * size, total))
