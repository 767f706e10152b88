"""What several tests of images share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hpapipe.imageset import images as module
from hpapipe.imageset.decode import read_field


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fields that were decoded, by the name of their first file."""
    seen: list[str] = []

    def counted(paths: Sequence[Path], *rest: object) -> np.ndarray:
        seen.append(paths[0].name)
        return read_field(paths, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read_field", counted)
    return seen
