"""How often `hpapipe drift` calls something different where nothing is: `python benchmarks/drifting.py RUN`.

The held-out fields of a training run are dealt into two halves by chance, many times, and each pair is compared as
validation and new images are. Counted are the pairs for which any quantity differs surely, which the method holds to
5 %, and those beyond the tolerances of data_checks/predictions.json, which alone are told.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import pandas as pd

from hpapipe import checks
from hpapipe.quiet import import_quietly, quiet
from hpapipe.scoring.drift import SURE


def tolerances() -> dict[str, float]:
    """Column -> the largest size of a change that is not told."""
    suite = json.loads((checks.suite_folder() / "predictions.json").read_text("utf-8"))
    return {each["kwargs"]["column"]: each["kwargs"]["max_value"] for each in suite["expectations"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="id of a training run; MLFLOW_TRACKING_URI says where it is")
    parser.add_argument("--pairs", type=int, default=1000)
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    from hpapipe.tracking import runs
    from hpapipe.workflows.drift import drift_table
    from hpapipe.workflows.drift_sets import Side, held_out
    from hpapipe.workflows.kept import recipe_of

    run = runs.find(given.run)
    recipe = recipe_of(run)
    predictions = runs.read_table(run, "predictions")
    labels = list(recipe.data.label_set.names)
    rule = {"labels": labels, "thresholds": [0.5] * len(labels), "one_label": False, "always_name_one": False}
    whole = held_out(run, rule, recipe)
    named = np.array([[str(index) in text.split() for index in range(len(labels))] for text in predictions["named"]])
    looks = dict(list(whole.looks.groupby("id", sort=False)))

    def side(fields: np.ndarray) -> Side:
        part = pd.concat([looks[name] for name in predictions["id"].iloc[fields]])
        chosen = named[fields]
        nothing = int((chosen.sum(1) == 0).sum())
        return replace(
            whole, fields=len(fields), named=chosen.sum(0), nothing=nothing, top=whole.top[fields], looks=part
        )

    chance, sure, told = np.random.default_rng(0), 0, 0
    for _ in range(given.pairs):
        dealt = chance.permutation(len(predictions))
        table = drift_table(labels, *(side(half) for half in np.array_split(dealt, 2)))
        sure += bool((table["p"] < SURE).any())
        told += any((table[column].abs() > most).any() for column, most in tolerances().items())
    print(f"| {len(predictions):,} fields in two halves, {given.pairs:,} times | any sure: {sure}, told: {told} |")


if __name__ == "__main__":
    main()
