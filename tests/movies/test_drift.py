from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hpapipe import config
from hpapipe.movies.drift import Drift
from hpapipe.simulate.film import film
from plates import plate

PLACES = [(0.0, 0.0), (1.4, -2.3), (4.0, 3.0), (-5.6, 0.5), (-2.0, -6.2)]


def frames(look: str = "dark walls", **options: bool | float) -> list[np.ndarray]:
    """A plate at each of `PLACES`, with other noise each time."""
    return [
        plate(look, shift=place, degrees=2, seed=number, cells=False, **options).image  # type: ignore[arg-type]
        for number, place in enumerate(PLACES)
    ]


def followed(movie: list[np.ndarray], drift: Drift | None = None) -> np.ndarray:
    return np.array(list((drift or Drift()).follow(movie)))


@pytest.mark.parametrize("look", ["dark walls", "bright ring"])
@pytest.mark.parametrize("square", [False, True])
def test_a_known_drift_is_found_to_parts_of_a_pixel(look: str, square: bool) -> None:
    assert np.abs(followed(frames(look, square=square)) - PLACES).max() < 0.35


def test_noise_as_strong_as_a_third_of_the_walls_contrast_does_no_harm() -> None:
    assert np.abs(followed(frames(noise=0.1)) - PLACES).max() < 0.6


def test_whole_pixels_are_whole() -> None:
    """A frame rolled round by (3, -7) px is the same pattern there and nothing else."""
    image = plate(seed=4).image
    assert followed([image, np.roll(image, (3, -7), (0, 1))])[1] == pytest.approx([3, -7], abs=0.1)


def test_a_film_whose_cells_grow_is_followed() -> None:
    drawn = film(config.Film(rows=2, columns=3, drift=10, seed=5))
    numbers = list(range(0, 145, 18))
    found = np.array(list(Drift().follow(drawn.frame(number).image for number in numbers)))
    assert np.hypot(*(found - drawn.drift[numbers]).T).max() < 1


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((240, 240), np.uint8),
        np.full((240, 240), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (240, 240)).astype(np.uint8),
    ],
    ids=["black", "white", "noise"],
)
def test_a_bad_frame_keeps_the_last_place_and_the_next_is_found_again(bad: np.ndarray) -> None:
    movie = frames()
    found = followed([movie[0], movie[1], bad, movie[2]])
    assert found[2].tolist() == found[1].tolist()
    assert np.abs(found[3] - PLACES[2]).max() < 0.35


def test_where_the_first_frame_is_black_the_next_is_the_measure() -> None:
    movie = frames()
    found = followed([np.zeros_like(movie[0]), movie[0], movie[1]])
    assert found[:2].tolist() == [[0, 0], [0, 0]]
    assert np.abs(found[2] - PLACES[1]).max() < 0.35


def test_a_jump_beyond_the_step_is_not_believed() -> None:
    movie = frames()
    assert followed([movie[0], movie[3]], Drift(step=2)).tolist()[1] != pytest.approx(list(PLACES[3]), abs=1)
    assert np.abs(followed([movie[0], movie[3]], Drift(step=2))).max() <= 2.5


def test_light_that_changes_and_sixteen_bits_do_not_matter() -> None:
    movie = frames()
    dimmed = [np.uint16(100.0 * image * (0.5 if number % 2 else 1)) for number, image in enumerate(movie)]
    np.testing.assert_allclose(followed(dimmed), followed(movie), atol=0.1)


def test_a_large_frame_is_measured_small_and_its_drift_given_in_its_own_pixels() -> None:
    image = np.kron(plate(pool=100).image, np.ones((5, 5), np.uint8))
    assert followed([image, np.roll(image, (10, -20), (0, 1))])[1] == pytest.approx([10, -20], abs=0.5)


def test_frames_are_taken_one_by_one() -> None:
    """No frame is asked for before the place in the one before it has been given."""
    asked = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal asked
        for image in frames():
            asked += 1
            yield image

    for number, _ in enumerate(Drift().follow(counted()), start=1):
        assert asked == number


def test_frames_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        followed([np.zeros((9, 9), np.uint8), np.zeros((9, 8), np.uint8)])


def test_a_frame_of_two_rows_of_pixels_is_followed() -> None:
    image = np.random.default_rng(0).integers(0, 256, (2, 3000), np.uint8)
    assert followed([image, image]).tolist() == [[0, 0], [0, 0]]
