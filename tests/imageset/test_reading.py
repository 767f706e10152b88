"""Images for a network's answers: each once, in order, in all the ways that are asked for."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.imageset.augment import turned
from hpapipe.imageset.reading import Reading
from hpapipe.imageset.view import View


def pixels(count: int, height: int = 4, width: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, height, width, 2), np.uint8)


def sums(images: np.ndarray) -> np.ndarray:
    """An answer that depends on where each pixel lies, int64 `[images, channels]`."""
    places = np.arange(1, images.shape[1] * images.shape[2] + 1).reshape(1, *images.shape[1:3], 1) ** 2
    return np.asarray((images.astype(np.int64) * places).sum((1, 2)))


def answers(reading: Reading) -> np.ndarray:
    return np.concatenate([sums(reading[place][0]) for place in range(len(reading))])


def test_reading_shows_each_field_once_and_in_order() -> None:
    """Batches as large as asked for, the last one shorter, unaugmented and without truth."""
    images = pixels(20)
    fields = np.array([7, 3, 19, 0, 4])
    reading = Reading(images, fields, 2, View("whole", (4, 4), (8, 8)))
    batches = [reading[batch] for batch in range(len(reading))]
    assert [len(batch) for batch in batches] == [1, 1, 1]
    assert [len(batch[0]) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), images[fields])
    np.testing.assert_array_equal(reading.by_way(answers(reading)), sums(images[fields])[None, None])


@pytest.mark.parametrize(
    ("width", "ways"), [(4, [0, 1, 2, 3, 4, 5, 6, 7]), (6, [0, 2, 4, 6])], ids=["square", "oblong"]
)
def test_turns_are_all_the_ways_that_keep_the_shape(width: int, ways: list[int]) -> None:
    """Each batch once a way, and the answers are sorted by way and field again."""
    images, fields = pixels(9, 4, width), np.array([8, 1, 5])
    reading = Reading(images, fields, 2, View("whole", (4, width), (8, 8)), turns=True)
    assert len(reading) == 2 * len(ways)
    assert {reading[place][0].shape[1:] for place in range(len(reading))} == {(4, width, 2)}
    found = reading.by_way(answers(reading))
    expected = [[sums(turned(images[fields], way))] for way in ways]
    np.testing.assert_array_equal(found, expected)


def test_crops_are_cut_in_the_order_of_their_origins() -> None:
    """Four of 4×6 out of 8×8, top-left to bottom-right; one alone in the middle."""
    images, fields = pixels(6, 8, 8), np.array([5, 0, 2])
    reading = Reading(images, fields, 2, View("crops", (4, 6), (8, 8), 2))
    expected = [sums(images[fields, top : top + 4, left : left + 6]) for top, left in ((0, 0), (0, 2), (4, 0), (4, 2))]
    np.testing.assert_array_equal(reading.by_way(answers(reading)), [expected])
    middle = Reading(images, fields, 8, View("crops", (4, 6), (8, 8), 1))
    np.testing.assert_array_equal(middle[0][0], images[fields, 2:6, 1:7])


def test_crops_are_turned_after_they_are_cut() -> None:
    """Not the field: its corner stays the corner. Both kinds of ways are kept apart."""
    images, fields = pixels(5, 8, 6), np.array([4, 1, 3])
    view = View("crops", (4, 4), (8, 6), 2)
    reading = Reading(images, fields, 2, view, turns=True)
    found = reading.by_way(answers(reading))
    assert found.shape == (8, 4, 3, 2)
    for way in range(8):
        for place, (top, left) in enumerate([(0, 0), (0, 2), (4, 0), (4, 2)]):
            crops = images[fields, top : top + 4, left : left + 4]
            np.testing.assert_array_equal(found[way, place], sums(turned(crops, way)))


def test_crops_as_large_as_the_field_are_the_field() -> None:
    """All alike, as many as were asked for."""
    images = pixels(3)
    reading = Reading(images, np.arange(3), 3, View("crops", (4, 4), (4, 4), 2))
    np.testing.assert_array_equal(reading.by_way(answers(reading)), [[sums(images)] * 4])


@settings(max_examples=50)
@given(st.integers(1, 7), st.integers(1, 8), st.integers(1, 3), st.booleans())
def test_answers_find_their_fields(count: int, batch_size: int, crops: int, turns: bool) -> None:
    """Whatever the sizes of batches: way 0 of the first crop is that of the field as it lies."""
    images = pixels(count, 6, 6)
    reading = Reading(images, np.arange(count), batch_size, View("crops", (3, 3), (6, 6), crops), turns)
    found = reading.by_way(answers(reading))
    assert found.shape == (8 if turns else 1, crops**2, count, 2)
    top = 0 if crops > 1 else 1
    np.testing.assert_array_equal(found[0, 0], sums(images[:, top : top + 3, top : top + 3]))


def test_each_batch_is_read_once_for_all_its_ways() -> None:
    """Decoding files is what costs."""
    images, asked = pixels(5), []

    class Counted:
        def __getitem__(self, fields: np.ndarray) -> np.ndarray:
            asked.append(fields.tolist())
            return np.asarray(images[fields])

    reading = Reading(Counted(), np.arange(5), 2, View("whole", (4, 4), (8, 8)), turns=True)
    answers(reading)
    assert asked == [[0, 1], [2, 3], [4]]


def test_a_network_answers_in_the_same_order() -> None:
    """As Keras reads the batches, in its own thread."""
    images = pixels(7)
    reading = Reading(images, np.arange(7), 3, View("whole", (4, 4), (8, 8)), turns=True)
    inputs = keras.Input((4, 4, 2))
    network = keras.Model(inputs, keras.ops.cast(inputs, "float32")[:, 0, 0])
    found = reading.by_way(network.predict(reading, verbose=0))
    for way in range(8):
        np.testing.assert_array_equal(found[way, 0], turned(images, way)[:, 0, 0])
