"""Simulated films of blastocysts: drawn once, and cut into pools with their true masks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from hpapipe.config import Recipe
from hpapipe.progress import say
from hpapipe.simulate.film_files import BUBBLE, matches, settings, write_film
from hpapipe.workflows import movie_frames
from hpapipe.workflows.movie_frames import Cutting, write_frames


def film(recipe: Recipe) -> tuple[Path, bool]:
    """(folder of the recipe's simulated film, whether it had to be drawn)."""
    wanted = recipe.film
    name = f"film-of-{wanted.frames}-frames-{wanted.rows}x{wanted.columns}-{_key(settings(wanted))}"
    folder = Path(recipe.workspace) / "simulated" / name
    if matches(folder, wanted):
        return folder, False
    height, width = wanted.shape
    say(f"Drawing a film of {wanted.frames:,} frames of {width}×{height} into {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_film(folder, wanted)
    return folder, True


def _no_bubble(truth: np.ndarray) -> np.ndarray:
    """Blastocysts without what has left them."""
    return (truth > 0) & (truth != BUBBLE)


def film_pairs(recipe: Recipe) -> Path:
    """The folder of the simulated film's pools and their true masks, written where they are not there yet.

    Another film, other options of section `movie`, or another way to find and cut pools make another folder beside the
    film's: none is ever out of date, and each may be removed.
    """
    folder, _ = film(recipe)
    how = {"format": movie_frames.FORMAT, "options": recipe.movie.model_dump(mode="json")}
    out = folder.with_name(f"{folder.name}-pools-{_key(how)}")
    with FileLock(out.with_name(f".{out.name}.lock")):  # two processes may want the same
        if not (out / movie_frames.NOTES).exists():
            say(f"Cutting its pools into {out}")
            write_frames(recipe, Cutting(folder / "movie.tif", out, folder / "truth.tif", _no_bubble))
    return out


def simulated_movie(recipe: Recipe) -> Path:
    """The recipe's simulated film, drawn if it is not there yet."""
    return film(recipe)[0] / "movie.tif"


def _key(values: dict[str, Any]) -> str:
    """8 hex digits that differ where any value does."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]
