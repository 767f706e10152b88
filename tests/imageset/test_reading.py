"""Images for a network's answers: each once, in order, in all the ways that are asked for."""

from __future__ import annotations

import numpy as np

from hpapipe.imageset.reading import Reading
from hpapipe.imageset.view import View


def test_reading_shows_each_field_once_and_in_order() -> None:
    """Batches as large as asked for, the last one shorter, unaugmented and without truth."""
    images = np.random.default_rng(0).integers(0, 255, (20, 4, 4, 2), np.uint8)
    fields = np.array([7, 3, 19, 0, 4])
    reading = Reading(images, fields, 2, View("whole", (4, 4), (8, 8)))
    batches = [reading[batch] for batch in range(len(reading))]
    assert [len(batch) for batch in batches] == [1, 1, 1]
    assert [len(batch[0]) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), images[fields])
