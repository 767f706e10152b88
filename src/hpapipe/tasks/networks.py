"""The folder of a Version: its networks, and what they need beside their weights.

This module travels inside every Version, so it imports only what a Version needs where it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.errors import UserError
from hpapipe.runtimes import KERAS, RUNTIMES
from hpapipe.runtimes.runtime import Runner

SPEC = "spec.json"


def write_networks(
    folder: Path,
    networks: Sequence[Any],
    spec: Mapping[str, Any],
    runtime: str = KERAS,
    seen: Sequence[np.ndarray] | None = None,
) -> None:
    """Write networks, and a `spec` with its `format`, as `read_networks` reads them.

    Args:
        folder: is made where there is none.
        networks: Keras models.
        spec: what they need beside their weights.
        runtime: whose files are written, a name of `RUNTIMES`.
        seen: for each network some images as it gets them; only Keras' own files can be written without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = seen if seen is not None else [np.empty(0)] * len(networks)
    for number, (network, images) in enumerate(zip(networks, given, strict=True)):
        RUNTIMES[runtime].write(network, images, folder / f"network-{number:03d}{RUNTIMES[runtime].suffix}")
    told = dict(spec) if runtime == KERAS else {**spec, "runtime": runtime}
    (folder / SPEC).write_text(json.dumps(told, indent=2))


def read_networks(folder: str | Path, form: int) -> tuple[tuple[Runner, ...], dict[str, Any]]:
    """(networks, spec without its `format`) in `folder`. Loads weights and a description of layers, never code.

    Raises:
        UserError: it was written in another form than `form`, or for a runtime that is not installed.
    """
    spec = json.loads((Path(folder) / SPEC).read_text())
    if (found := spec.pop("format", 1)) != form:
        rule = "A Version must be read by the hpapipe that wrote it."
        raise UserError(rule, f"form {found}, where this one writes form {form}", "Train again, or install that one.")
    runtime = RUNTIMES[spec.pop("runtime", KERAS)]
    files = sorted(Path(folder).glob(f"network-*{runtime.suffix}"))
    return tuple(runtime.open(file) for file in files), spec
