"""LiteRT, until 2024 TensorFlow Lite: one small file for phones, boards and processors without TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.quiet import hushed
from hpapipe.runtimes.runtime import Runner, cores, whole
from hpapipe.runtimes.saved_model import INPUT, OUTPUT, graph


def write(network: Any, images: np.ndarray, path: Path) -> None:
    """One file, weights as they were trained: 32 bits."""
    _write(network, images, path, rounds=False)


def write_int8(network: Any, images: np.ndarray, path: Path) -> None:
    """One file that counts with whole numbers of 8 bits, each layer's range measured on `images`.

    Source: Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference", CVPR 2018; weights by channel.
    """
    _write(network, images, path, rounds=True)


def _write(network: Any, images: np.ndarray, path: Path, rounds: bool) -> None:
    import tensorflow as tf

    def shown() -> Iterator[dict[str, np.ndarray]]:
        for image in images:
            yield {INPUT: image[None]}

    with whole(path) as part, graph(network, images.dtype) as folder:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if rounds:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = shown
        with hushed():
            made = converter.convert()
        part.write_bytes(made)


def open_(path: Path) -> Runner:
    """The network in the file, by the interpreter that TensorFlow has with it."""
    return _Interpreter(path)


class _Interpreter:
    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        with hushed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it will move to another package, after the TensorFlow in use here
            self.interpreter = tf.lite.Interpreter(str(path), num_threads=cores())
            self.interpreter.allocate_tensors()  # else it would tell of its threads at the first batch
            self.ask = self.interpreter.get_signature_runner()

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        answers: np.ndarray = self.ask(**{INPUT: images})[OUTPUT]
        return answers
