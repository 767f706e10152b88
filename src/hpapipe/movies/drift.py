"""The stage's drift: by how much each frame of a movie is shifted against the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import tukey

_WORKING = 1024
_WHITE = 0.2  # power by which strong frequencies are held down: 1 is phase correlation, 0 plain correlation
_CLEAR = 5.0  # times its spread that the correlation peaks at least; chance reaches 4


@dataclass(frozen=True)
class Drift:
    """Follows the stage's drift from frame to frame, each frame measured against the first that shows anything.

    Args:
        step: farthest that the stage moves from one good frame to the next along rows or columns, px; none: a sixteenth
            of the frame's shorter side. More than half of the distance from pool to pool and the grid may be taken for
            itself, one pool further.
        blur: of the Gaussian that smooths the frames, px: noise and the cells' grain are smaller, walls are not.

    Source: correlation by Fourier transforms as in Kuglin and Hines, "The phase correlation image alignment method",
    1975, but with strong frequencies held down less: by phase alone, cells that change weigh as much as walls that do
    not, and errors were three times as large on simulated films. Parts of a pixel by a parabola through the peak.
    """

    step: float | None = None
    blur: float = 1.0

    def follow(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """(row, column) by which each frame is shifted, in turn, px, float `[2]`; what lay at p lies at p + drift.

        A frame in which the pattern of the first is not to be seen, such as a black one or one out of focus, keeps the
        last good place. Two frames' spectra are held, whatever the movie's length.

        Args:
            frames: uint8 or uint16 `[height, width]`, all of one shape.

        Raises:
            ValueError: the frames differ in shape.
        """
        first: np.ndarray | None = None
        shape: tuple[int, ...] = ()
        place = np.zeros(2)
        for frame in frames:
            if shape and frame.shape != shape:
                raise ValueError(f"Frames must have one shape. Received {frame.shape} after {shape}.")
            shape = frame.shape
            spectrum = self._spectrum(frame)
            if first is None:
                first = spectrum
            elif spectrum is not None:
                place = self._place(first, spectrum, place, frame.shape)
            yield place.copy()

    def _spectrum(self, frame: np.ndarray) -> np.ndarray | None:
        """Spectrum of the frame's pattern; none where all is of one grey."""
        shrink = _shrink(frame.shape)
        height, width = (side // shrink for side in frame.shape)
        tiles = frame[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink)
        small = tiles.mean(axis=(1, 3), dtype=np.float32)
        low, high = np.percentile(small, (0.5, 99.5))
        if high <= low:
            return None
        small = np.clip((small - low) / (high - low), 0, 1)  # no speck outweighs a wall
        small = small - gaussian_filter(small, min(height, width) / 16)  # nor does uneven light
        small *= tukey(height, 0.2)[:, None] * tukey(width, 0.2)[None]
        spectrum = fft.rfft2(small)
        spectrum /= np.abs(spectrum) ** _WHITE + 1e-9
        down, right = fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None]
        return np.asarray(spectrum * np.exp(-((np.pi * self.blur) ** 2) * (down**2 + right**2)))

    def _place(self, first: np.ndarray, spectrum: np.ndarray, last: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Where the first frame's pattern lies in another; `last` where it is not to be seen near there."""
        shrink = _shrink(shape)
        small = (shape[0] // shrink, shape[1] // shrink)
        surface = fft.irfft2(spectrum * first.conj(), s=small)
        step = self.step if self.step is not None else min(shape) / 16
        reach = max(1, int(np.ceil(step / shrink)))
        middle = np.rint(last / shrink).astype(int)
        near = np.arange(-reach, reach + 1)
        window = surface[np.ix_((middle[0] + near) % small[0], (middle[1] + near) % small[1])]
        top = np.array(np.unravel_index(window.argmax(), window.shape))
        if window.max() <= _CLEAR * surface.std():
            return last
        peak = middle + top - reach
        return np.asarray((peak + _summit(surface, peak)) * shrink)


def _shrink(shape: tuple[int, ...]) -> int:
    return max(1, min(round(max(shape) / _WORKING), *shape))


def _summit(surface: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """How far from a peak the top of the parabolas through it and its neighbours lies, -0.5 to 0.5, float `[2]`."""
    row, column = peak % np.array(surface.shape)
    summit = np.zeros(2)
    for axis in (0, 1):
        line = np.take(surface[row] if axis else surface[:, column], peak[axis] + np.arange(-1, 2), mode="wrap")
        bend = line[0] - 2 * line[1] + line[2]
        summit[axis] = np.clip((line[0] - line[2]) / (2 * bend), -0.5, 0.5) if bend < 0 else 0.0
    return summit
