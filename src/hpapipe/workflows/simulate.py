"""Simulated cells, on disk like any other set."""

from __future__ import annotations

from pathlib import Path

from hpapipe.config import Recipe
from hpapipe.progress import say
from hpapipe.simulate import dataset


def simulate(recipe: Recipe) -> tuple[Path, bool]:
    """(folder of the recipe's simulated cells, whether they had to be drawn)."""
    wanted = recipe.simulate
    folder = Path(recipe.workspace) / "simulated" / f"{wanted.fields}-fields-{wanted.size}-px-seed-{wanted.seed}"
    if dataset.matches(folder, wanted.fields, wanted.size, wanted.seed):
        return folder, False
    say(f"Drawing {wanted.fields:,} simulated fields of {wanted.size}×{wanted.size} into {folder}")
    dataset.write(folder, wanted.fields, wanted.size, wanted.seed)
    return folder, True
