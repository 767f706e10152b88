"""Simulated films of blastocysts: drawn once, and cut into pools with their true masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpapipe.config import Recipe
from hpapipe.progress import say
from hpapipe.simulate.film_files import BUBBLE, FORMAT, matches, write_film
from hpapipe.simulate.film_options import FilmOptions
from hpapipe.workflows.movie_frames import Cutting, write_frames


def film(recipe: Recipe) -> tuple[Path, bool]:
    """(folder of the recipe's simulated film, whether it had to be drawn)."""
    wanted = recipe.film
    options = FilmOptions(**wanted.model_dump(exclude={"seed"}))
    shape = "square" if wanted.square else "round"
    name = f"{wanted.rows}x{wanted.columns}-{shape}-pools-of-{wanted.pool}-px-{wanted.bits}-bit"
    folder = Path(recipe.workspace) / "simulated" / f"film-{FORMAT}-of-{wanted.frames}-frames-{name}-seed-{wanted.seed}"
    if matches(folder, options, wanted.seed):
        return folder, False
    height, width = options.shape
    say(f"Drawing a film of {wanted.frames:,} frames of {width}×{height} into {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_film(folder, options, wanted.seed)
    return folder, True


def _no_bubble(truth: np.ndarray) -> np.ndarray:
    """Blastocysts without what has left them."""
    return (truth > 0) & (truth != BUBBLE)


def film_pairs(recipe: Recipe) -> Path:
    """The folder of the simulated film's pools and their true masks, written where they are not there yet."""
    folder, _ = film(recipe)
    out = folder.with_name(
        f"{folder.name}-every-{recipe.movie.every}-grid-{recipe.movie.grid}-fill-{recipe.movie.fill}"
    )
    if not (out / "frames.json").exists():
        write_frames(recipe, Cutting(folder / "movie.tif", out, folder / "truth.tif", _no_bubble))
    return out


def simulated_movie(recipe: Recipe) -> Path:
    """The recipe's simulated film, drawn if it is not there yet."""
    return film(recipe)[0] / "movie.tif"
