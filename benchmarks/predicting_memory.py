"""Does the memory of a prediction grow with the number of fields? `python benchmarks/predicting_memory.py`.

Trains a tiny Version and answers plates of 20,000 and of 200,000 small images, each in a process of its own.

Prints the most memory that each process had, and its images a second.
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
from plates import tiny_recipe, write_plate

ALLOWED = 1.1
PREDICT = """
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
            words = ["predict", str(plate), "--config", recipe, "--out", f"out{count}"]
            told = subprocess.run([sys.executable, "-c", PREDICT, *words], capture_output=True, text=True, check=True)
            measured = json.loads(told.stdout.splitlines()[-1])
            assert measured["code"] == 0, told.stderr
            peaks.append(measured["mib"])
            rate = count / measured["seconds"]
            print(f"{count:>8,} images: {measured['mib']:,.0f} MiB at most, {rate:,.0f} images/s")
    ratio = peaks[1] / peaks[0]
    kept = "kept" if ratio <= ALLOWED else "NOT KEPT"
    print(
        f"{given.fields[1] / given.fields[0]:g} times as many, {ratio:.3f} times the memory; most {ALLOWED:g}: {kept}"
    )


if __name__ == "__main__":
    main()
