"""Batches of pairs: what is drawn, that image and mask move together, and that chance can be repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.imageset.feed import Feed
from hpapipe.imageset.pair_feed import PairFeed
from hpapipe.imageset.pairs_augment import Ranges


def coded(count: int, size: tuple[int, int] = (8, 12)) -> tuple[np.ndarray, np.ndarray]:
    """Images whose pixels all hold the pair's number; the mask is the left half, or for odd numbers the right."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint16)[:, None, None, None], (count, *size, 1))
    left = np.arange(size[1]) < size[1] // 2
    masks = np.stack([np.tile(left ^ bool(number % 2), (size[0], 1)) for number in range(count)])
    return np.ascontiguousarray(images), masks


def feed_of(
    count: int,
    fields: np.ndarray | None = None,
    seed: int = 0,
    epoch: int = 0,
    ranges: Ranges | None = None,
    **options: Any,
) -> PairFeed:
    images, masks = coded(count)
    chosen = np.arange(count) if fields is None else fields
    return PairFeed(images, masks, chosen, config.Feed(**{"draw": "shuffled", **options}), seed, epoch, ranges)


def drawn(feed: PairFeed) -> list[int]:
    return [int(image[0, 0, 0]) for batch in range(len(feed)) for image in feed[batch][0]]


def same(one: PairFeed, other: PairFeed) -> bool:
    pairs = [(one[batch], other[batch]) for batch in range(len(one))]
    return all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in pairs)


@pytest.mark.parametrize("ranges", [None, Ranges()])
def test_shapes_and_types(ranges: Ranges | None) -> None:
    """Images in their own integer type, masks as floats of 0 and 1."""
    images, masks = feed_of(10, ranges=ranges, batch_size=4)[0]
    assert (images.shape, images.dtype) == ((4, 8, 12, 1), np.uint16)
    assert (masks.shape, masks.dtype) == ((4, 8, 12, 1), np.float32)
    assert set(np.unique(masks)) == {0, 1}


def test_masks_stay_with_their_images() -> None:
    """Not warped: the number in the pixels tells the half."""
    feed = feed_of(21, batch_size=6)
    for batch in range(len(feed)):
        for image, mask in zip(*feed[batch], strict=True):
            np.testing.assert_array_equal(mask[..., 0], coded(21)[1][image[0, 0, 0]])


@given(st.integers(0, 2**32 - 1))
def test_image_and_mask_are_warped_together(seed: int) -> None:
    """Images that are 200 in the mask and 50 elsewhere still are, but for interpolated outlines."""
    _, masks = coded(6)
    images = np.where(masks, np.uint8(200), np.uint8(50))[..., None]
    feed = PairFeed(images, masks, np.arange(6), config.Feed(batch_size=6, draw="in_order"), seed, ranges=Ranges())
    found, laid = feed[0]
    plain = (found == 200) | (found == 50)
    assert plain.mean() > 0.5
    np.testing.assert_array_equal(laid[plain] == 1, found[plain] == 200)
    assert (found != images).any()


def test_draws_are_those_of_the_feed_of_fields() -> None:
    """The same seed draws the same numbers in the same batches, for both kinds of feed."""
    images, masks = coded(20)
    chosen = np.arange(1, 20, 2)
    for options in ({"draw": "in_order"}, {"draw": "shuffled"}, {"draw": "replacement", "epoch_fields": 30}):
        recipe = config.Feed(batch_size=4, **options)
        pairs = PairFeed(images, masks, chosen, recipe, 5)
        fields = Feed(images, np.ones((20, 1), np.uint8), chosen, recipe, 5)
        for _ in range(2):
            assert [batch.tolist() for batch in pairs.batches] == [batch.tolist() for batch in fields.batches]
            assert pairs.drawn == fields.drawn == len(drawn(pairs))
            pairs.on_epoch_end()
            fields.on_epoch_end()


def test_balanced_draws_all_alike() -> None:
    """There are no labels to balance: 3,000 draws of 10 pairs, 300 each."""
    counts = np.bincount(drawn(feed_of(10, draw="balanced", epoch_fields=3000, batch_size=10)), minlength=10)
    # Four standard deviations of a binomial distribution with a chance of 1 in 10.
    np.testing.assert_allclose(counts, 300, atol=4 * np.sqrt(3000 * 0.1 * 0.9))


@pytest.mark.parametrize("draw", ["in_order", "shuffled", "replacement"])
def test_a_resumed_epoch_is_the_same(draw: str) -> None:
    """Begun at epoch 2 as after two epochs: same pairs, same warps, in any order of reading."""
    went = feed_of(14, batch_size=4, seed=3, draw=draw, ranges=Ranges())
    went.on_epoch_end()
    went.on_epoch_end()
    begun = feed_of(14, batch_size=4, seed=3, epoch=2, draw=draw, ranges=Ranges())
    begun[1]  # reading a batch leaves the others as they were
    assert same(went, begun)
    late = feed_of(14, batch_size=4, seed=3, draw=draw, ranges=Ranges())
    assert not same(went, late)
    late.begin(2)
    assert same(went, late)


def test_warps_differ_by_seed_epoch_and_batch() -> None:
    """One pair, drawn again and again: never laid twice alike."""
    images, masks = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 1), np.uint8), np.ones((1, 16, 16), bool)
    recipe = config.Feed(draw="replacement", epoch_fields=3, batch_size=1)
    feeds = [PairFeed(images, masks, np.arange(1), recipe, s, e, Ranges()) for s, e in ((0, 0), (0, 1), (1, 0))]
    assert len({feed[batch][0].tobytes() for feed in feeds for batch in range(3)}) == 9


def test_a_batch_larger_than_the_training_part_is_refused() -> None:
    """As for the feed of fields."""
    with pytest.raises(UserError, match=r"`feed\.batch_size` must not exceed.* Received 5 for 4 fields"):
        feed_of(30, np.array([2, 3, 5, 7]), batch_size=5)
