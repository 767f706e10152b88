"""Other ways to give a network the same images, for `epochs.py`: tf.data, PyTorch's DataLoader, a copy of memory.

None of them flips or turns. TensorFlow and PyTorch are imported where they are used: PyTorch's workers import this.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpapipe.config import Recipe
from hpapipe.imageset.decode import read_image
from hpapipe.imageset.images import ImageSet

if TYPE_CHECKING:
    from hpapipe.tasks.part import Part

BUFFER = 1000  # records that tf.data shuffles among
KEPT = "one batch kept in memory"


@dataclass(frozen=True)
class Fields:
    """What every way gives.

    Args:
        recipe: batch size, drawing and augmentation.
        images: the files.
        part: the labels, all of them.
        array: the pack's memory map, `[fields, height, width, channels]`.
        truth: uint8 `[fields, labels]`.
        order: int, the numbers of the fields of an epoch.
    """

    recipe: Recipe
    images: ImageSet
    part: Part
    array: np.ndarray
    truth: np.ndarray
    order: np.ndarray

    @property
    def batch(self) -> int:
        return int(self.recipe.feed.batch_size)

    def feed(self, **options: Any) -> Any:
        """hpapipe's Feed, with other options than the recipe's where some are given."""
        from hpapipe.imageset.feed import Feed

        return Feed(self.array, self.truth, self.order, self.recipe.feed.model_copy(update=options), seed=0)


@dataclass(frozen=True)
class Way:
    """One way.

    Args:
        dataset: what Keras trains on; none: nothing.
        epoch: begins an epoch of its batches; each batch begins with the images.
    """

    dataset: Any
    epoch: Callable[[], Iterator[Any]]


def ways(fields: Fields, place: Path) -> dict[str, Way]:
    """Name -> way, each past its first batches.

    Args:
        fields: what they give.
        place: folder for what has to be written beforehand.
    """
    found = {
        "hpapipe, flips and turns": of_feed(fields.feed()),
        "hpapipe, neither": of_feed(fields.feed(flips=False, turns=False)),
        "tf.data, PNG files": Way(png := png_files(fields), lambda: iter(png)),
        "tf.data, TFRecord file": Way(records := record_file(fields, place / "images.tfrecord"), lambda: iter(records)),
        KEPT: of_feed(one_batch(fields, len(fields.feed()))),
        "a copy from memory to memory": Way(None, copies(fields)),
    }
    if importlib.util.find_spec("torch") is None:
        print("\nPyTorch is not installed: `pip install torch` adds its DataLoader")
    else:
        for workers in (0, os.cpu_count() or 1):
            loader = data_loader(fields, workers)
            found[f"PyTorch DataLoader, {workers} workers"] = Way(loader, loader.__iter__)
    for way in found.values():
        for _ in zip(range(3), way.epoch(), strict=False):
            pass
    return found


def of_feed(feed: Any) -> Way:
    """The way of a PyDataset."""

    def epoch() -> Iterator[Any]:
        for batch in range(len(feed)):
            yield feed[batch]
        feed.on_epoch_end()

    return Way(feed, epoch)


def one_batch(fields: Fields, steps: int) -> Any:
    """A PyDataset of `steps` times the same batch."""
    import keras

    batch = fields.feed()[0]

    class OneBatch(keras.utils.PyDataset):
        def __len__(self) -> int:
            return steps

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            return batch

    return OneBatch()


def png_files(fields: Fields) -> Any:
    """tf.data: files decoded, stacked and brought to size at every access, on all cores."""
    import tensorflow as tf

    paths = [[str(path) for path in fields.images.paths(int(field))] for field in fields.order]
    size, dtype = fields.images.data.size, fields.array.dtype
    resized = read_image(fields.images.paths(0)[0]).shape != tuple(size)

    def decode(files: Any, truth: Any) -> tuple[Any, Any]:
        planes = [tf.io.decode_png(tf.io.read_file(file), 1, dtype) for file in tf.unstack(files)]
        image = tf.concat(planes, -1)
        if resized:
            image = tf.cast(tf.round(tf.image.resize(image, size, antialias=True)), dtype)
        return tf.ensure_shape(image, fields.array.shape[1:]), truth

    truth = fields.truth[fields.order].astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((paths, truth)).shuffle(len(paths))
    return dataset.map(decode, tf.data.AUTOTUNE).batch(fields.batch).prefetch(tf.data.AUTOTUNE)


def record_file(fields: Fields, file: Path) -> Any:
    """tf.data: a TFRecord file of the pack's bytes, written here."""
    import tensorflow as tf

    def of_bytes(content: bytes) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))

    with tf.io.TFRecordWriter(str(file)) as writer:
        for field in fields.order:
            pair = {"image": fields.array[field].tobytes(), "truth": fields.truth[field].tobytes()}
            features = tf.train.Features(feature={name: of_bytes(content) for name, content in pair.items()})
            writer.write(tf.train.Example(features=features).SerializeToString())
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in ("image", "truth")}

    def parse(record: Any) -> tuple[Any, Any]:
        found = tf.io.parse_single_example(record, wanted)
        image = tf.reshape(tf.io.decode_raw(found["image"], fields.array.dtype), fields.array.shape[1:])
        truth = tf.reshape(tf.io.decode_raw(found["truth"], tf.uint8), fields.truth.shape[1:])
        return image, tf.cast(truth, tf.float32)

    count = len(fields.order)
    dataset = tf.data.TFRecordDataset(str(file)).apply(tf.data.experimental.assert_cardinality(count))
    parsed = dataset.shuffle(BUFFER).map(parse, tf.data.AUTOTUNE)
    return parsed.batch(fields.batch).prefetch(tf.data.AUTOTUNE)


class Mapped:
    """A data set as PyTorch wants it: one field of the pack at a time.

    A worker opens the memory map itself; sent to it, the map would be sent whole.
    """

    def __init__(self, fields: Fields) -> None:
        self.file = fields.array.filename  # type: ignore[attr-defined]
        self.order, self.truth = fields.order, fields.truth.astype(np.float32)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "array"}

    @cached_property
    def array(self) -> np.ndarray:
        return np.load(self.file, mmap_mode="r")

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        field = self.order[number]
        return np.array(self.array[field]), self.truth[field]


def data_loader(fields: Fields, workers: int) -> Any:
    """PyTorch's DataLoader over the pack's memory map, shuffled."""
    import torch.utils.data

    # Processes forked from one that has run TensorFlow can hang.
    apart = {"multiprocessing_context": "spawn", "persistent_workers": True} if workers else {}
    return torch.utils.data.DataLoader(Mapped(fields), fields.batch, shuffle=True, num_workers=workers, **apart)


def copies(fields: Fields) -> Callable[[], Iterator[Any]]:
    """Batches copied one after another from an array in memory into a buffer: no way can be faster."""
    memory = fields.array[fields.order]
    buffer = np.empty_like(memory[: fields.batch])

    def epoch() -> Iterator[Any]:
        for start in range(0, len(memory) - fields.batch + 1, fields.batch):
            np.copyto(buffer, memory[start : start + fields.batch])
            yield (buffer,)

    return epoch
