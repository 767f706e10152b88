"""A movie on disk, frame by frame, and the faults that movies of every kind share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hpapipe.errors import UserError

MAX_PIXELS = 64_000_000

NO_SCALE: tuple[float | None, float | None] = (None, None)
"""µm a pixel and seconds between frames where a file says neither."""


@dataclass(frozen=True)
class Movie:
    """Grey frames of one size and bit depth. Frames are read when they are asked for, and none is kept.

    Args:
        path: the file, or the folder of frames.
        frames: how many there are.
        height: px.
        width: px.
        bits: 8 or 16, as in the file.
        pixel_um: µm a pixel, or none where the file does not say.
        interval_s: seconds between frames when they were taken, or none; playback speed is no such thing.
        fingerprint: 16 hex digits that change with a file's name, size or time of last writing, and the channel.
        decode: frames of rising numbers, one after the other; `read` calls it.
    """

    path: Path
    frames: int
    height: int
    width: int
    bits: int
    pixel_um: float | None
    interval_s: float | None
    fingerprint: str
    decode: Callable[[range], Iterator[np.ndarray]] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.read()

    def read(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[np.ndarray]:
        """Frames `start`, `start + step` … before `stop`, counted as in a slice, uint8 or uint16 `[height, width]`.

        Each call opens the file anew, so that several passes can go on at once. GIF and video decode all frames
        before the last one that is wanted: read many frames in one pass, not each in a pass of its own. A frame may be
        read-only: copy it to draw on it.

        Raises:
            UserError: a frame is damaged, missing, or of another size or bit depth.
            ValueError: `step` is less than 1.
        """
        if step < 1:
            raise ValueError(f"frames are read forwards, not by {step}")
        wanted = range(self.frames)[start:stop:step]
        return self._checked(wanted) if wanted else iter(())

    def _checked(self, wanted: range) -> Iterator[np.ndarray]:
        """The frames `wanted`, each as large and as deep as the movie says."""
        decoded = self.decode(wanted)
        for number in wanted:
            frame = next(decoded, None)
            if frame is None:
                raise cut_short(self.path, number, self.frames)
            height, width, bits = *frame.shape, 8 * frame.dtype.itemsize
            if (height, width, bits) != (self.height, self.width, self.bits):
                one, other = describe(height, width, bits), describe(self.height, self.width, self.bits)
                raise uneven(self.path, number, one, other)
            yield frame


def fingerprint(files: Iterable[Path], channel: int | None = None) -> str:
    """16 hex digits for files in this order, by name, size and time of last writing."""
    digest = hashlib.sha256(f"channel {channel}\n".encode())
    for path in files:
        facts = path.stat()
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def describe(height: int, width: int, bits: int) -> str:
    """Size and depth in words: `512×512 of 8 bits`."""
    return f"{width}×{height} of {bits} bits"


def refuse_giant(name: str, height: int, width: int, max_pixels: int) -> None:
    """Raise a UserError for frames too large to be decoded; sizes come from headers, so nothing has been yet."""
    if height * width > max_pixels:
        rule = f"A frame must have at most {max_pixels:,} pixels."
        remedy = "Crop the movie or scale it down, or raise `--movie.max_pixels`."
        raise UserError(rule, f"{width}×{height} pixels in {name}", remedy)


def no_movie(path: Path, reason: str) -> UserError:
    """The fault of a file whose bytes are not what its name or its first bytes promise."""
    rule = "A movie must be a readable GIF, AVI, MP4, MOV, MKV or TIFF file, or a folder of frames."
    return UserError(rule, f"{reason} in {path.name}", "Copy or export it again.")


def no_channel(name: str, channel: int, channels: int) -> UserError:
    """The fault of a channel that a movie does not have."""
    has = "one channel" if channels == 1 else f"channels 0 to {channels - 1}"
    return UserError("A channel must be one of the movie's.", f"{channel} for {name} with {has}", "Choose another.")


def cut_short(path: Path, whole: int, claimed: int | None) -> UserError:
    """The fault of a movie of which only the first `whole` frames can be read, of `claimed` where that is known."""
    span = "frame 1" if whole == 1 else f"frames 1 to {whole}"
    known = f"{whole} of {claimed} frames" if claimed else span if whole else "no frame"
    remedy = f"Copy or export it again, or export {span} alone." if whole else "Copy or export it again."
    return UserError("A movie must be whole.", f"{path.name}, which is cut short: {known} can be read", remedy)


def damaged(name: str, number: int, frames: int, error: Exception) -> UserError:
    """The fault of frame `number`, counted from 0, that cannot be decoded."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    received = f"“{reason}” for frame {number + 1} of {frames} in {name}"
    return UserError("Each frame must be readable.", received, "Copy or export the movie again.")


def uneven(path: Path, number: int, one: str, first: str, name: str = "") -> UserError:
    """The fault of frame `number`, counted from 0, that is not like the first one."""
    rule = "All frames of a movie must have one size and bit depth."
    named = f" ({name})" if name else ""
    received = f"{one} in frame {number + 1}{named} beside {first} in frame 1 of {path.name}"
    return UserError(rule, received, "Crop or convert the odd frames, or take them out.")
