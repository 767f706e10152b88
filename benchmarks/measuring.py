"""Does memory grow with the movie's length? `python benchmarks/measuring.py`.

Trains a small segmenter on a simulated film for a moment, and measures two simulated films with it, of 100 and of 2,000
frames, each in a process of its own. What a measured film looks like does not matter here.

Prints the most memory that each process had, and the seconds a frame.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

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
MEASURE = """
import json, sys, time
from hpapipe.quiet import quiet
quiet()
from hpapipe.cli.main import run
begun = time.perf_counter()
code = run(sys.argv[1:])
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"code": code, "mib": peak / 1024, "seconds": time.perf_counter() - begun}))
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
            found = measured(frames)
            peaks.append(found["mib"])
            print(f"{frames:>6,} frames: {found['mib']:,.0f} MiB at most, {found['seconds'] / frames:.3f} s a frame")
        ratio = peaks[1] / peaks[0]
        kept = "kept" if ratio <= ALLOWED else "NOT KEPT"
        longer = given.frames[1] / given.frames[0]
        print(f"{longer:g} times as long, {ratio:.3f} times the memory; at most {ALLOWED:g}: {kept}")


def measured(frames: int) -> dict[str, float]:
    """What measuring a film of so many frames took, in a process of its own."""
    words = ["movie", "measure", f"film{frames}/movie.tif", "--config", "recipe.yaml", "--out", f"out{frames}"]
    ended = subprocess.run([sys.executable, "-c", MEASURE, *words], capture_output=True, text=True, check=False)
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    assert found["code"] == 0, ended.stderr
    return found


if __name__ == "__main__":
    main()
