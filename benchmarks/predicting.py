"""How fast `hpapipe predict` is: `python benchmarks/predicting.py FOLDER`, on real files.

FOLDER holds `train/<Id>_<channel>.png` and `train.csv`, as configs/hpa_dictionary.yaml has them. A Version is trained
for one epoch: what it answers does not matter here. In turns, in one process:

- from PNG files: a job of `hpapipe predict`, from its listing to its tables, beside a loop that decodes a batch and
  then predicts it, with the same decoder, network and batches: by `model.predict`, as such loops are written, and by
  what hpapipe itself calls, `predict_on_batch`, which is quicker;
- from a pack: a job beside `model.predict` on the same fields as an array in memory;
- with --ray: shards answered by Ray beside this process alone, after both have answered their first one.

Prints images a second with the least and the most of all turns, and the ratios of neighbours in time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpapipe.quiet import import_quietly, quiet
from plates import link_plate, promoted

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "hpa_dictionary.yaml"
Work = Callable[[], object]
PNG, PACK, RAY = 1.7, 0.9, 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=12, help="how often each image stands in the plate")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--ray", action="store_true")
    given = parser.parse_args()
    folder = given.folder.resolve()
    quiet()
    import_quietly("keras")
    from hpapipe.workflows.answering import load

    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        recipe = promoted(str(CONFIG), "--data.folder", str(folder), "--fit.epochs", "1", "--split.validate_on", "0")
        answering = load(recipe, "champion", "keras")
        plate = link_plate(folder / "train", Path("plate"), given.times)
        count = len(list(plate.iterdir())) // len(recipe.data.channels)
        print(f"{count:,} fields of {len(recipe.data.channels)} channels, {os.cpu_count()} cores")
        ours = job(recipe, answering, plate)
        (network,) = answering.version.networks
        for name, predict in {
            "model.predict": lambda images: network.predict(images, verbose=0),
            "predict_on_batch": network.predict_on_batch,
        }.items():
            title = f"hpapipe predict, PNG files / decode, then {name}; at least {PNG:g}"
            compare(title, ours, loop(recipe, answering, plate, predict), count, given.turns, PNG)
        pack, array = packed(recipe, plate)
        compare(
            f"hpapipe predict, pack / model.predict in memory; at least {PACK:g}",
            job(recipe, answering, pack),
            in_memory(answering, array),
            count,
            given.turns,
            PACK,
        )
        if given.ray:
            on_ray(recipe, answering, plate, given.turns)


def compare(
    name: str, ours: Callable[[], None], theirs: Callable[[], None], count: int, turns: int, least: float
) -> None:
    """Print the rate of both, and the ratio, after a turn that does not count."""
    rates = []
    for turn in range(turns + 1):
        order = (ours, theirs) if turn % 2 else (theirs, ours)
        taken = {}
        for work in order:
            begun = time.perf_counter()
            work()
            taken[work] = count / (time.perf_counter() - begun)
        if turn:
            rates.append((taken[ours], taken[theirs]))
    told(name, np.array(rates), least)


def told(name: str, rates: np.ndarray, least: float) -> None:
    ratio = rates[:, 0] / rates[:, 1]
    for what, values in (("ours", rates[:, 0]), ("theirs", rates[:, 1])):
        print(f"  {what:<7}{np.median(values):8.1f} images/s ({values.min():.1f} to {values.max():.1f})")
    kept = "kept" if np.median(ratio) >= least else "NOT KEPT"
    print(f"{name}: {np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f}): {kept}")


def job(recipe, answering, place: Path) -> Work:
    from hpapipe.workflows.predict import Asked, answer

    asked = Asked(str(place), Path("out"), typed={"data.files": "{id}_{channel}.png"}, again=True)
    return lambda: answer(recipe, asked, answering)


def loop(recipe, answering, plate: Path, predict: Callable[[np.ndarray], object]) -> Work:
    """Batch by batch: decode, resize, predict."""
    from hpapipe.imageset.decode import read_field
    from hpapipe.imageset.images import unlabelled
    from hpapipe.imageset.view import fitted

    images, view = unlabelled(plate, recipe.data), answering.version.view

    def work() -> None:
        for start in range(0, len(images), recipe.predict.batch_size):
            fields = range(start, min(start + recipe.predict.batch_size, len(images)))
            predict(np.stack([fitted(read_field(images.paths(field)), view) for field in fields]))

    return work


def packed(recipe, plate: Path) -> tuple[Path, np.ndarray]:
    """The folder of the plate's pack, and its images in memory."""
    from hpapipe.imageset.images import unlabelled
    from hpapipe.imageset.pack import pack

    made = pack(unlabelled(plate, recipe.data), Path(recipe.workspace))
    return Path(recipe.workspace) / "packs" / made.key, np.array(made.images)


def in_memory(answering, array: np.ndarray) -> Work:
    (network,) = answering.version.networks
    return lambda: network.predict(array, batch_size=64, verbose=0)


def on_ray(recipe, answering, plate: Path, turns: int) -> None:
    """Rates after the first shard: a cluster takes its time to start, once."""
    from hpapipe.workflows import predict

    rates = []
    small = recipe.model_copy(update={"predict": recipe.predict.model_copy(update={"shard": 128})})
    asked = predict.Asked(str(plate), Path("out"), typed={"data.files": "{id}_{channel}.png"}, again=True)
    for _ in range(turns):
        pair = []
        for engine in ("ray", "plain"):
            shards: list[float] = []
            shutil.rmtree("out", ignore_errors=True)
            watched(shards, lambda engine=engine: predict.answer(small, replace(asked, engine=engine), answering))
            pair.append(128 * (len(shards) - 2) / (shards[-2] - shards[0]))  # the last one may be smaller
        rates.append(pair)
    told(f"Ray / this process alone; at least {RAY:g}", np.array(rates), RAY)


def watched(moments: list[float], work: Callable[[], object]) -> None:
    """Note when each shard appears in `out/shards` while `work` runs."""
    import threading

    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            there = len(list(Path("out/shards").glob("*.parquet"))) if Path("out/shards").is_dir() else 0
            while len(moments) < there:
                moments.append(time.perf_counter())
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        ended.set()
        watcher.join()


if __name__ == "__main__":
    main()
