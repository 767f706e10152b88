"""Folds: whole groups, each label its share, the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.imageset.split import Split, stratified
from hpapipe.labels import STRUCTURES, LabelSet

CHALLENGE = Path(__file__).parents[2] / ".." / "shared" / "data" / "kaggle" / "train.csv"


class Table(NamedTuple):
    """Fields, their labels and their groups."""

    truth: np.ndarray
    groups: np.ndarray
    folds: int

    def split(self, seed: int = 0) -> Split:
        ids = tuple(f"f{number}" for number in range(len(self.truth)))
        return stratified(ids, self.truth, self.groups, self.folds, seed)


def long_tailed(
    seed: int, fields: int, labels: int, folds: int = 5, grouped: bool = False, one_label: bool = False
) -> Table:
    """A random table: each label is about four fifths as frequent as the one before."""
    rng = np.random.default_rng(seed)
    share = 0.4 * 0.78 ** np.arange(labels)
    truth = (rng.random((fields, labels)) < share).astype(np.uint8)
    truth[truth.sum(1) == 0, 0] = 1
    if one_label:
        truth = np.eye(labels, dtype=np.uint8)[rng.choice(labels, fields, p=share / share.sum())]
    groups = rng.integers(0, max(fields // 2, 1), fields) if grouped else np.arange(fields)
    return Table(truth, groups, folds)


tables = st.builds(
    long_tailed,
    seed=st.integers(0, 2**32 - 1),
    fields=st.integers(1, 120),
    labels=st.integers(1, 12),
    folds=st.integers(2, 6),
    grouped=st.booleans(),
    one_label=st.booleans(),
)


def folds_with(table: Table, split: Split, label: int) -> int:
    return len(np.unique(split.folds[table.truth[:, label] > 0]))


def groups_with(table: Table, label: int) -> int:
    return len(np.unique(table.groups[table.truth[:, label] > 0]))


@given(tables, st.integers(0, 9))
def test_every_field_is_in_one_fold_and_groups_are_whole(table: Table, seed: int) -> None:
    """The folds part the set, and equal groups have equal folds."""
    split = table.split(seed)
    together = np.concatenate([split.valid(fold) for fold in range(table.folds)])
    assert sorted(together) == list(range(len(table.truth)))
    for fold in range(table.folds):
        assert sorted([*split.train(fold), *split.valid(fold)]) == list(range(len(table.truth)))
    for group in np.unique(table.groups):
        assert len(np.unique(split.folds[table.groups == group])) == 1


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_folds_are_about_equal(seed: int, grouped: bool) -> None:
    """Within a fourth of their share, although labels go before sizes."""
    table = long_tailed(seed, fields=300, labels=12, grouped=grouped)
    np.testing.assert_allclose(np.bincount(table.split().folds), np.full(5, 60), rtol=0.25)


@given(tables)
def test_no_fold_is_empty_where_groups_suffice(table: Table) -> None:
    """As many groups as folds are enough."""
    if len(np.unique(table.groups)) >= table.folds:
        assert np.bincount(table.split().folds, minlength=table.folds).min() > 0


@given(st.integers(1, 90), st.integers(2, 6), st.integers(0, 9))
def test_without_labels_folds_are_equal(fields: int, folds: int, seed: int) -> None:
    """Sizes at most one apart where nothing else matters."""
    split = Table(np.zeros((fields, 3), np.uint8), np.arange(fields), folds).split(seed)
    sizes = np.bincount(split.folds, minlength=folds)
    assert sizes.max() - sizes.min() <= 1


@given(tables)
def test_labels_of_their_own_fields_are_spread_evenly(table: Table) -> None:
    """Where each field is a group and has one label, each fold has its share of every label, rounded up or down."""
    truth = np.eye(table.truth.shape[1], dtype=np.uint8)[table.truth.argmax(1)]
    split = Table(truth, np.arange(len(truth)), table.folds).split()
    counts = np.stack([truth[split.valid(fold)].sum(0) for fold in range(table.folds)])
    assert (counts.max(0) - counts.min(0)).max() <= 1
    assert np.ptp(counts.sum(1)) <= truth.shape[1]


@given(tables)
def test_labels_with_groups_of_their_own_miss_no_fold(table: Table) -> None:
    """As many groups that hold no other label as folds are always enough, however the rest is entangled.

    More cannot be promised: three fields with the labels ab, bc and ca have two positives of each, and in two folds one
    label is always on one side.
    """
    split = table.split()
    held = np.stack([np.bincount(table.groups, column) for column in table.truth.T], axis=1) > 0
    alone = held[held.sum(1) == 1].sum(0)
    for label in np.flatnonzero(alone >= table.folds):
        assert folds_with(table, split, int(label)) == table.folds


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_labels_with_as_many_groups_as_folds_miss_no_fold(seed: int, grouped: bool) -> None:
    """Tables like the challenge's: 28 labels, from 40 % of the fields down to a handful, several a field."""
    table = long_tailed(seed, fields=150 + 20 * seed, labels=28, grouped=grouped)
    split = table.split()
    enough = [label for label in range(28) if groups_with(table, label) >= table.folds]
    assert len(enough) >= 8
    assert [label for label in enough if folds_with(table, split, label) < table.folds] == []


