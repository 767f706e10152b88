"""Areas of a film's pools by a network that saw other pools: `python benchmarks/swelling.py FOLDER`.

FOLDER holds movie.tif, target_mask.tif and areas.csv (frame, pool, area). The grid is 4×4, as configs/swelling.yaml
says. Further words are options of the recipe.
The first 11 pools train, the other 5 are measured by `hpapipe movie measure` and compared with the table.

Prints, for each of the five and in all, the mean absolute error in % of the area, and the correlation.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe.quiet import import_quietly, quiet

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "swelling.yaml"
TRAINED = 11
MOST_ERROR, LEAST_CORRELATION = 1.5, 0.998


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", type=Path, help="new folder for what is measured; none: removed at the end")
    given, options = parser.parse_known_args()
    folder, keep = given.folder.resolve(), given.keep.resolve() if given.keep else None
    quiet()
    import_quietly("keras")
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        out = keep or Path("measured")
        hpapipe("movie", "frames", folder / "movie.tif", "--masks", folder / "target_mask.tif", "--out", "pairs")
        pools = [f"r{place // 4 + 1}c{place % 4 + 1}" for place in range(16)]
        for pool in pools[TRAINED:]:
            for file in Path("pairs").glob(f"*/{pool}_f*.png"):
                file.unlink()
        hpapipe("train", "--data.folder", "pairs", *options)
        hpapipe("promote")
        hpapipe("movie", "measure", folder / "movie.tif", "--manual", folder / "areas.csv", "--out", out, *options)
        show(pd.read_csv(out / "summary.csv"), pools[TRAINED:])


def hpapipe(*words: object) -> None:
    """Run a command with the recipe, or stop."""
    from hpapipe.cli.main import run

    code = run([*map(str, words), "--config", str(CONFIG)])
    if code:
        raise SystemExit(code)


def show(summary: pd.DataFrame, held_out: list[str]) -> None:
    rows = summary[summary["pool"].isin(held_out)]
    print(rows[["pool", "cell", "trusted", "correlation", "error_percent"]].to_string(index=False))
    error, correlation = rows["error_percent"].mean(), rows["correlation"]
    kept = "kept" if error <= MOST_ERROR else "NOT KEPT"
    print(f"mean absolute error {error:.2f} %; at most {MOST_ERROR} %: {kept}")
    kept = "kept" if correlation.mean() >= LEAST_CORRELATION else "NOT KEPT"
    lowest = np.min(correlation)
    print(f"correlation {correlation.mean():.4f} (lowest {lowest:.4f}); at least {LEAST_CORRELATION}: {kept}")


if __name__ == "__main__":
    main()
