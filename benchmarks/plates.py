"""What the benchmarks of predictions share: a Version that is trained for a moment, and plates of any size."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from hpapipe.config import Recipe, load

TINY = {
    "experiment": "tiny",
    "register_as": "tiny",
    "data": {"channels": ["grey"], "labels": ["dark", "light"], "one_label": True, "size": 32, "folder": "tiny"},
    "split": {"folds": 2},
    "feed": {"batch_size": 8},
    "model": {"options": {"width": 8, "blocks": [1]}},
    "fit": {"epochs": 1},
    "score": {"bootstrap": 100},
}
"""A recipe for images of 32×32, in the folder at hand."""


def tiny_recipe() -> str:
    """Train and promote a tiny Version in the folder at hand; its recipe file."""
    write_plate(Path("tiny/train"), 40)
    rows = [f"{number:06d},{number % 2}" for number in range(40)]
    Path("tiny/train.csv").write_text("\n".join(["Id,Target", *rows, ""]))
    Path("tiny.yaml").write_text(yaml.safe_dump(TINY))
    promoted("tiny.yaml")
    return "tiny.yaml"


def promoted(recipe: str, *options: str) -> Recipe:
    """Train and promote by a recipe file; the recipe."""
    from hpapipe.cli.main import run

    for verb in ("train", "promote"):
        if code := run([verb, "--config", recipe, *(options if verb == "train" else ())]):
            raise SystemExit(code)
    return load(recipe, {})


def write_plate(folder: Path, count: int, size: int = 32) -> Path:
    """`count` grey images of noise, `000000_grey.png` and so on; every second one is lighter."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for number in range(count):
        pixels = chance.integers(0, 120, (size, size), np.uint8) + np.uint8(100 * (number % 2))
        Image.fromarray(pixels).save(folder / f"{number:06d}_grey.png", compress_level=1)
    return folder


def link_plate(source: Path, folder: Path, times: int) -> Path:
    """The images of `source` as often as wanted, under other ids; links, so that no disk is needed."""
    folder.mkdir(parents=True)
    for file in sorted(source.glob("*.png")):
        name, channel = file.stem.rsplit("_", 1)
        for number in range(times):
            os.symlink(file.resolve(), folder / f"{name}-{number:03d}_{channel}.png")
    return folder
