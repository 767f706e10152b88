"""Simulated films and their pools, kept under names that change with all they depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.workflows import movie_frames
from hpapipe.workflows.film import film, film_pairs

FILM = {"film.frames": 2, "film.rows": 2, "film.columns": 2, "film.pool": 64, "film.empty": 0, "movie.every": 1}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.chdir(tmp_path)
    return config.changed(Recipe(), FILM)


def test_a_film_is_drawn_once_and_cut_once(recipe: Recipe) -> None:
    """Two frames of four pools with their masks, which a second call leaves as they are."""
    folder, drawn = film(recipe)
    assert (drawn, film(recipe)) == (True, (folder, False))
    pairs = film_pairs(recipe)
    images = sorted((pairs / "images").iterdir())
    assert [len(images), len(list((pairs / "masks").iterdir()))] == [8, 8]
    written = images[0].stat().st_mtime_ns
    assert film_pairs(recipe) == pairs
    assert images[0].stat().st_mtime_ns == written


@pytest.mark.parametrize("option", [{"movie.drift": False}, {"movie.fill": "disc"}, {"movie.every": 2}])
def test_other_options_of_pools_make_another_folder(recipe: Recipe, option: dict[str, object]) -> None:
    """The film is the same, and both stay."""
    pairs = film_pairs(recipe)
    other = film_pairs(config.changed(recipe, option))
    assert other != pairs
    assert film(config.changed(recipe, option)) == (film(recipe)[0], False)


def test_another_way_to_cut_pools_makes_another_folder(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was cut before a change of the code is never taken for what would be cut now."""
    pairs = film_pairs(recipe)
    monkeypatch.setattr(movie_frames, "FORMAT", movie_frames.FORMAT + 1)
    assert film_pairs(recipe) != pairs


def test_every_option_of_a_film_makes_another_film(recipe: Recipe) -> None:
    names = {film(config.changed(recipe, {f"film.{name}": value}))[0] for name, value in (("turn", 1), ("seed", 2))}
    assert len(names | {film(recipe)[0]}) == 3
