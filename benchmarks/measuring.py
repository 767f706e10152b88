"""Does memory grow with the movie's length? `python benchmarks/measuring.py`.

Trains a small segmenter on a simulated film for a moment, and measures two simulated films with it, of 100 and of 2,000
frames, each in a process of its own. What a measured film looks like does not matter here.

Prints the most memory that each process had, and the seconds a frame.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from peak import compared, needed

from hpapipe.quiet import import_quietly, quiet

ALLOWED = 1.05
RECIPE = """task: segmentation
experiment: measuring
register_as: measuring
film: {frames: 30, pool: 64}
movie: {every: 10}
data: {size: 64}
split: {folds: 2}
model: {options: {width: 4, depth: 3, normalization: batch}}
fit: {epochs: 2, patience: 0}
pairs: {allow_empty: true}
score: {bootstrap: 100}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs=2, default=(100, 2000))
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    from hpapipe import config
    from hpapipe.cli.main import run
    from hpapipe.simulate.film_files import write_film

    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        Path("recipe.yaml").write_text(RECIPE)
        assert run(["train", "--config", "recipe.yaml"]) == 0
        assert run(["promote", "--config", "recipe.yaml"]) == 0
        peaks = []
        for frames in given.frames:
            write_film(Path(f"film{frames}"), config.Film(frames=frames, pool=64, minutes=1440 / frames, seed=1))
            words = ["movie", "measure", f"film{frames}/movie.tif", "--config", "recipe.yaml", "--out", f"out{frames}"]
            found = needed(words)
            peaks.append(found["mib"])
            print(f"{frames:>6,} frames: {found['mib']:,.0f} MiB at most, {found['seconds'] / frames:.3f} s a frame")
        print(compared(peaks, given.frames[1] / given.frames[0], ALLOWED))


if __name__ == "__main__":
    main()
