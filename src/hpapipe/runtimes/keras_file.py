"""Keras' own file: the network as it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.runtimes.runtime import Runner, whole


def write(network: Any, images: np.ndarray, path: Path) -> None:
    """Weights and a description of layers."""
    with whole(path) as part:
        network.save(part)


def open_(path: Path) -> Runner:
    """The network in the file. Loads weights and a description of layers, never code."""
    import keras

    found: Runner = keras.models.load_model(path, compile=False, safe_mode=True)
    return found
