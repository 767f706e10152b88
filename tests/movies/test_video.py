"""Video: true counts, grey as it was meant, and cuts and damage found out."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.movies.reading import open_movie
from hpapipe.movies.video import cut as is_cut

Video = Callable[..., Path]
Film = Callable[..., np.ndarray]
Cut = Callable[..., Path]
CONTAINERS = {".avi": "avi", ".mp4": "mov", ".mov": "mov", ".mkv": "matroska"}


def said(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_movie(path)
    return str(caught.value)


def patched(path: Path, chunk: bytes, offset: int, value: int) -> None:
    """Overwrites a number in the header of an AVI, `offset` bytes behind a chunk's name and length."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(chunk) + 8 + offset, value)
    path.write_bytes(data)


@pytest.mark.parametrize("pixels", ["bgr24", "pal8"])
def test_colour_becomes_luma(tmp_path: Path, video: Video, pixels: str) -> None:
    """Uncompressed AVI in colour, and with a palette, in which ImageJ writes grey."""
    if pixels == "bgr24":
        film = np.stack([np.full((16, 24, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))])
        path = video(tmp_path / "a.avi", film, "rawvideo", pixels)
    else:
        path = tmp_path / "a.avi"
        palette = np.full((256, 4), 255, np.uint8)
        palette[:3, 1:] = np.diag([255, 255, 255])
        with av.open(str(path), "w") as file:
            stream = file.add_stream("rawvideo", rate=10)
            stream.pix_fmt, stream.height, stream.width = pixels, 16, 24
            for number in range(3):
                numbers: Any = np.full((16, 24), number, np.uint8), palette
                picture = av.VideoFrame.from_ndarray(numbers, format="pal8")
                picture.pts = number
                file.mux(stream.encode(picture))
    assert [int(frame[3, 3]) for frame in open_movie(path)] == [76, 150, 29]


@pytest.mark.parametrize(
    ("codec", "pixels", "most"), [("ffv1", "yuv420p", 1), ("mjpeg", "yuvj420p", 4), ("ffv1", "gray", 0)]
)
def test_black_and_white_are_restored(tmp_path: Path, video: Video, codec: str, pixels: str, most: int) -> None:
    """Most video keeps grey between 16 and 235; read, it is 0 to 255 again."""
    ramp = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    frame = next(iter(open_movie(video(tmp_path / "a.mkv", [ramp], codec, pixels))))
    assert np.abs(frame.astype(int) - ramp).max() <= most


def test_ten_bits_are_stretched_to_sixteen(tmp_path: Path, video: Video) -> None:
    """No value of a microscope's deeper video is lost."""
    ramp = np.tile(np.linspace(0, 65535, 1024).astype(np.uint16), (16, 1))
    movie = open_movie(video(tmp_path / "a.mkv", [ramp], "ffv1", "gray10le"))
    frame = next(iter(movie))
    assert movie.bits == 16
    assert len(np.unique(frame)) == 1024
    assert frame.max() == 65535


def test_headers_that_lie(tmp_path: Path, video: Video, film: Film) -> None:
    """An AVI whose header counts too many or too few frames has as many as it has."""
    path = video(tmp_path / "a.avi", film(20), "mjpeg", "yuvj420p")
    for claim in (9, 99, 0):
        patched(path, b"avih", 16, claim)
        patched(path, b"strh", 32, claim)
        movie = open_movie(path)
        assert movie.frames == len(list(movie)) == 20


