"""Batches: what is drawn, how it is laid, and that chance can be repeated."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.imageset.feed import DRAWS, Feed, draw_shares


def coded(count: int, size: tuple[int, int] = (4, 4)) -> tuple[np.ndarray, np.ndarray]:
    """Images whose pixels all hold the field's number, and truth that is this number in binary."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint16)[:, None, None, None], (count, *size, 2))
    truth = (np.arange(count)[:, None] >> np.arange(8)) & 1
    return np.ascontiguousarray(images), truth.astype(np.uint8)


def feed_of(count: int, fields: np.ndarray | None = None, seed: int = 0, epoch: int = 0, **options: Any) -> Feed:
    images, truth = coded(count)
    chosen = np.arange(count) if fields is None else fields
    return Feed(images, truth, chosen, config.Feed(**{"draw": "shuffled", **options}), seed, epoch)


def drawn(feed: Feed) -> list[int]:
    """Numbers of the fields of an epoch, read from the pixels."""
    return [int(image[0, 0, 0]) for batch in range(len(feed)) for image in feed[batch][0]]


def same(one: Feed, other: Feed) -> bool:
    pairs = [(one[batch], other[batch]) for batch in range(len(one))]
    return all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in pairs)


def test_shapes_and_types() -> None:
    """Images in their own integer type, truth as floats."""
    images, truth = feed_of(10, batch_size=4)[0]
    assert (images.shape, images.dtype) == ((4, 4, 4, 2), np.uint16)
    assert (truth.shape, truth.dtype) == ((4, 8), np.float32)


def test_shuffled_shows_each_chosen_field_once_an_epoch() -> None:
    """Every epoch, and no field that was not chosen."""
    feed = feed_of(30, fields=np.arange(5, 26, 2), batch_size=4)
    for _ in range(3):
        assert sorted(drawn(feed)) == list(range(5, 26, 2))
        feed.on_epoch_end()


@pytest.mark.parametrize("draw", ["shuffled", "balanced"])
def test_labels_stay_with_their_images(draw: str) -> None:
    """The number in the pixels is the number in the labels, in every batch of augmented images."""
    feed = feed_of(40, batch_size=7, draw=draw)
    for batch in range(len(feed)):
        images, truth = feed[batch]
        assert images[:, 0, 0, 0].tolist() == (truth @ 2 ** np.arange(8)).tolist()


@settings(max_examples=200)
@given(st.integers(2, 200), st.integers(3, 64), st.sampled_from(["shuffled", "balanced"]))
def test_batches_are_even(count: int, batch_size: int, draw: str) -> None:
    """None larger than asked for, sizes at most one apart, never one field alone, which upsets batch normalization."""
    batch_size = min(batch_size, count)
    sizes = [len(batch) for batch in feed_of(count, batch_size=batch_size, draw=draw).batches]
    assert sum(sizes) == count
    assert len(sizes) == len(feed_of(count, batch_size=batch_size))
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) > 1


def test_a_single_field_is_a_batch() -> None:
    """There is nothing to share it with."""
    feed = feed_of(1, batch_size=1)
    assert (len(feed), feed[0][0].shape[0]) == (1, 1)


@pytest.mark.parametrize("draw", sorted(DRAWS))
def test_a_batch_larger_than_the_training_part_is_refused(draw: str) -> None:
    """Chosen fields count, not those of the source; as many as there are make one batch."""
    chosen = np.array([2, 3, 5, 7])
    assert len(feed_of(30, chosen, draw=draw, batch_size=4)) == 1
    with pytest.raises(UserError, match=r"`feed\.batch_size` must not exceed.* Received 5 for 4 fields\. Lower it"):
        feed_of(30, chosen, draw=draw, batch_size=5)


def test_in_order_is_the_order_of_the_table() -> None:
    """In every epoch, whatever the seed."""
    chosen = np.array([1, 2, 4, 7, 9, 12, 20])
    for seed in range(3):
        feed = feed_of(30, chosen, seed, draw="in_order", batch_size=3)
        for _ in range(2):
            assert drawn(feed) == chosen.tolist()
            feed.on_epoch_end()


@pytest.mark.parametrize("draw", ["replacement", "balanced"])
@pytest.mark.parametrize(("fields", "sizes"), [(None, [4, 4, 4]), (3, [3]), (30, [4, 4, 4, 4, 4, 4, 3, 3])])
def test_an_epoch_is_as_long_as_the_recipe_says(draw: str, fields: int | None, sizes: list[int]) -> None:
    """As many as there are, fewer or more, of the chosen fields alone; other ones in the next epoch."""
    chosen = np.arange(3, 27, 2)
    feed = feed_of(30, chosen, draw=draw, epoch_fields=fields, batch_size=4)
    epochs = []
    for _ in range(2):
        assert [len(feed[batch][0]) for batch in range(len(feed))] == sizes
        assert feed.drawn == sum(sizes) == len(drawn(feed))
        assert set(drawn(feed)) <= set(chosen.tolist())
        epochs.append(drawn(feed))
        feed.on_epoch_end()
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("draw", ["in_order", "shuffled"])
def test_each_field_once_is_each_field_once(draw: str) -> None:
    """`epoch_fields` is for draws by chance."""
    feed = feed_of(10, draw=draw, batch_size=4, epoch_fields=3)
    assert (sorted(drawn(feed)), feed.drawn) == (list(range(10)), 10)


