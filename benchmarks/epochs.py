"""What an epoch costs beyond its training steps: `python benchmarks/epochs.py FOLDER`.

FOLDER holds images of the challenge's layout. In one process, in turns, at the default recipe's size of an epoch:

1. An epoch fed from the pack against as many steps on one batch that stays in memory.
2. What `hpapipe.training.fit` adds to Keras' own: averaged weights, state on disk, an epoch's numbers in MLflow. The
   network's answers for the validation part are not counted, since any training that validates needs them.
3. The same images by other ways, to nothing and to a network. PyTorch's way is shown where PyTorch is installed.

Prints medians of the repeats, with the least and the most. A ratio compares neighbours in time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from peers import KEPT, Fields, one_batch, ways

from hpapipe import config
from hpapipe.imageset.images import unlabelled
from hpapipe.imageset.pack import pack
from hpapipe.quiet import import_quietly, quiet

NETWORKS: Mapping[str, dict[str, Any]] = {"residual": {"width": 16}, "model15": {}}
LABELS_A_FIELD = 1.6  # in the challenge's label table
FEED_PROMISE, CALLBACK_PROMISE = 1.05, 3.0  # a ratio, and per cent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--channels", default="red,green,blue")
    parser.add_argument("--size", default="128")
    parser.add_argument("--fields", type=int, default=1600, help="of an epoch; a smaller folder is gone through again")
    parser.add_argument("--repeats", type=int, default=4, help="of the pairs of epochs; even, so that drifts cancel")
    parser.add_argument("--rounds", type=int, default=2, help="of the other ways; likewise")
    parser.add_argument("--seconds", type=float, default=2, help="that a way gives images to nothing, each round")
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    import mlflow

    from hpapipe.tasks.part import parts_of
    from hpapipe.tracking import runs

    recipe = config.load(None, {"data.channels": given.channels, "data.size": given.size})
    images = unlabelled(given.folder, recipe.data)
    with tempfile.TemporaryDirectory() as place:
        packed = pack(images, Path(place))
        chance = np.random.default_rng(0)
        shares = np.full(len(recipe.data.labels), LABELS_A_FIELD / len(recipe.data.labels))
        truth = (chance.random((len(images), len(shares))) < shares).astype(np.uint8)
        order = np.resize(chance.permutation(len(images)), given.fields)
        fields = Fields(recipe, images, parts_of(recipe)[0], packed.images, truth, order)
        print(
            f"{len(order):,} fields an epoch, of {len(images):,}; {len(recipe.data.channels)} channels at {given.size} "
            f"px, {len(shares)} labels, batches of {recipe.feed.batch_size}; {os.cpu_count()} cores"
        )
        networks = [compiled(name, fields) for name in NETWORKS]
        for network in networks:
            against_one_batch(network, fields, given.repeats)
        mlflow.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
        with runs.running("epochs", {}) as run:
            callbacks(networks[0], fields, run, given.repeats, Path(place))
        others(networks[-1], fields, given.rounds, given.seconds, Path(place))


def compiled(name: str, fields: Fields) -> Any:
    """The network `name`, compiled as the recipe says and past its first steps."""
    from hpapipe.tasks.classification import network
    from hpapipe.training.fit import compile_model
    from hpapipe.training.losses import loss

    recipe = fields.recipe.model_copy(update={"model": config.Model(name=name, options=NETWORKS[name])})
    made = network(recipe, fields.part, fields.array, fields.order)
    compile_model(made, recipe.fit, loss(recipe.fit, fields.part.one_output), steps=10_000)
    epoch_seconds(made, one_batch(fields, steps=3))
    return made


def epoch_seconds(network: Any, dataset: Any) -> np.ndarray:
    """Seconds, and of processor, of one epoch of Keras' own `fit`, `[2]`."""
    clock = Clock()
    network.fit(dataset, epochs=1, callbacks=[clock.callback()], shuffle=False, verbose=0)
    return clock.epochs()[0]


class Clock:
    """Seconds, and of processor, at which the epochs of a training begin and the last one ends."""

    def __init__(self) -> None:
        self.moments: list[tuple[float, float]] = []

    def look(self, *_: Any, **__: Any) -> None:
        self.moments.append((time.perf_counter(), time.process_time()))

    def callback(self) -> Any:
        import keras

        return keras.callbacks.LambdaCallback(on_epoch_begin=self.look, on_train_end=self.look)

    def epochs(self) -> np.ndarray:
        """`[epochs, 2]`, whatever callbacks did after an epoch included."""
        return np.diff(self.moments, axis=0)


def against_one_batch(network: Any, fields: Fields, repeats: int) -> None:
    """Print how much longer an epoch from the pack takes than its steps alone."""
    both = {"pack": fields.feed(), "kept": one_batch(fields, len(fields.feed()))}
    taken = in_turns({name: partial(epoch_seconds, network, fed) for name, fed in both.items()}, repeats)
    ratio = taken["pack"] / taken["kept"]
    print(f"\n{network.name}, seconds an epoch")
    line("fed from the pack", taken["pack"][:, 0])
    line("one batch kept in memory", taken["kept"][:, 0])
    line("ratio", ratio[:, 0], 3, most=FEED_PROMISE)
    line("ratio of processor time", ratio[:, 1], 3, "less upset by a busy machine")