def test_frames_outside_the_edit_are_not_counted(tmp_path: Path, video: Video, film: Film) -> None:
    """A trimmed MP4 keeps frames that are decoded but not shown."""
    path = video(tmp_path / "a.mp4", film(30), "libx264", "yuv420p")
    with (
        av.open(str(path)) as whole,
        av.open(
            str(tmp_path / "b.mp4"), "w", options={"use_editlist": "1", "avoid_negative_ts": "disabled"}
        ) as trimmed,
    ):
        stream = whole.streams.video[0]
        copy = trimmed.add_stream_from_template(stream)
        for packet in whole.demux(stream):
            if packet.dts is not None and packet.pts is not None:
                early = round(0.7 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - early, packet.dts - early, copy
                trimmed.mux(packet)
    movie = open_movie(tmp_path / "b.mp4")
    assert movie.frames == len(list(movie)) == 23
    np.testing.assert_array_equal(next(iter(movie)), list(open_movie(path))[7])


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "says"),
    [
        ("a.avi", "ffv1", "gray", " of 40 frames can be read"),
        ("a.mkv", "ffv1", "gray", " of 40 frames can be read"),
        ("a.mp4", "libx264", "yuv420p", "no frame can be read"),
        ("a.mov", "mjpeg", "yuvj420p", "no frame can be read"),
    ],
)
def test_cut_files_are_refused(
    tmp_path: Path, video: Video, film: Film, cut: Cut, name: str, codec: str, pixels: str, says: str
) -> None:
    """At opening, with what could be read. An MP4 whose table of frames stood at its end has lost it."""
    path = video(tmp_path / name, film(40), codec, pixels)
    assert not is_cut(path, CONTAINERS[path.suffix])
    text = said(cut(path, 0.6))
    assert f"{name}, which is cut short: " in text
    assert says in text
    if "of 40" in says:
        assert 5 < int(text.split("cut short: ")[1].split()[0]) < 30


def test_a_cut_web_video_is_refused(tmp_path: Path, film: Film, cut: Cut) -> None:
    """Its table of frames stands first, so the frames that are there are known."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("mjpeg", rate=10)
        stream.pix_fmt, stream.height, stream.width = "yuvj420p", 36, 48
        for number, frame in enumerate(film(40)):
            picture = av.VideoFrame.from_ndarray(frame, format="gray").reformat(format="yuvj420p")
            picture.pts = number
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    assert " of 40 frames can be read" in said(cut(path, 0.6))


def test_damage_is_named(tmp_path: Path, video: Video, film: Film) -> None:
    """The frame at which decoding fails, where it is reached; those before it are given."""
    path = video(tmp_path / "a.avi", film(10), "mjpeg", "yuvj420p")
    with av.open(str(path)) as file:
        place, size = [(packet.pos or 0, packet.size) for packet in file.demux(video=0) if packet.size][4]
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)
    movie = open_movie(path)
    assert len(list(movie.read(0, 4))) == 4
    with pytest.raises(UserError, match=r"for frame 5 of 10 in a\.avi"):
        list(movie)


def test_sound_is_no_movie(tmp_path: Path) -> None:
    """An MP4 may hold nothing else."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=44100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44100
        file.mux(stream.encode(silence))
        file.mux(stream.encode())
    assert "Received no video in a.mp4" in said(path)


@pytest.mark.parametrize(
    ("container", "data", "short"),
    [
        ("avi", b"RIFF" + struct.pack("<I", 12) + b"AVI " + bytes(8), False),
        ("avi", b"RIFF" + struct.pack("<I", 13) + b"AVI " + bytes(8), True),
        ("avi", (b"RIFF" + struct.pack("<I", 4) + b"AVI ") * 2, False),
        ("avi", b"RIFF" + struct.pack("<I", 4) + b"AVI RIFF" + struct.pack("<I", 5) + b"AVIX", True),
        ("mov", struct.pack(">I", 12) + b"ftypisom" + struct.pack(">I", 8) + b"mdat", False),
        ("mov", struct.pack(">I", 12) + b"ftypisom" + struct.pack(">I", 9) + b"mdat", True),
        ("mov", struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 20) + bytes(4), False),
        ("mov", struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 2**40) + bytes(4), True),
        ("mov", bytes(4) + b"mdat" + bytes(4), False),
        ("matroska", b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x84abcd", False),
        ("matroska", b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x40\x05abcd", True),
        ("matroska", b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"abcd", False),
    ],
)
def test_outer_parts_tell_the_length(tmp_path: Path, container: str, data: bytes, short: bool) -> None:
    """Of a file as it was written: lengths worked out by hand, 64-bit and unknown ones, and several parts."""
    path = tmp_path / "a"
    path.write_bytes(data)
    assert is_cut(path, container) is short
