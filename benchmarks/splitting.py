"""How long a split takes and how even it is: `python benchmarks/splitting.py train.csv`.

The table is the label table of the Human Protein Atlas challenge (Id,Target), or one like it. Prints seconds, the sizes
of the folds, and the structures that are missing from a fold although there are enough positives.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from hpapipe import config
from hpapipe.imageset.split import stratified
from hpapipe.imageset.table import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    given = parser.parse_args()
    data = config.load(None, {"data.table": given.table.name}).data
    rows = read_table(given.table.parent, data)
    truth = data.label_set.read(list(rows["target"]))
    begun = time.perf_counter()
    split = stratified(tuple(rows["id"]), truth, np.arange(len(rows)), given.folds, seed=0)
    seconds = time.perf_counter() - begun
    counts = np.array([truth[split.valid(fold)].sum(0) for fold in range(given.folds)])
    enough = truth.sum(0) >= given.folds
    missing = [data.labels[label] for label in np.flatnonzero(enough & (counts.min(0) == 0))]
    print(f"{len(rows):,} rows, {given.folds} folds: {seconds:.2f} s")
    print(f"fields in a fold: {', '.join(str(len(split.valid(fold))) for fold in range(given.folds))}")
    rarest = np.argsort(truth.sum(0))[:3]
    for label in rarest:
        print(f"{data.labels[label]}: {', '.join(map(str, counts[:, label]))}")
    print(f"missing from a fold: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main()
