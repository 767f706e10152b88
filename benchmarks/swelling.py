"""Areas of a film's pools by a network that saw other pools: `python benchmarks/swelling.py FOLDER`.

FOLDER holds movie.tif, target_mask.tif and areas.csv (frame, pool from 0, area_px). The grid is 4×4, as
configs/swelling.yaml says. Further words are options of the recipe.
The first 11 pools train, the other 5 are measured by `hpapipe movie measure` and compared with the table.

Prints the mean absolute error in % of the area, of each of the five and of all, and the correlation of all their areas.
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
        show(out, pd.read_csv(folder / "areas.csv").sort_values("frame"), pools)


def hpapipe(*words: object) -> None:
    """Run a command with the recipe, or stop."""
    from hpapipe.cli.main import run

    code = run([*map(str, words), "--config", str(CONFIG)])
    if code:
        raise SystemExit(code)


def show(out: Path, table: pd.DataFrame, pools: list[str]) -> None:
    measured, wanted = [], []
    for number in range(TRAINED, len(pools)):
        measured.append(pd.read_csv(out / f"{pools[number]}.csv")["area_px"].to_numpy())
        wanted.append(table.loc[table["pool"] == number, "area_px"].to_numpy())
        error = 100 * (measured[-1] / wanted[-1] - 1)
        print(f"{pools[number]}: {np.abs(error).mean():.2f} % off, {error.mean():+.2f} % in the mean")
    areas, truth = np.concatenate(measured), np.concatenate(wanted)
    error, correlation = 100 * np.abs(areas / truth - 1).mean(), np.corrcoef(areas, truth)[0, 1]
    kept = "kept" if error <= MOST_ERROR else "NOT KEPT"
    print(f"mean absolute error {error:.2f} %; at most {MOST_ERROR} %: {kept}")
    kept = "kept" if correlation >= LEAST_CORRELATION else "NOT KEPT"
    print(f"correlation {correlation:.4f}; at least {LEAST_CORRELATION}: {kept}")


if __name__ == "__main__":
    main()
