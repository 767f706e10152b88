"""Splits by pool: no pool is ever on both sides, and folds have alike areas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.imageset.split import grouped

frames = st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), min_size=1, max_size=80)


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"f{number}" for number in range(count))


@given(frames, st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_no_pool_is_ever_on_both_sides(rows: list[tuple[int, float]], folds: int, seed: int) -> None:
    """Whatever the pools, areas, folds and seed; every frame is in one fold, and none is empty where pools suffice."""
    pools = [f"r{pool}c1" for pool, _ in rows]
    split = grouped(ids(len(rows)), pools, np.array([area for _, area in rows]), folds, seed)
    for fold in range(folds):
        train, valid = split.train(fold), split.valid(fold)
        assert {pools[index] for index in train}.isdisjoint(pools[index] for index in valid)
        assert sorted([*train, *valid]) == list(range(len(rows)))
    assert len(np.unique(split.folds)) == min(folds, len(set(pools)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400), st.integers(2, 6), st.integers(0, 9))
def test_single_images_give_equal_folds(areas: list[float], folds: int, seed: int) -> None:
    """At most one apart, in sets of any size."""
    split = grouped(ids(len(areas)), ids(len(areas)), np.array(areas), folds, seed)
    assert np.ptp(np.bincount(split.folds, minlength=folds)) <= 1


@pytest.mark.parametrize("seed", range(20))
def test_fifteen_images_in_five_folds(seed: int) -> None:
    """Three each: one of the five smallest, one of the five middle and one of the five largest."""
    areas = np.random.default_rng(seed).random(15)
    split = grouped(ids(15), ids(15), areas, 5, seed)
    ranks = np.argsort(np.argsort(areas)) // 5
    for fold in range(5):
        assert sorted(ranks[split.valid(fold)]) == [0, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_sixteen_pools_of_ten_frames(seed: int) -> None:
    """Folds of three pools, one of four; their mean areas are nearer to one another than those of shuffled folds."""
    rng = np.random.default_rng(seed)
    pools = np.repeat(np.arange(16), 10)
    areas = rng.random(16)[pools] + rng.normal(0, 0.02, 160)
    folds = grouped(ids(160), [f"p{pool:02d}" for pool in pools], areas, 5, seed).folds
    assert sorted(np.bincount(folds)) == [30, 30, 30, 30, 40]
    by_chance = [rng.permutation(folds[::10])[pools] for _ in range(200)]
    assert apart(areas, folds) < 0.75 * np.mean([apart(areas, each) for each in by_chance])


def apart(areas: np.ndarray, folds: np.ndarray) -> float:
    """Spread of the folds' mean areas."""
    return float(np.std(np.bincount(folds, areas) / np.bincount(folds)))


def test_same_seed_same_split() -> None:
    """And another seed another one."""
    areas = np.linspace(0, 1, 30)
    assert grouped(ids(30), ids(30), areas, 5, 1).fingerprint == grouped(ids(30), ids(30), areas, 5, 1).fingerprint
    assert len({grouped(ids(30), ids(30), areas, 5, seed).fingerprint for seed in range(5)}) == 5
