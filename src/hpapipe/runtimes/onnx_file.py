"""ONNX, run by ONNX Runtime."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.quiet import hushed
from hpapipe.runtimes.runtime import Runner, cores, library, whole
from hpapipe.runtimes.saved_model import INPUT, OUTPUT, graph

OPSET = 18
"""Version of ONNX's operations: of December 2022, so that runtimes of the years since know it."""


def write(network: Any, images: np.ndarray, path: Path) -> None:
    """One file that takes `images` and gives `answers`, for any number of images at a time.

    Keras' own export to ONNX gives for some networks a file that ONNX Runtime refuses, and takes floats alone. So the
    graph is saved first, and converted then.

    Raises:
        UserError: the packages for it are not installed.
    """
    tf2onnx = library("tf2onnx")
    import tensorflow as tf

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with whole(path) as part, graph(network, images.dtype) as folder:
        with hushed():
            loaded = tf.saved_model.load(folder)
            taken = [tf.TensorSpec((None, *network.input_shape[1:]), images.dtype, INPUT)]
            asked = tf.function(lambda images: {OUTPUT: loaded.serve(images)[OUTPUT]}, input_signature=taken)
            made, _ = tf2onnx.convert.from_function(asked, taken, opset=OPSET)
        for end in (made.graph.input[0], made.graph.output[0]):
            end.type.tensor_type.shape.dim[0].dim_param = "batch"
        part.write_bytes(made.SerializeToString())


def open_(path: Path) -> Runner:
    """The network in the file, on the processor.

    Raises:
        UserError: ONNX Runtime is not installed.
    """
    return _Session(path)


class _Session:
    def __init__(self, path: Path) -> None:
        onnxruntime = library("onnxruntime")
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        answers: np.ndarray = self.session.run([OUTPUT], {INPUT: images})[0]
        return answers
