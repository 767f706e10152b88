"""The speed of real training steps: warmed up, cut into parts by a clock, with the memory that they took.

The network, the feed, the loss and the optimizer are those of `hpapipe train`, and Keras' own `fit` makes the steps. An
epoch's end, with its validation, is no part of them.

Fed are as few fields as will do, a whole number of batches, and every one of them is read once before the clock starts.
A cache pays from the second reading on, and a training of 30 epochs reads each field 30 times: what counts is its speed
once it is full. To fill it with a large set in every cell would take hours, and with a few fields it is the same speed.
Files are then in the operating system's memory, as they are in training where they all fit there. What `cached` and
`loaded` feeds hold of a whole set comes on top of the memory that is reported here.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil

from hpapipe.config import Recipe
from hpapipe.imageset.feed import Feed
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.sources import open_source
from hpapipe.tasks import classification as task
from hpapipe.tasks.part import parts_of
from hpapipe.training.fit import compile_model, has_gpu, set_precision
from hpapipe.training.losses import loss
from hpapipe.workflows.pretrained import find_weights

FED = 64
"""Fields that are fed, or a batch where it is larger."""


def measure_steps(recipe: Recipe, images: ImageSet, most: int) -> tuple[dict[str, float], dict[str, str]]:
    """(numbers, facts) of training steps by a recipe in this process.

    Args:
        recipe: `speed` says how long to measure; everything else, how to train.
        images: the set.
        most: fields of it that may be fed.

    Returns:
        `images_per_second` with its `_low` and `_high` over the parts of the time, `seconds_per_batch`, `steps`,
        `parameters`, `memory_mib`, `gpu_memory_mib` where there is one; and tags that say on what.

    Raises:
        UserError: the recipe does not fit the images.
    """
    precision = set_precision(recipe.fit.precision)
    keras.utils.set_random_seed(recipe.seed)
    fields = np.arange(fed(int(recipe.feed.batch_size), most))
    # A pack is named by its whole set; of all others, only what is fed is opened.
    chosen = images if recipe.feed.source == "packed" else images.take(fields)
    source = open_source(chosen, recipe.feed.source, Path(recipe.workspace))
    part = parts_of(recipe)[0]
    network = task.network(recipe, part, source, fields, find_weights(recipe.model.weights))
    section = recipe.feed.model_copy(update={"epoch_fields": None})
    feed = Feed(source, part.targets(chosen.truth), fields, section, recipe.seed, size=recipe.data.size)
    compile_model(network, recipe.fit, loss(recipe.fit, part.one_output), recipe.fit.epochs * len(feed))
    for start in range(0, len(fields), 64):
        source[fields[start : start + 64]]
    clock = Clock(feed.batch_size, recipe.speed.warmup_steps, recipe.speed.seconds, recipe.speed.repeats)
    network.fit(Endless(feed), callbacks=[clock], shuffle=False, verbose=0)
    numbers = clock.numbers() | {"parameters": float(network.count_params())} | memory()
    return numbers, {"hpapipe.backend": keras.backend.backend(), "hpapipe.precision": precision, **device()}


def fed(batch_size: int, most: int) -> int:
    """Fields to feed: whole batches only, so that each batch has the size that is measured."""
    batches = min(most // batch_size, -(-FED // batch_size))
    return batch_size * max(1, batches)


def device() -> dict[str, str]:
    """The tag that says what this process trains on."""
    return {"hpapipe.device": "gpu" if has_gpu() else "cpu"}


def memory() -> dict[str, float]:
    """The most memory that this process has had, MiB, and that it has had on a GPU."""
    try:
        # `ru_maxrss` would begin with what the parent had when it started this process.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:  # macOS and Windows
        found = None
    # Without it, what there is now: libraries seldom give memory back.
    peak = int(found[1]) / 2**10 if found else psutil.Process().memory_info().rss / 2**20
    # Asked of the backend that Keras has loaded, where it can tell.
    backend = sys.modules.get("tensorflow")
    if backend is None or not has_gpu():
        return {"memory_mib": peak}
    return {"memory_mib": peak, "gpu_memory_mib": backend.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20}


class Endless(keras.utils.PyDataset):
    """The batches of a feed, epoch after epoch without an end between them.

    Args:
        feed: a feed.
    """

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed

    @property
    def num_batches(self) -> None:
        """None: Keras asks on until it is stopped."""
        return None

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, place = divmod(batch, len(self.feed))
        if epoch != self.feed.epoch:
            self.feed.begin(epoch)
        return self.feed[place]


class Clock(keras.callbacks.Callback):
    """Times the steps after the first ones, in parts, and stops training when the time is over.

    Args:
        batch_size: fields in a batch.
        warmup: steps that are not timed: graphs are built in them.
        seconds: to measure for, in all.
        parts: to cut them into; each has one step at least, so slow steps make fewer parts.
    """

    def __init__(self, batch_size: int, warmup: int, seconds: float, parts: int) -> None:
        super().__init__()
        self.batch_size, self.warmup, self.seconds, self.parts = batch_size, warmup, seconds, parts
        self.steps, self.begun = 0, 0.0
        self.measured: list[tuple[int, float]] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.warmup > 1:
            self.warmup -= 1
            return
        if self.warmup == 1:
            self.warmup, self.begun = 0, self._now(logs)
            return
        self.steps += 1
        if time.perf_counter() - self.begun < self.seconds / self.parts:
            return
        now = self._now(logs)
        self.measured.append((self.steps, now - self.begun))
        self.steps, self.begun = 0, now
        if len(self.measured) == self.parts or sum(seconds for _, seconds in self.measured) >= self.seconds:
            self.model.stop_training = True

    def _now(self, logs: dict[str, Any] | None) -> float:
        # A GPU may still be at work on the steps that were sent to it; their loss can be read when they are done.
        keras.ops.convert_to_numpy((logs or {}).get("loss", 0.0))
        return time.perf_counter()

    def numbers(self) -> dict[str, float]:
        """Images a second over the whole time, in its slowest and in its fastest part; seconds a batch; steps."""
        rates = [self.batch_size * steps / seconds for steps, seconds in self.measured]
        steps, seconds = (sum(column) for column in zip(*self.measured, strict=True))
        return {
            "images_per_second": self.batch_size * steps / seconds,
            "images_per_second_low": min(rates),
            "images_per_second_high": max(rates),
            "seconds_per_batch": seconds / steps,
            "steps": float(steps),
        }