def callbacks(network: Any, fields: Fields, run: Any, repeats: int, place: Path) -> None:
    """Print what tracking, averaging and saving add to an epoch of Keras' own `fit`."""
    turns: list[dict[str, float]] = []

    def tracked() -> np.ndarray:
        clock, parts = tracked_epoch(network, fields, run, place / f"state-{len(turns)}")
        turns.append(parts)
        return clock.epochs()[0]

    taken = in_turns({"bare": lambda: epoch_seconds(network, fields.feed()), "tracked": tracked}, repeats)
    spent = {part: np.array([turn[part] for turn in turns]) for turn in turns[:1] for part in turn}
    bare, whole = taken["bare"][:, 0], taken["tracked"][:, 0]
    print(f"\n{network.name}, seconds of callbacks an epoch")
    for part, what in PARTS.items():
        line(what, spent[part], 4)
    line("an epoch without them", bare)
    line("all of them, % of an epoch", 100 * spent["all"] / bare, most=CALLBACK_PROMISE)
    line("… by comparing whole epochs, %", 100 * ((whole - spent["answers"]) / bare - 1))


PARTS = {
    "numbers": "scores of the validation part",
    "log": "MLflow",
    "rest": "averaged weights, state on disk",
    "batches": "after all batches",
    "all": "all of them",
    "answers": "(not counted: the network's answers)",
}


def tracked_epoch(network: Any, fields: Fields, run: Any, place: Path) -> tuple[Clock, dict[str, float]]:
    """The clock of an epoch through `hpapipe.training.fit`, and seconds of the parts of its callback.

    The only epoch is the best so far and is saved twice: no epoch of a long training costs more.
    """
    from hpapipe.imageset.reading import Reading
    from hpapipe.imageset.view import view_of
    from hpapipe.tasks.classification import epoch_numbers
    from hpapipe.training.fit import fit
    from hpapipe.workflows.fold import log_epoch

    clock, recipe, spent = Clock(), fields.recipe, dict[str, list[float]]()
    held_out = fields.order[: len(fields.order) // 4]  # a fifth of all, beside four fifths in training
    reading = Reading(fields.array, held_out, fields.batch, view_of(recipe.data))
    predict = timed(lambda: network.predict(reading, verbose=0), spent, "answers")
    numbers = timed(epoch_numbers, spent, "numbers")
    log = timed(lambda row: log_epoch(run, row), spent, "log")
    keras_fit = network.fit

    def validate() -> dict[str, float]:
        return numbers(recipe, fields.part, network.loss, fields.truth[held_out], predict())

    def watched(*args: Any, callbacks: list[Any], **options: Any) -> None:
        for callback in callbacks:
            for hook in ("on_epoch_begin", "on_train_batch_end", "on_epoch_end"):
                setattr(callback, hook, timed(getattr(callback, hook), spent, hook))
        keras_fit(*args, callbacks=[clock.callback(), *callbacks], **options)

    with patch.object(network, "fit", watched):
        fit(network, fields.feed(), validate, recipe.fit.model_copy(update={"epochs": 1}), place, log)
    sums = {part: sum(seconds) for part, seconds in spent.items()}
    at_end, batches = sums["on_epoch_end"] - sums["answers"], sums["on_train_batch_end"]
    parts = {part: sums[part] for part in ("numbers", "log", "answers")}
    parts |= {"rest": at_end - sums["numbers"] - sums["log"], "batches": batches}
    return clock, parts | {"all": sums["on_epoch_begin"] + batches + at_end}


def timed(work: Callable[..., Any], spent: dict[str, list[float]], name: str) -> Callable[..., Any]:
    """`work`, which adds the seconds of each call to `spent[name]`."""

    def call(*args: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        result = work(*args, **options)
        spent.setdefault(name, []).append(time.perf_counter() - begun)
        return result

    return call


def others(network: Any, fields: Fields, rounds: int, seconds: float, place: Path) -> None:
    """Print how fast other ways give the same images, to nothing and to a network."""
    found = ways(fields, place)
    alone = {name: way for name, way in found.items() if name != KEPT}
    rates = in_turns({name: partial(rate, way, seconds) for name, way in alone.items()}, rounds)
    print("\nImages a second to nothing")
    for name in alone:
        line(name, rates[name], 0)
    fed = {name: way.dataset for name, way in found.items() if way.dataset is not None}
    taken = in_turns({name: partial(epoch_seconds, network, each) for name, each in fed.items()}, rounds)
    print(f"\nSeconds an epoch of {network.name}, and the ratio to {KEPT}")
    for name in fed:
        ratio, processor = np.median(taken[name] / taken[KEPT], axis=0)
        line(name, taken[name][:, 0], 2, f"ratio {ratio:.3f}, of processor time {processor:.3f}")


def rate(way: Any, seconds: float) -> float:
    """Images a second, over at least so many seconds and one batch."""
    given, begun = 0, time.perf_counter()
    while True:
        for batch in way.epoch():
            given += len(batch[0])
            if time.perf_counter() - begun > seconds:
                return given / (time.perf_counter() - begun)


def in_turns(works: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, np.ndarray]:
    """What each of `works` gave, `[repeats, …]`; every other turn goes backwards, so a steady drift cancels."""
    taken: dict[str, list[Any]] = {name: [] for name in works}
    for turn in range(repeats):
        for name in list(works)[:: 1 if turn % 2 == 0 else -1]:
            taken[name].append(works[name]())
    return {name: np.array(values) for name, values in taken.items()}


def line(what: str, values: np.ndarray, digits: int = 2, note: str = "", most: float | None = None) -> None:
    """Print a median (least to most), and whether it is `most` at the most."""
    if most is not None:
        note = f"at most {most:g}: {'kept' if np.median(values) <= most else 'NOT KEPT'}"
    least, middle, highest = (f"{value:,.{digits}f}" for value in np.quantile(values, [0, 0.5, 1]))
    print(f"  {what:36}{middle:>10}  {f'({least} to {highest})':24}  {note}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