def test_rare_labels_pull_common_ones_along() -> None:
    """Two folds: the only two fields of label 3 also hold a rarer one each, and are parted although it fills a fold.

    A large group lies in one fold first (label 0). Room alone would send both fields to the other.
    """
    truth = np.zeros((12, 5), np.uint8)
    truth[0, [1, 3]] = truth[1, [2, 3]] = truth[2, 0] = 1
    truth[3:, 4] = 1
    for seed in range(20):
        split = Table(truth, np.array([0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9]), 2).split(seed)
        assert split.folds[0] != split.folds[1]


@pytest.mark.skipif(not CHALLENGE.is_file(), reason="the challenge's label table is not beside the project")
def test_the_challenges_structures_are_in_every_fold() -> None:
    """All 28, the rarest with 11 positives, in 5 folds: counts at most two apart."""
    rows = pd.read_csv(CHALLENGE)
    truth = LabelSet(STRUCTURES).read(list(rows["Target"]))
    split = stratified(tuple(rows["Id"]), truth, np.arange(len(rows)), 5, seed=0)
    counts = np.stack([truth[split.valid(fold)].sum(0) for fold in range(5)])
    assert len(rows) == 31072
    assert truth.sum(0).min() == 11
    assert counts.min() >= 2
    assert (counts.max(0) - counts.min(0)).max() <= 2
    np.testing.assert_allclose(np.bincount(split.folds), len(rows) / 5, rtol=0.05)


@settings(max_examples=30)
@given(tables, st.integers(0, 9))
def test_same_seed_same_split(table: Table, seed: int) -> None:
    """And the fingerprint says so."""
    one, other = table.split(seed), table.split(seed)
    np.testing.assert_array_equal(one.folds, other.folds)
    assert one.fingerprint == other.fingerprint


def test_another_seed_is_another_split() -> None:
    """Chance decides between equals."""
    table = long_tailed(0, 60, 5)
    assert len({table.split(seed).fingerprint for seed in range(5)}) == 5


def test_numbers_of_groups_do_not_matter() -> None:
    """Only which are equal: 7, 7, 900 is as 0, 0, 1."""
    truth = np.eye(3, dtype=np.uint8)[[0, 0, 1, 2, 2, 1]]
    small, large = np.array([0, 0, 1, 2, 3, 4]), np.array([7, 7, 900, 901, 5000, 5001])
    np.testing.assert_array_equal(Table(truth, small, 2).split().folds, Table(truth, large, 2).split().folds)


@given(st.permutations(range(6)))
def test_fingerprint_does_not_depend_on_order(order: list[int]) -> None:
    """It names which id is in which fold."""
    ids, folds = np.array(list("abcdef")), np.array([0, 1, 2, 0, 1, 2])
    one, other = Split(tuple(ids), folds), Split(tuple(ids[order]), folds[order])
    assert one.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 12


def test_fingerprint_tells_splits_apart() -> None:
    """Another fold of one field, or another field, is another split."""
    prints = {Split(ids, np.array(folds)).fingerprint for ids, folds in ((("a", "b"), (0, 1)), (("a", "b"), (1, 0)))}
    prints.add(Split(("a", "c"), np.array([0, 1])).fingerprint)
    assert len(prints) == 3


def test_train_valid_and_table_by_hand() -> None:
    """Numbers of fields, and the table that a run keeps."""
    split = Split(("a", "b", "c"), np.array([1, 0, 1]))
    assert (split.train(1).tolist(), split.valid(1).tolist()) == ([1], [0, 2])
    assert split.table().to_dict("list") == {"id": ["a", "b", "c"], "fold": [1, 0, 1]}
