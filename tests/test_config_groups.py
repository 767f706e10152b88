"""Labels that have a network of their own: how groups are written, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.config import load, parse
from hpapipe.errors import UserError

HALVES = (tuple(range(14)), tuple(range(14, 28)))
FOUR = {"labels": ["a", "b", "c", "d"]}


def fault(tree: dict[str, Any]) -> str:
    """The only line of the error that `tree` raises."""
    with pytest.raises(UserError) as caught:
        parse(tree)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    "text",
    [
        "[[0..13], [14..27]]",
        "[[0..13],[14..27]]",
        "[['0..13'], ['14 .. 27']]",
        "[[0, 1..12, 13], [14..14, 15..27]]",
        f"[{list(range(14))}, {list(range(14, 28))}]",
        "2",
    ],
)
def test_halves_as_typed(text: str) -> None:
    """Ranges, whose ends are included, single indices, or the number of groups."""
    assert load(None, {"groups": text}).parts == HALVES


@pytest.mark.parametrize("text", ["null", "[]"])
def test_no_groups_are_one_part(text: str) -> None:
    """One network answers all; taken away again beside a command."""
    recipe = load(None, {"groups": text})
    assert recipe.groups == ()
    assert recipe.parts == (tuple(range(28)),)


@given(st.integers(2, 28))
def test_a_number_of_groups_is_as_even_as_can_be(count: int) -> None:
    """All labels in order, sizes at most one apart."""
    parts = parse({"groups": count}).parts
    assert [column for part in parts for column in part] == list(range(28))
    sizes = {len(part) for part in parts}
    assert len(parts) == count
    assert max(sizes) - min(sizes) <= 1


def test_groups_keep_their_order() -> None:
    """Of groups and within them."""
    assert parse({"data": FOUR, "groups": [[3, 0], [2], [1]]}).parts == ((3, 0), (2,), (1,))


def test_groups_name_places_in_the_table_and_parts_what_is_learned() -> None:
    """Labels 3 and 1 are learned as columns 0 and 1."""
    data = {**FOUR, "learn": ["d", "b"]}
    assert parse({"data": data, "groups": [[1], [3]]}).parts == ((1,), (0,))
    assert parse({"data": data, "groups": 2}).parts == ((0,), (1,))
    assert parse({"data": data}).parts == ((0, 1),)


@pytest.mark.parametrize("groups", [[["0..1"], [3, 2]], 3, [[0, 1, 2, 3]], []])
def test_groups_survive_their_own_dump(groups: Any) -> None:
    """What a run keeps of its recipe gives the same recipe back."""
    recipe = parse({"data": FOUR, "groups": groups})
    assert parse(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([[0, 1, 2], [2, 3]], "groups that overlap: label 2 stands in them more than once"),
        ([["0..2"], ["1..3"]], "groups that overlap: label 1, 2 stands in them more than once"),
        ([[0, 0, 1], [2, 3]], "groups that overlap: label 0 stands"),
        ([[0], [2]], "groups that leave out the labels 1, 3"),
        ([["0..4"]], "groups with 4, which is no label that is learned"),
        (5, "5 groups for 4 labels"),
    ],
    ids=["overlap", "ranges", "twice", "left out", "unknown", "too many"],
)
def test_groups_must_part_the_labels(groups: Any, words: str) -> None:
    """Each label in exactly one group."""
    line = fault({"data": FOUR, "groups": groups})
    assert line.startswith(f"The options of a recipe must fit one another. Received {words}")


def test_a_label_that_is_not_learned_is_in_no_group() -> None:
    """Nor is one missed that is not learned."""
    line = fault({"data": {**FOUR, "learn": "a,b"}, "groups": [[0], [1, 2]]})
    assert "groups with 2, which is no label that is learned" in line


def test_exactly_one_label_cannot_be_grouped() -> None:
    """A softmax over some of them would have to say none."""
    assert "exactly one (data.one_label: true)" in fault({"data": {"one_label": True}, "groups": 2})


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (1, "groups must be 2 or more, or none"),
        (0, "groups must be 2 or more, or none"),
        (-2, "groups must be 2 or more, or none"),
        (2.5, "groups must be a number, or lists of label indices"),
        ("halves", "groups must be a number, or lists of label indices"),
        (["0..13", "14..27"], "groups must be a number, or lists of label indices"),
        ([[0, 1], 2], "groups must be a number, or lists of label indices"),
        ([["Nucleoli"], [1]], "groups must hold label indices, or ranges of them such as 0..13, not Nucleoli"),
        ([["0-13"], ["14..27"]], "not 0-13"),
        ([[-1], [0]], "not -1"),
        ([["13..0"], ["14..27"]], "not 13..0"),
        ([["0..9999999999"]], "not 0..9999999999"),
        ([[], ["0..27"]], "groups must hold a label each, and one of them is empty"),
        (True, "groups must be 2 or more, or none"),
    ],
)
def test_groups_of_another_form_are_refused(groups: Any, words: str) -> None:
    """In one line under the option's own name, with the form that it must have."""
    line = fault({"groups": groups})
    assert line.startswith("`groups`: ")
    assert words in line
