"""Is anything lost or answered twice under kills? `python benchmarks/predicting_kills.py`.

Trains a tiny Version, writes a plate of small images, and lets `hpapipe predict` answer it once in peace. Then the same
job begins in another folder, and its process is killed (`kill -9`) at random moments: after so many further shards and
so many hundredths of a second; then the same command is run to its end.

Prints how many kills fell, what stood after each, and whether all tables are equal byte by byte.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hpapipe.quiet import import_quietly, quiet
from plates import tiny_recipe, write_plate

TABLES = ("predictions.csv", "submission.csv", "unreadable.csv", "about.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shard", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        recipe = tiny_recipe()
        write_plate(Path("plate"), given.fields)
        words = ("predict", "plate", "--config", recipe, "--predict.shard", str(given.shard))
        begun = time.perf_counter()
        assert start(*words, "--out", "whole").wait() == 0
        print(f"{given.fields:,} fields in peace: {time.perf_counter() - begun:.0f} s")
        stood = []
        while len(stood) < given.kills:
            process = start(*words, "--out", "killed")
            if not killed(process, chance.randint(0, 3), chance.random() / 2):
                raise SystemExit(f"the job came to its end after {len(stood)} kills: give it more fields")
            stood.append(shards("killed"))
        assert start(*words, "--out", "killed").wait() == 0
        print(f"{len(stood)} kills, after {', '.join(map(str, stood))} shards of {shards('killed')}")
        same = [filecmp.cmp(Path("whole", name), Path("killed", name), shallow=False) for name in TABLES]
        for name, equal in zip(TABLES, same, strict=True):
            print(f"{name:<16} {'equal, byte by byte' if equal else 'DIFFERS'}")
        left = [file.name for file in Path("killed").rglob("*.part")]
        print(f"half-written files left behind: {', '.join(left) or 'none'}")
        raise SystemExit(0 if all(same) else 1)


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "hpapipe", *words], stdout=subprocess.DEVNULL)


def shards(folder: str) -> int:
    return len(list(Path(folder, "shards").glob("*.parquet")))


def killed(process: subprocess.Popen[bytes], further: int, seconds: float) -> bool:
    """Kill the process after so many further shards and so many seconds; whether it lived until then."""
    wanted = shards("killed") + further
    while process.poll() is None and (shards("killed") < wanted or not Path("killed/job.json").exists()):
        time.sleep(0.01)
    time.sleep(seconds)
    lived = process.poll() is None
    process.kill()
    process.wait()
    return lived


if __name__ == "__main__":
    main()
