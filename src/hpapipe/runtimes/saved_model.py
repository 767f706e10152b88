"""TensorFlow's SavedModel: a folder with the graph from stored integers to probabilities, and its weights."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.errors import UserError
from hpapipe.quiet import hushed
from hpapipe.runtimes.runtime import Runner, whole

INPUT, OUTPUT = "images", "answers"
"""Names in every file."""


def write(network: Any, images: np.ndarray, path: Path) -> None:
    """A folder whose signature `serving_default` takes `images` and gives `answers`."""
    with whole(path) as part:
        write_graph(network, images.dtype, part)


def write_graph(network: Any, dtype: np.dtype, folder: Path) -> None:
    """The network as a SavedModel in `folder`.

    Args:
        network: a Keras model.
        dtype: of stored images, uint8 or uint16.
        folder: to be made.

    Raises:
        UserError: Keras runs on something other than TensorFlow.
    """
    import keras

    if (backend := keras.backend.backend()) != "tensorflow":
        rule = "Networks must be exported with TensorFlow as the backend of Keras."
        raise UserError(rule, f"KERAS_BACKEND={backend}", "Run it again with KERAS_BACKEND=tensorflow.")

    def answer(images: Any) -> dict[str, Any]:
        return {OUTPUT: network(keras.ops.cast(images, "float32"), training=False)}

    taken = keras.InputSpec(dtype=dtype.name, shape=(None, *network.input_shape[1:]), name=INPUT)
    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", answer, [taken])
    with hushed():
        archive.write_out(str(folder), verbose=False)


@contextmanager
def graph(network: Any, dtype: np.dtype) -> Iterator[str]:
    """The network as a SavedModel for the block, to be converted from: the folder."""
    with tempfile.TemporaryDirectory() as place:
        write_graph(network, dtype, Path(place))
        yield place


def open_(path: Path) -> Runner:
    """The network in the folder."""
    return _Loaded(path)


class _Loaded:
    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self.constant = tf.constant
        self.whole = tf.saved_model.load(str(path))  # its variables live as long as it does
        self.ask = self.whole.signatures["serving_default"]

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self.ask(**{INPUT: self.constant(images)})[OUTPUT])
