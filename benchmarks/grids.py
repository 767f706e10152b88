"""Are the pools of simulated films found, and is the stage's drift followed?

    python benchmarks/grids.py             about 5 minutes on one core
    python benchmarks/grids.py --small     a few films, to see that all works

Pools: the first frames of films of 4×4 round and of 4×4 square pools, 25 seeds each, then of other grids, sizes and
depths. `found` has the right rows, columns and shape, and every pool's middle within 10 % of the pitch of where it is;
`worst` is the farthest middle, in percent of the pitch, and `quality` the lowest that the finder gave itself.

Drift: all frames of other films, each against the first, for a stage that moves up to 6 and up to 20 px. Errors are
distances in px. Every third film has three bad frames, one black, one white, one of noise: they are to keep the last
place, so they are left out of the errors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.movies.drift import Drift
from hpapipe.movies.grid import find_grid
from hpapipe.simulate.film import Film, film

NEAR = 0.1  # of the pitch
OTHERS = (
    config.Film(rows=3, columns=5),
    config.Film(rows=2, columns=2),
    config.Film(rows=1, columns=4),
    config.Film(rows=5, columns=1),
    config.Film(rows=8, columns=12, turn=1),
    config.Film(rows=2, columns=3, pool=160, bits=16),
    config.Film(pool=64, turn=5, drift=0),
    config.Film(pool=128, bits=16),
)
BAD = {40: 0, 80: 255, 81: None}  # frame -> its grey, or noise


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--small", action="store_true")
    small = options.parse_args().small
    for square in (False, True):
        kind = "square" if square else "round"
        pools(f"4×4 {kind}", [film(config.Film(square=square, seed=seed)) for seed in range(2 if small else 25)])
        others = OTHERS[:3] if small else OTHERS
        seeds = range(1 if small else 3)
        pools(f"others {kind}", [film(change(each, square, seed)) for each in others for seed in seeds])
    for most in (6.0, 20.0):
        films = [
            film(config.Film(drift=most, square=seed % 2 == 1, seed=seed)) for seed in range(100, 102 if small else 110)
        ]
        drifts(f"up to {most:g} px", films, step=24 if small else 1)


def change(options: config.Film, square: bool, seed: int) -> config.Film:
    return options.model_copy(update={"square": square, "seed": seed})


def pools(name: str, films: list[Film]) -> None:
    """One line about the first frames of some films."""
    found, worst, quality, seconds = 0, 0.0, 1.0, []
    for drawn in films:
        image, begun = drawn.frame(0).image, time.perf_counter()
        try:
            grid = find_grid(image)
        except UserError:
            continue
        finally:
            seconds.append(time.perf_counter() - begun)
        if (grid.rows, grid.columns, grid.square) != (drawn.grid.rows, drawn.grid.columns, drawn.grid.square):
            continue
        off = float(np.hypot(*(grid.centres() - drawn.centres(0)).T).max() / drawn.grid.pitch)
        found, worst, quality = found + (off <= NEAR), max(worst, off), min(quality, grid.quality or 0.0)
    print(
        f"{name:14} found {found}/{len(films)}, worst {100 * worst:.2f} % of the pitch, quality from {quality:.3f}, "
        f"{np.median(seconds):.2f} s a frame",
        flush=True,
    )


def drifts(name: str, films: list[Film], step: int) -> None:
    """One line about how well the drift of some films is followed."""
    errors, means, seconds = [], [], []
    for number, drawn in enumerate(films):
        numbers = list(range(0, drawn.options.frames, step))
        spoiled = BAD if number % 3 == 2 else {}
        images = list(spoil(drawn, numbers, spoiled))
        begun = time.perf_counter()
        places = np.array(list(Drift().follow(images)))
        seconds.append((time.perf_counter() - begun) / len(numbers))
        good = [place for place, index in enumerate(numbers) if index not in spoiled]
        off = np.hypot(*(places - drawn.drift[numbers])[good].T)
        errors.append(off.max())
        means.append(off.mean())
    print(
        f"drift {name:12} mean error {np.mean(means):.3f} px, worst mean of a film {max(means):.3f} px, worst frame "
        f"{max(errors):.3f} px of {len(films)} films, {1000 * np.median(seconds):.0f} ms a frame",
        flush=True,
    )


def spoil(drawn: Film, numbers: list[int], spoiled: dict[int, int | None]) -> Iterator[np.ndarray]:
    for number in numbers:
        image = drawn.frame(number).image
        if number in spoiled:
            grey = spoiled[number]
            noise = np.random.default_rng(number).integers(0, 256, image.shape).astype(image.dtype)
            image = noise if grey is None else np.full_like(image, grey)
        yield image


if __name__ == "__main__":
    main()
