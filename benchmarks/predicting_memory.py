"""Does the memory of a prediction grow with the number of fields? `python benchmarks/predicting_memory.py`.

Trains a tiny Version and answers plates of 20,000 and of 200,000 small images, each in a process of its own.

Prints the most memory that each process had, and its images a second.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from peak import compared, needed

from hpapipe.quiet import import_quietly, quiet
from plates import tiny_recipe, write_plate

ALLOWED = 1.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, nargs=2, default=(20_000, 200_000))
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    peaks = []
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        recipe = tiny_recipe()
        for count in given.fields:
            plate = write_plate(Path(f"plate{count}"), count)
            found = needed(["predict", str(plate), "--config", recipe, "--out", f"out{count}"])
            peaks.append(found["mib"])
            print(f"{count:>8,} images: {found['mib']:,.0f} MiB at most, {count / found['seconds']:,.0f} images/s")
        print(compared(peaks, given.fields[1] / given.fields[0], ALLOWED))


if __name__ == "__main__":
    main()
