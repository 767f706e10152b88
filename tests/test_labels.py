"""The 28 structures, and targets as text, indices and tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.labels import STRUCTURES, LabelSet, format_target, parse_target

TARGETS = st.lists(st.sets(st.integers(0, 27)).map(lambda indices: tuple(sorted(indices))))


def test_structures_stand_at_the_challenges_indices() -> None:
    """28 different names; some well-known ones at the indices of the challenge's table."""
    assert len(set(STRUCTURES)) == len(STRUCTURES) == 28
    known = {0: "Nucleoplasm", 7: "Golgi apparatus", 16: "Cytokinetic bridge", 25: "Cytosol", 27: "Rods & rings"}
    assert {index: STRUCTURES[index] for index in known} == known


def test_encode_sets_ones_at_the_indices() -> None:
    """By hand: two labels, none, one."""
    table = LabelSet(("a", "b", "c")).encode([(2, 0), (), (1,)])
    assert table.dtype == np.uint8
    assert table.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_encode_refuses_an_index_beyond_the_names() -> None:
    """Three names have no index 3."""
    with pytest.raises(IndexError):
        LabelSet(("a", "b", "c")).encode([(3,)])


@given(TARGETS)
def test_decode_inverts_encode(targets: list[tuple[int, ...]]) -> None:
    """Any table of targets comes back, in rising order."""
    labels = LabelSet(STRUCTURES)
    assert labels.decode(labels.encode(targets)) == targets


@given(TARGETS)
def test_text_of_targets_comes_back(targets: list[tuple[int, ...]]) -> None:
    """What `format_target` writes, `parse_target` and `LabelSet.read` read."""
    labels = LabelSet(STRUCTURES)
    texts = [format_target(indices) for indices in targets]
    assert [parse_target(text) for text in texts] == targets
    np.testing.assert_array_equal(labels.read(texts), labels.encode(targets))


def test_targets_as_the_challenge_writes_them() -> None:
    """Any order and any blanks are read; written is in rising order, by value and not as text."""
    assert parse_target(" 16  0 ") == (16, 0)
    assert format_target((16, 2, 0)) == "0 2 16"


def test_a_word_that_is_no_number_is_refused() -> None:
    """`parse_target` does not skip what it cannot read."""
    with pytest.raises(ValueError, match="x"):
        parse_target("0 x")


def test_length_is_the_number_of_names() -> None:
    """As many outputs as a model needs."""
    assert len(LabelSet(("a", "b"))) == 2