def test_replacement_draws_all_alike() -> None:
    """4000 of 20 fields, about 200 each, with rare labels as often as others; some stand twice in a batch."""
    feed = feed_of(20, draw="replacement", epoch_fields=4000, batch_size=20)
    counts = Counter(drawn(feed))
    # Four standard deviations of a binomial distribution with a chance of 1 in 20.
    assert all(counts[field] == pytest.approx(200, abs=4 * np.sqrt(4000 * 0.05 * 0.95)) for field in range(20))
    assert any(len(set(batch)) < len(batch) for batch in feed.batches)


def test_every_draw_of_the_recipe_exists() -> None:
    """No name passes the recipe and fails later, and none is hidden from it."""
    assert set(DRAWS) == set(get_args(config.Feed.model_fields["draw"].annotation))


@pytest.mark.parametrize("draw", ["shuffled", "balanced"])
def test_a_resumed_epoch_is_the_same(draw: str) -> None:
    """Begun at epoch 2, by argument or later, as after two epochs: same fields, same ways, in any order of reading."""
    went = feed_of(20, batch_size=6, seed=3, draw=draw)
    went.on_epoch_end()
    went.on_epoch_end()
    begun = feed_of(20, batch_size=6, seed=3, epoch=2, draw=draw)
    late = feed_of(20, batch_size=6, seed=3, draw=draw)
    late.begin(2)
    late[1]  # reading a batch leaves the others as they were
    assert same(went, begun)
    assert same(went, late)


def test_epochs_and_seeds_differ() -> None:
    """Other fields in the batches, and other ways to lay them."""
    images, truth = coded(20)
    images[:, 0, 0] += 100  # asymmetric
    recipe = config.Feed(draw="shuffled", batch_size=20)
    epochs = [Feed(images, truth, np.arange(20), recipe, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    # One batch holds all fields in order, so that only the ways differ.
    assert len({feed[0][0].tobytes() for feed in epochs}) == 3
    assert len({tuple(drawn(feed_of(20, batch_size=6, seed=s, epoch=e))) for s, e in ((0, 0), (0, 1), (1, 0))}) == 3


def test_without_augmentation_images_stay_as_they_are() -> None:
    """Both switches off: each image as stored."""
    images, truth = coded(12)
    images[:, 0, 1] += 100
    feed = Feed(images, truth, np.arange(12), config.Feed(flips=False, turns=False, batch_size=12, draw="shuffled"), 0)
    np.testing.assert_array_equal(feed[0][0], images)


def test_oblong_images_are_fed() -> None:
    """Quarter turns would change the shape of a batch."""
    images, truth = coded(12, size=(4, 6))
    feed = Feed(images, truth, np.arange(12), config.Feed(batch_size=4), 0)
    assert {feed[batch][0].shape for batch in range(3)} == {(4, 4, 6, 2)}


def test_shares_by_hand() -> None:
    """Labels with shares 1 and 1/4: weights 1 and 4 to the power of the balance, the rarest label counts."""
    truth = np.array([[1, 0], [1, 0], [1, 0], [1, 1]], np.uint8)
    np.testing.assert_allclose(draw_shares(truth, 1.0), np.array([1, 1, 1, 4]) / 7)
    np.testing.assert_allclose(draw_shares(truth, 0.5), np.array([1, 1, 1, 2]) / 5)
    np.testing.assert_allclose(draw_shares(truth, 0.0), np.full(4, 0.25))


def test_fields_without_labels_weigh_least() -> None:
    """They are drawn, but not more than any other; without any label at all, all are alike."""
    truth = np.array([[0, 0], [1, 0], [1, 0], [0, 1]], np.uint8)
    np.testing.assert_allclose(draw_shares(truth, 1.0), np.array([1, 2, 2, 4]) / 9)
    np.testing.assert_allclose(draw_shares(np.zeros((5, 3), np.uint8), 1.0), np.full(5, 0.2))


@given(st.integers(1, 60), st.integers(1, 6), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_shares_are_chances(count: int, labels: int, balance: float, seed: int) -> None:
    """Every field may be drawn, and the chances sum to 1."""
    truth = (np.random.default_rng(seed).random((count, labels)) < 0.2).astype(np.uint8)
    shares = draw_shares(truth, balance)
    assert shares.min() > 0
    assert shares.sum() == pytest.approx(1)


def rare_draws(balance: float, epochs: int = 50) -> int:
    """How often 5 fields with a rare label, of 100, are drawn in so many epochs."""
    images, _ = coded(100)
    truth = np.ones((100, 2), np.uint8)
    truth[5:, 1] = 0
    feed = Feed(images, truth, np.arange(100), config.Feed(draw="balanced", balance=balance), 0)
    counts: Counter[int] = Counter()
    for _ in range(epochs):
        assert len(drawn(feed)) == 100
        counts.update(drawn(feed))
        feed.on_epoch_end()
    return sum(counts[field] for field in range(5))


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_balanced_draws_rare_labels_as_often_as_their_shares_say(balance: float) -> None:
    """Within four standard deviations of the expectation; balance 0 draws all alike."""
    weight = 20**balance
    chance = 5 * weight / (95 + 5 * weight)
    spread = np.sqrt(5000 * chance * (1 - chance))
    assert rare_draws(balance) == pytest.approx(5000 * chance, abs=4 * spread)
