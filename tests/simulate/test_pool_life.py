"""Pools over time: who lies in them and where, and the bubbles that are shed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.simulate.pool_life import ROOM, Pool, live

HOURS = np.arange(73) / 3
seeds = st.integers(0, 2**32 - 1)


def _lived(seed: int, square: bool = False, empty: float = 0, twins: float = 0.5, bubbling: float = 1) -> Pool:
    return live(np.random.default_rng(seed), HOURS, square, empty, twins, bubbling)


def _past_the_wall(place: np.ndarray, reach: np.ndarray, square: bool) -> float:
    """How far a circle sticks out of the pool at most; below 0 where it never does."""
    out = np.abs(place).max(-1) if square else np.hypot(*place.T)
    return float((out + reach).max() - 1)


@given(seed=seeds, square=st.booleans(), twins=st.sampled_from([0, 1]))
@settings(max_examples=30, deadline=None)
def test_blastocysts_and_their_zonas_stay_in_the_pool(seed: int, square: bool, twins: int) -> None:
    """In every frame, in round and square pools, alone and in pairs."""
    pool = _lived(seed, square, twins=twins)
    assert len(pool.cells) == 1 + twins
    for cell in pool.cells:
        reach = np.maximum(cell.edge(slice(None)).max(-1), cell.zona[:, 1])
        assert _past_the_wall(cell.centre, reach, square) < 0


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_two_blastocysts_hardly_touch(seed: int) -> None:
    """Their centres are never nearer than their outlines reach, but for what the two roam."""
    first, second = _lived(seed, twins=1).cells
    apart = np.hypot(*(first.centre - second.centre).T)
    assert (apart > first.edge(slice(None)).max(-1) + second.edge(slice(None)).max(-1) - 0.06).all()


@given(seed=seeds, square=st.booleans())
@settings(max_examples=30, deadline=None)
def test_bubbles_come_late_touch_at_first_and_stay_in_the_pool(seed: int, square: bool) -> None:
    """None in the first half; when one is first seen, no gap parts it from its blastocyst."""
    for bubble in _lived(seed, square).bubbles:
        seen = np.flatnonzero(bubble.radius)
        assert HOURS[seen[0]] >= HOURS[-1] / 2
        assert bubble.gap[seen[0]] == 0
        assert (bubble.gap >= 0).all()
        shown = bubble.radius > 0
        assert _past_the_wall(bubble.centre[shown], bubble.radius[shown], square) < 0


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_a_bubble_lies_beside_its_blastocyst(seed: int) -> None:
    """Its centre is as far from the blastocyst's as the outline there, the gap and its own radius add up to."""
    pool = _lived(seed)
    for bubble in pool.bubbles:
        cell = pool.cells[bubble.owner]
        out = np.hypot(*(bubble.centre - cell.centre).T)
        beyond = out - bubble.gap - bubble.radius * np.where(bubble.gap > 0, 1, 0.93)
        edges = cell.edge(slice(None))
        assert (beyond >= edges.min(-1) - 1e-9).all()
        assert (beyond <= edges.max(-1) + 1e-9).all()


def test_most_that_may_shed_do_and_some_bubbles_leave() -> None:
    """Over 30 pools there are bubbles in most, and gaps before the film ends."""
    pools = [_lived(seed, twins=0) for seed in range(30)]
    assert np.mean([bool(pool.bubbles) for pool in pools]) > 0.7
    gaps = [bubble.gap[-1] for pool in pools for bubble in pool.bubbles]
    assert np.mean(np.array(gaps) > 0.02) > 0.5
    assert max(bubble.radius.max() for pool in pools for bubble in pool.bubbles) < 0.3


def test_those_that_shed_have_left_their_zona() -> None:
    """A zona would hold the bubbles back."""
    for seed in range(10):
        assert all(not cell.zona.any() for cell in _lived(seed).cells)
    assert any(cell.zona.any() for seed in range(10) for cell in _lived(seed, bubbling=0).cells)


def test_chances_of_0_and_1_are_certain() -> None:
    """Empty pools hold dirt at most."""
    for seed in range(10):
        assert _lived(seed, empty=1).cells == _lived(seed, empty=1).bubbles == ()
        assert len(_lived(seed, twins=0).cells) == 1
        assert _lived(seed, bubbling=0).bubbles == ()


def test_dirt_lies_near_the_pools_edge() -> None:
    """Farther out than three fifths of the reach, and not beyond the wall's foot."""
    specks = np.concatenate([_lived(seed, square).specks for seed in range(20) for square in (False, True)])
    assert len(specks) > 30
    far = np.abs(specks[:, :2]).max(-1)
    assert np.hypot(*specks[:, :2].T).min() > 0.6
    assert far.max() < 1.15
    assert ROOM < 1
