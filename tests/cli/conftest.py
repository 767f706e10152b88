"""A small folder of images and its recipe, for commands that are given something wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def folder(image_folder: Callable[..., Any]) -> Path:
    """Twelve good fields."""
    place: Path = image_folder(("0", "1", "2", "0 1") * 3).folder
    return place


@pytest.fixture
def recipe(store: Path, folder: Path, recipe_file: Callable[..., Path]) -> Path:
    """One epoch on these fields; the test works beside it, with an empty store."""
    return recipe_file(folder, fit={"epochs": 1})


@pytest.fixture
def contents(folder: Path) -> Callable[[], dict[str, bytes]]:
    """What the files of the folder hold at a moment."""
    return lambda: {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
