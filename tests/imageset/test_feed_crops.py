"""Batches of crops at random places."""

from __future__ import annotations

import numpy as np

from hpapipe import config
from hpapipe.imageset.feed import Feed


def test_random_crops_lie_inside_and_come_again() -> None:
    """2×3 out of 5×4: all twelve places, no other, another in each epoch, the same in the same epoch."""
    places = np.arange(20, dtype=np.uint8).reshape(5, 4)
    images = np.broadcast_to(places[None, :, :, None], (8, 5, 4, 1))
    recipe = config.Feed(draw="in_order", flips=False, turns=False, batch_size=8)
    truth = np.zeros((8, 2), np.uint8)
    feed, seen = Feed(images, truth, np.arange(8), recipe, 0, size=(2, 3)), []
    for _ in range(40):
        cut = feed[0][0][..., 0]
        np.testing.assert_array_equal(cut, feed[0][0][..., 0])
        for crop in cut:
            top, left = divmod(int(crop[0, 0]), 4)
            np.testing.assert_array_equal(crop, places[top : top + 2, left : left + 3])
            seen.append((top, left))
        feed.on_epoch_end()
    assert set(seen) == {(top, left) for top in range(4) for left in range(2)}
    assert len({tuple(seen[start : start + 8]) for start in range(0, len(seen), 8)}) > 1
    late = Feed(images, truth, np.arange(8), recipe, 0, epoch=39, size=(2, 3))
    np.testing.assert_array_equal(late[0][0][..., 0], cut)


def test_crops_of_the_whole_are_the_whole() -> None:
    """The ways to lay fields are those of a feed that cuts nothing."""
    images = np.random.default_rng(0).integers(0, 255, (12, 4, 4, 2), np.uint8)
    truth = np.zeros((12, 2), np.uint8)
    one, other = (
        Feed(images, truth, np.arange(12), config.Feed(batch_size=4), 3, size=size) for size in (None, (4, 4))
    )
    for batch in range(3):
        np.testing.assert_array_equal(one[batch][0], other[batch][0])
