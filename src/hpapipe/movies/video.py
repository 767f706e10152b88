"""AVI, MP4, MOV and MKV, by the ffmpeg that PyAV's wheels bring along."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.format import VideoFormat
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from hpapipe.movies.grey import luma
from hpapipe.movies.movie import Movie, cut_short, damaged, fingerprint, no_movie, refuse_giant


def open_video(path: Path, container: str, max_pixels: int) -> Movie:
    """The movie in a video file. Its frame rate says how fast it plays, not how fast it was taken.

    Args:
        path: the file.
        container: ffmpeg's name of its kind: `avi`, `mov` (MP4 too) or `matroska`.
        max_pixels: larger frames are refused.

    Raises:
        UserError: it holds no video, is cut short, or is larger than `max_pixels`.
    """
    try:
        with _opened(path, container) as file:
            stream = _stream(file, path)
            codec = stream.codec_context
            height, width, bits = codec.height, codec.width, _bits(codec.pix_fmt)
            refuse_giant(path.name, height, width, max_pixels)
            claimed = stream.frames or _lasting(file, stream)
            counted = _count(file, stream)
    except (av.FFmpegError, OSError) as error:
        raise (cut_short(path, 0, None) if cut(path, container) else no_movie(path, f"“{error.strerror}”")) from None
    fewer = claimed is None or counted.packets < claimed
    if counted.damaged or (fewer and cut(path, container)):
        raise cut_short(path, counted.frames, claimed)
    if counted.frames == 0:
        raise no_movie(path, "no frame")
    decode = partial(_decode, path, container, counted.frames)
    return Movie(path, counted.frames, height, width, bits, None, None, fingerprint([path]), decode)


class Counted(NamedTuple):
    """What a file's packets say: how many there are, how many are shown as frames, whether one is incomplete."""

    packets: int
    frames: int
    damaged: bool


def _opened(path: Path, container: str) -> InputContainer:
    # The kind is given, since guessing would try playlists, which name further files; `file:` allows any name.
    return av.open(f"file:{path}", format=container, metadata_errors="replace")


def _stream(file: InputContainer, path: Path) -> VideoStream:
    stream = file.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise no_movie(path, "no video")
    codec = stream.codec_context
    if codec is None or not codec.pix_fmt or not codec.width:
        raise no_movie(path, "no known codec")
    return stream


def _lasting(file: InputContainer, stream: VideoStream) -> int | None:
    """Frames by the time that the whole file should last, for containers that do not count them."""
    if not file.duration or not stream.average_rate:
        return None
    return round(file.duration / av.time_base * stream.average_rate)


def _count(file: InputContainer, stream: VideoStream) -> Counted:
    """Count frames by packets, without decoding: what a header says is often wrong."""
    packets = frames = 0
    damage = False
    for packet in file.demux(stream):
        if packet.size:
            packets += 1
            damage = damage or packet.is_corrupt
            frames += not (packet.is_discard or packet.is_corrupt)
    return Counted(packets, frames, damage)


def cut(path: Path, container: str) -> bool:
    """Whether a file is shorter than its own outermost parts say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if container == "avi":
            return _end_of_riffs(file, size) > size
        if container == "mov":
            return _end_of_atoms(file, size) > size
        return _end_of_segment(file) > size


def _end_of_riffs(file: BinaryIO, size: int) -> int:
    """Where the last RIFF chunk should end. Source: Microsoft, AVI RIFF file reference; OpenDML AVI, 1997."""
    place = 0
    while place < size:
        file.seek(place)
        head = file.read(8)
        if head[:4] != b"RIFF":
            break
        place += 8 + int.from_bytes(head[4:], "little")
    return place


def _end_of_atoms(file: BinaryIO, size: int) -> int:
    """Where the last outermost atom should end. Source: ISO/IEC 14496-12, 4.2."""
    place = 0
    while place < size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: to the end of the file
            break
        place += length
    return place


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment should end; 0 where it was written without its length. Source: RFC 8794, 4 and 5."""
    file.seek(4)
    file.seek(_length(file) + file.tell())
    file.seek(4, 1)
    length = _length(file)
    return length + file.tell() if length >= 0 else 0


def _length(file: BinaryIO) -> int:
    """The number of variable size at this place; -1 for one that is unknown."""
    first = (file.read(1) or b"\x80")[0]
    more = 8 - first.bit_length()
    bits = 7 * (more + 1)
    value = int.from_bytes(bytes([first]) + file.read(more), "big") & ((1 << bits) - 1)
    return -1 if value == (1 << bits) - 1 else value


def _bits(pixels: str | None) -> int:
    """8 or 16: how deep the grey frame of ffmpeg's pixel format is."""
    return 16 if max(component.bits for component in VideoFormat(pixels or "gray").components) > 8 else 8


def _decode(path: Path, container: str, frames: int, wanted: range) -> Iterator[np.ndarray]:
    number = 0
    scaler = VideoReformatter()
    try:
        with _opened(path, container) as file:
            for frame in file.decode(_stream(file, path)):
                if number in wanted:
                    if frame.is_corrupt:
                        raise damaged(path.name, number, frames, ValueError("damaged data"))
                    yield _grey(frame, scaler)
                if number == wanted[-1]:
                    return
                number += 1
    except (av.FFmpegError, OSError) as error:
        raise damaged(path.name, number, frames, error) from None


def _grey(frame: av.VideoFrame, scaler: VideoReformatter) -> np.ndarray:
    """Colour by `luma`; from YUV the Y, which is that very luma, stretched from 16 … 235 to 0 … 255 where it is so."""
    deep = _bits(frame.format.name) == 16
    if frame.format.is_rgb or frame.format.has_palette:
        return luma(scaler.reformat(frame, format="rgb48le" if deep else "rgb24").to_ndarray())
    return scaler.reformat(frame, format="gray16le" if deep else "gray").to_ndarray()
