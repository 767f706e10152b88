"""Each image file measured into a row, so that checks can judge it and duplicates can be found."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from hpapipe.imageset.decode import ImageError, read_image
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.looks import looks
from hpapipe.imageset.table import file_name
from hpapipe.progress import track

VERSION = 1
"""Raise it whenever a measure changes: kept measurements are then made anew."""

HASH_BITS = 256
_THUMBNAIL = 16

_UNKNOWN: dict[str, object] = {
    "width": np.nan,
    "height": np.nan,
    "bits": np.nan,
    "mean": np.nan,
    "spread": np.nan,
    "saturated": np.nan,
    "empty": False,
    "sharpness": np.nan,
    "pixels": "",
    "hash": "",
}


def measure(images: ImageSet) -> pd.DataFrame:
    """One row an image file, field by field, channels in the recipe's order.

    Columns:
        id, channel, file: field, channel, and path relative to the set's folder, with `/`.
        readable, fault: whether the file can be used, and why not; an unreadable file has NaN for its measures.
        width, height: pixels.  bits: 8 or 16.
        mean, spread: mean and standard deviation, in grey levels.
        saturated: share of pixels at a full sensor's value (see `hpapipe.imageset.looks.saturated_share`).
        empty: no signal, all pixels have one value; False where the file is unreadable.
        sharpness: variance of the Laplacian over variance of the image, 0 (smooth) to 64, free of gain and offset;
            white noise has 20. NaN where empty.
        pixels: hex digest of the decoded pixels with shape and type.
        hash: `image_hash`, 64 hex digits; only zeros where empty.
        same_size: the readable channels of this field have one size and bit depth.
        copies: images of the set with these very pixels, this one included; 1 where empty or unreadable.
    """
    files = _files(images)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        work = pool.map(lambda name: _measure_file(images.folder / name, images.data.max_pixels), files["file"])
        rows = list(track(work, "measuring images", len(files)))
    table = pd.concat([files, pd.DataFrame(rows, columns=["readable", "fault", *_UNKNOWN])], axis=1)
    sizes = table.groupby("id", sort=False)[["width", "height", "bits"]].transform("nunique")  # NaN does not count
    table["same_size"] = (sizes <= 1).all(axis=1)
    countable = table["readable"] & ~table["empty"].astype(bool)
    counts = table.groupby("pixels")["pixels"].transform("size")
    table["copies"] = counts.where(countable, 1).astype("int64")
    return table


def measured(images: ImageSet, cache: Path) -> pd.DataFrame:
    """`measure(images)`, kept as Parquet in the folder `cache` and read from there while no file has changed.

    A change is another name, size or time of last writing. A kept table is written whole or not at all, so that
    processes may share the folder; a damaged one is made anew.
    """
    path = cache / f"measured-{_state(images)}.parquet"
    kept = _read_kept(path)
    if kept is not None and len(kept) == len(images) * len(images.data.channels):
        return kept
    table = measure(images)
    cache.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".part", dir=cache)
    os.close(handle)
    try:
        table.to_parquet(name, index=False)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
    return table


def fields(measurements: pd.DataFrame) -> pd.DataFrame:
    """One row a field, in the order of the ids in `measure`'s table.

    Columns: `id`; `readable` (all channels); `same_size` (channels of one size and bit depth); `empty_channels`
    (count); `hash` (the channels' hashes one after the other, 64 hex digits each) and `pixels` (digest over the
    channels' digests), both empty where a channel is unreadable.
    """
    groups = measurements.groupby("id", sort=False)
    table = pd.DataFrame(
        {
            "readable": groups["readable"].all(),
            "same_size": groups["same_size"].all(),
            "empty_channels": groups["empty"].sum().astype("int64"),
            "hash": groups["hash"].agg("".join),
            "pixels": groups["pixels"].agg(lambda digests: _digest("".join(digests).encode())),
        }
    )
    table.loc[~table["readable"], ["hash", "pixels"]] = ""
    return table.reset_index()


def data_fingerprint(fields: pd.DataFrame, targets: Sequence[str]) -> str:
    """12 hex digits that differ where an id, a target, a pixel or the order of the fields differs, and nowhere else.

    Args:
        fields: `fields(...)`.
        targets: one text a field, in the same order.
    """
    rows = [list(row) for row in zip(fields["id"], targets, fields["pixels"], strict=True)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]


def pixel_digest(image: np.ndarray) -> str:
    """32 hex digits over the pixels of an image, its shape and its integer type."""
    pixels = image.astype(image.dtype.newbyteorder("<")).tobytes()
    return _digest(f"{image.shape}{image.dtype.itemsize}".encode() + pixels)


def image_hash(image: np.ndarray) -> str:
    """256 bits as 64 hex digits; the number of bits in which two images differ tells how far they are correlated.

    The image is area-averaged to 16x16, and the differences between neighbours are projected on 256 fixed vectors of
    random signs; a bit is the sign of one projection. Differences at an angle `a` (cosine: their correlation) give
    hashes that differ in about `256 a / pi` bits. Gain and offset change nothing, and the noise of dark regions weighs
    as little as in a correlation, while in a plain difference hash each dark pair flips a whole bit. All bits are zero
    where no neighbours differ.

    Source: Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002.

    Args:
        image: uint8 or uint16 `[height, width]`.
    """
    source = Image.fromarray(image.astype(np.float32))  # as integers, dark images would average to zero
    small = np.asarray(source.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX), np.float64)
    differences = np.concatenate([np.diff(small, axis=0).ravel(), np.diff(small, axis=1).ravel()])
    return np.packbits(_projections() @ differences > 0).tobytes().hex()


@functools.cache
def _projections() -> np.ndarray:
    """Random signs, float64 `[256, differences]`, from a hash function: the same on every system and numpy."""
    columns = 2 * _THUMBNAIL * (_THUMBNAIL - 1)
    data = hashlib.shake_256(b"hpapipe image hash").digest(HASH_BITS * columns // 8)
    return np.unpackbits(np.frombuffer(data, np.uint8)).reshape(HASH_BITS, columns) * 2.0 - 1.0


def _files(images: ImageSet) -> pd.DataFrame:
    channels = images.data.channels
    names = [(name, channel, file_name(images.data, name, channel)) for name in images.ids for channel in channels]
    return pd.DataFrame(names, columns=["id", "channel", "file"], dtype=str)


def _measure_file(path: Path, max_pixels: int) -> dict[str, object]:
    try:
        image = read_image(path, max_pixels)
    except ImageError as error:
        return {"readable": False, "fault": str(error), **_UNKNOWN}
    height, width = image.shape
    return {
        "readable": True,
        "fault": "",
        "width": float(width),
        "height": float(height),
        "bits": 8.0 * image.dtype.itemsize,
        "empty": bool(image.min() == image.max()),
        **looks(image),
        "pixels": pixel_digest(image),
        "hash": image_hash(image),
    }


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _state(images: ImageSet) -> str:
    """A name for the files' state: measures, names, sizes and times of last writing."""
    state = hashlib.sha256(f"{VERSION} {images.data.max_pixels}".encode())
    for name, channel, file in _files(images).to_numpy():
        try:
            status = (images.folder / file).stat()
            about: tuple[int, ...] = (status.st_size, status.st_mtime_ns)
        except OSError:
            about = ()
        state.update(json.dumps([name, channel, file, *about]).encode())
    return state.hexdigest()[:24]


def _read_kept(path: Path) -> pd.DataFrame | None:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):  # none, or damaged: pyarrow's errors are ValueErrors
        return None
