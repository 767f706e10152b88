"""Small films, and files made of them by the libraries themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tifffile
from PIL import Image

HEIGHT, WIDTH = 36, 48
CODECS = {"ffv1.avi": ("ffv1", "gray"), "mjpeg.avi": ("mjpeg", "yuvj420p"), "a.mkv": ("ffv1", "gray")}


def film_of(frames: int = 6, height: int = HEIGHT, width: int = WIDTH, dtype: type = np.uint8) -> np.ndarray:
    """Frames `[frames, height, width]` that differ: a bright disc that grows on a ramp of grey."""
    down, across = np.mgrid[:height, :width]
    far = np.hypot(down - height / 2, across - width / 2)
    ramp = 20 + 80 * across // width + 40 * down // height
    top = np.iinfo(dtype).max // 255
    return np.stack([top * np.where(far < 4 + number, 220, ramp + number % 7) for number in range(frames)]).astype(
        dtype
    )


def video_of(path: Path, film: Iterable[np.ndarray], codec: str = "ffv1", pixels: str = "gray") -> Path:
    """Grey frames `[height, width]`, or coloured ones `[height, width, 3]`, as a video of that codec."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=10, options={"preset": "ultrafast"} if codec == "libx264" else {})
        stream.pix_fmt = pixels
        for number, frame in enumerate(film):
            kind = "rgb24" if frame.ndim == 3 else "gray16le" if frame.dtype == np.uint16 else "gray"
            if number == 0:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format=kind).reformat(format=pixels)
            picture.pts = number
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return path


def gif_of(path: Path, film: Iterable[np.ndarray], **options: Any) -> Path:
    """Frames as Pillow writes them: each only where it differs from the one before."""
    first, *others = [Image.fromarray(frame) for frame in film]
    first.save(path, save_all=True, append_images=others, **options)
    return path


def folder_of(folder: Path, film: Iterable[np.ndarray], suffix: str = ".png") -> Path:
    """A file a frame: frame0, frame1 … frame10."""
    folder.mkdir()
    for number, frame in enumerate(film):
        Image.fromarray(frame).save(folder / f"frame{number}{suffix}")
    return folder


@pytest.fixture
def film() -> Callable[..., np.ndarray]:
    """`film_of`."""
    return film_of


@pytest.fixture
def video() -> Callable[..., Path]:
    """`video_of`."""
    return video_of


@pytest.fixture
def gif() -> Callable[..., Path]:
    """`gif_of`."""
    return gif_of


@pytest.fixture
def folder() -> Callable[..., Path]:
    """`folder_of`."""
    return folder_of


@pytest.fixture
def cut() -> Callable[..., Path]:
    """Shortens a file to a share of its bytes."""

    def shortened(path: Path, share: float) -> Path:
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return shortened


@pytest.fixture
def made(
    tmp_path: Path, gif: Callable[..., Path], video: Callable[..., Path], folder: Callable[..., Path]
) -> Callable[[str, np.ndarray], Path]:
    """Writes a film under a name that says its kind: `a.gif`, `h264.mp4`, `png` for a folder …"""

    def write(kind: str, film: np.ndarray) -> Path:
        path = tmp_path / kind
        if kind.endswith(".gif"):
            return gif(path, film)
        if kind.endswith(".tif"):
            tifffile.imwrite(path, film, metadata={"axes": "TYX"}, photometric="minisblack")
            return path
        if "." in kind:
            return video(path, film, *CODECS.get(kind, ("libx264", "yuv420p")))
        return folder(path, film, f".{kind}")

    return write
