"""Keeps the notices of heavy libraries off a user's terminal, and their telemetry off the net."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def quiet() -> None:
    """Set what the libraries read when they are first imported; what a user has set stays."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def hushed() -> Iterator[None]:
    """Shut stderr for the block, for what C++ code writes there too, and leave out warnings."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere, warnings.catch_warnings(), redirect_stderr(nowhere):
            os.dup2(nowhere.fileno(), 2)
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def import_quietly(module: str) -> None:
    """Import `module` with stderr shut: TensorFlow writes notices there before its log level counts."""
    if module in sys.modules:
        return
    with hushed():
        importlib.import_module(module)
    # Its advice about graphs that are built anew, once for each network, is of no use to a user.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
