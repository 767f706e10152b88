"""A segmenter as it answers: sizes, ways to lie, cuts, and what it is kept as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.tasks.segmenter import Member, Segmenter, Spec, ask, enlarged, run_lengths

GREY = np.linspace(0, 250, 6 * 8).reshape(6, 8).astype(np.uint8)


class Grey:
    """Stands for a network: the probability of a pixel is its grey, and `seen` holds what was asked."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        self.seen.append(images)
        return images.astype(np.float32) / 255


class Corner(Grey):
    """Says 1 in the top left pixel of whatever it sees, else 0."""

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        answer = np.zeros(images.shape, np.float32)
        answer[:, 0, 0] = 1
        return answer


def segmenter(*networks: Any, size: tuple[int, int] = (6, 8), cut: float = 0.5, turns: bool = False) -> Segmenter:
    members = tuple(Member(size, fold) for fold, _ in enumerate(networks))
    return Segmenter(networks, Spec(8, 10_000, cut, turns, members))


def test_probabilities_are_those_of_the_network_at_its_own_size() -> None:
    (found,) = segmenter(Grey()).probabilities([GREY])
    np.testing.assert_allclose(found, GREY / 255, atol=1e-6)


def test_an_image_of_another_size_is_answered_at_its_own() -> None:
    """It is brought to the network's size and its answer back; an even image stays even."""
    network = Grey()
    (found,) = segmenter(network, size=(4, 4)).probabilities([np.full((10, 12), 51, np.uint8)])
    assert network.seen[0].shape == (1, 4, 4, 1)
    np.testing.assert_allclose(found, np.full((10, 12), 0.2), atol=1e-6)


def test_an_image_that_lies_across_is_turned_and_its_answer_laid_back() -> None:
    """Nothing is squeezed: each pixel's answer is its own grey."""
    network = Grey()
    (found,) = segmenter(network, size=(8, 6)).probabilities([GREY])
    assert network.seen[0].shape == (1, 8, 6, 1)
    np.testing.assert_allclose(found, GREY / 255, atol=1e-6)


def test_answers_of_networks_and_ways_are_averaged() -> None:
    """Laid in all four ways of an oblong, the top left corner is each corner once."""
    (found,) = segmenter(Corner(), turns=True).probabilities([GREY])
    expected = np.zeros((6, 8))
    expected[[0, 0, -1, -1], [0, -1, 0, -1]] = 0.25
    np.testing.assert_allclose(found, expected)
    (found,) = segmenter(Corner(), Grey()).probabilities([np.zeros((6, 8), np.uint8)])
    assert (found[0, 0], found.sum()) == (0.5, 0.5)


@pytest.mark.parametrize("shape", [(5, 5), (4, 6)])
def test_what_is_asked_in_all_ways_is_laid_back(shape: tuple[int, int]) -> None:
    """A network that answers pixel by pixel says the same in every way."""
    image = np.random.default_rng(0).integers(0, 255, (1, *shape, 1), np.uint8)
    ways = ask(Grey(), image, turns=True)  # type: ignore[arg-type]
    assert len(ways) == (8 if shape[0] == shape[1] else 4)
    assert all(np.array_equal(way, ways[0]) for way in ways)


def test_a_pixel_at_the_cut_belongs_to_the_cell() -> None:
    (mask,) = segmenter(Grey(), cut=0.25).masks([np.array([[0.24, 0.25]], np.float32)])
    assert mask.tolist() == [[False, True]]


def test_answers_are_areas_and_masks_that_can_be_drawn_again(tmp_path: Path) -> None:
    """From arrays and from a table of files alike."""
    cut = segmenter(Grey(), cut=0.5)
    table = cut.answer(GREY[None])
    mask = GREY / np.float32(255) >= 0.5
    assert table[["area_px", "height", "width"]].to_numpy().tolist() == [[mask.sum(), 6, 8]]
    assert drawn(table["counts"][0], mask.shape).tolist() == mask.tolist()
    Image.fromarray(GREY).save(tmp_path / "a.png")
    assert cut.answer(pd.DataFrame({"image": [tmp_path / "a.png"]})).equals(table)


def drawn(counts: str, shape: tuple[int, ...]) -> np.ndarray:
    lengths = [int(word) for word in counts.split()]
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(shape, order="F")


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_run_lengths_keep_every_pixel(mask: np.ndarray) -> None:
    counts = run_lengths(mask)
    assert sum(counts) == mask.size
    assert drawn(" ".join(map(str, counts)), mask.shape).tolist() == mask.tolist()


def test_enlarging_keeps_the_mean() -> None:
    found = enlarged(np.array([[0, 1], [0, 1]], np.float32), (4, 4))
    assert found.shape == (4, 4)
    assert found.mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("image", "received"),
    [(np.zeros((4, 4), np.uint16), "uint16 [4, 4]"), (np.zeros((4, 4, 3), np.uint8), "uint8 [4, 4, 3]")],
)
def test_images_of_another_kind_are_refused(image: np.ndarray, received: str) -> None:
    with pytest.raises(UserError) as fault:
        segmenter(Grey()).probabilities([image])
    assert received in str(fault.value)


def test_a_table_without_images_is_refused() -> None:
    with pytest.raises(UserError, match="the column image"):
        segmenter(Grey()).answer(pd.DataFrame({"file": ["a.png"]}))
