"""The folder of a Version: its networks, and what they need beside their weights.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from hpapipe.errors import UserError


def write_networks(folder: Path, networks: Sequence[keras.Model], spec: Mapping[str, Any]) -> None:
    """Write networks, and a `spec` with its `format`, as `read_networks` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, network in enumerate(networks):
        network.save(folder / f"network-{number:03d}.keras")
    (folder / "spec.json").write_text(json.dumps(spec, indent=2))


def read_networks(folder: str | Path, form: int) -> tuple[tuple[keras.Model, ...], dict[str, Any]]:
    """(networks, spec without its `format`) in `folder`. Loads weights and a description of layers, never code.

    Raises:
        UserError: it was written in another form than `form`.
    """
    spec = json.loads((Path(folder) / "spec.json").read_text())
    if (found := spec.pop("format", 1)) != form:
        rule = "A Version must be read by the hpapipe that wrote it."
        raise UserError(rule, f"form {found}, where this one writes form {form}", "Train again, or install that one.")
    files = sorted(Path(folder).glob("network-*.keras"))
    return tuple(keras.models.load_model(file, compile=False, safe_mode=True) for file in files), spec
