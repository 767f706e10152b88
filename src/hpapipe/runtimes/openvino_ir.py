"""OpenVINO's own files: the graph in .xml, the weights beside it in .bin."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hpapipe.runtimes.runtime import Runner, cores, library, whole
from hpapipe.runtimes.saved_model import graph

TELEMETRY = "openvino_telemetry"


def write(network: Any, images: np.ndarray, path: Path) -> None:
    """Two files, weights as they were trained: 32 bits.

    Raises:
        UserError: OpenVINO is not installed.
    """
    openvino = _openvino()
    with whole(path) as part, graph(network, images.dtype) as folder:
        openvino.save_model(openvino.Core().read_model(folder), part, compress_to_fp16=False)


def open_(path: Path) -> Runner:
    """The network in the files, on the processor.

    Raises:
        UserError: OpenVINO is not installed.
    """
    return _Compiled(path)


class _Compiled:
    def __init__(self, path: Path) -> None:
        # Left to itself it counts in 16 bits on processors that can: answers would differ by 0.003.
        exactly = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": cores()}
        self.network = _openvino().Core().compile_model(path, "CPU", exactly)

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        answers: np.ndarray = self.network(images)[0]
        return answers


def _openvino() -> ModuleType:
    """OpenVINO, imported without its telemetry, which would tell its makers of the import itself."""
    if "openvino" not in sys.modules:
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # what makes an import fail; OpenVINO has a stub then
    return library("openvino")
