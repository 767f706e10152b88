"""The labels that one network answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpapipe.config import parse
from hpapipe.labels import LabelSet
from hpapipe.tasks.part import Part, parts_of

LABELS = {"labels": ["a", "b", "c", "d"]}
TRUTH = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], np.uint8)


def parts(groups: Any = (), **data: Any) -> tuple[Part, ...]:
    return parts_of(parse({"data": LABELS | data, "groups": groups}))


def test_without_groups_one_part_answers_all() -> None:
    """It has no name, and the truth is its target."""
    (part,) = parts()
    assert part == Part((0, 1, 2, 3), LabelSet(("a", "b", "c", "d")), "")
    assert (part.outputs, part.two_way, part.one_output) == (4, False, False)
    np.testing.assert_array_equal(part.targets(TRUTH), TRUTH)


def test_exactly_one_label_is_one_output() -> None:
    """A softmax over all labels, not over absent and present."""
    (part,) = parts(one_label=True)
    assert (part.outputs, part.two_way, part.one_output, part.label_set.one_label) == (4, False, True, True)


def test_a_group_answers_its_own_columns() -> None:
    """In its own order: labels d and a of a table of four."""
    part = parts([[3, 0], [1, 2]])[0]
    assert (part.columns, part.label_set.names) == ((3, 0), ("d", "a"))
    assert (part.outputs, part.two_way, part.one_output) == (2, False, False)
    targets = part.targets(TRUTH)
    assert (targets.dtype, targets.tolist()) == (np.uint8, [[0, 1], [0, 0], [0, 0]])
    scores = np.array([[0.2, 0.7]], np.float32)
    np.testing.assert_array_equal(part.scores(scores), scores)


def test_a_single_label_is_answered_by_its_absence_and_presence() -> None:
    """Two outputs, exactly one of which is true; the second is the label's probability."""
    part = parts([[2], [0, 1, 3]])[0]
    assert (part.outputs, part.two_way, part.one_output) == (2, True, True)
    targets = part.targets(TRUTH)
    assert (targets.dtype, targets.tolist()) == (np.uint8, [[0, 1], [0, 1], [1, 0]])
    assert part.scores(np.array([[0.25, 0.75], [0.5, 0.5]])).tolist() == [[0.75], [0.5]]


def test_a_single_learned_label_is_such_a_part_too() -> None:
    """Without groups, and without a name."""
    (part,) = parts(learn="c")
    assert part == Part((0,), LabelSet(("c",)), "")
    assert part.two_way


@pytest.mark.parametrize(
    ("groups", "data", "names"),
    [
        ([[0], [1, 2, 3]], {}, ["label 0", "labels 1 to 3"]),
        ([[2, 0], [1], [3]], {}, ["labels 2, 0", "label 1", "label 3"]),
        ([[0, 2], [1, 3]], {}, ["labels 0, 2", "labels 1, 3"]),
        (2, {}, ["labels 0 to 1", "labels 2 to 3"]),
        ([["0..3"]], {}, ["labels 0 to 3"]),
        ([[1], [3]], {"learn": "d,b"}, ["label 1", "label 3"]),
        (2, {"learn": "d,b,c"}, ["labels 3, 1", "label 2"]),
    ],
)
def test_parts_are_named_by_the_label_table(groups: Any, data: dict[str, Any], names: list[str]) -> None:
    """Whatever is learned of it; no two parts are named alike, since a resumed run finds its parts by name."""
    assert [part.name for part in parts(groups, **data)] == names


def test_parts_make_up_the_whole() -> None:
    """Each label in one part, under its own name."""
    found = parts([[3, 0], [2], [1]])
    names = {column: name for part in found for column, name in zip(part.columns, part.label_set.names, strict=True)}
    assert names == dict(enumerate("abcd"))
