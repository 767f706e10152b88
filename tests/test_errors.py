"""Errors that a user can mend: their words, many at once, and the nearest known name."""

from __future__ import annotations

import pytest

from hpapipe.errors import UserError, nearest, shown


def fault(number: int) -> UserError:
    return UserError(f"Rule {number}.", f"case {number}", "Mend it.")


def test_one_line_says_rule_received_and_remedy() -> None:
    """In this order, as full sentences."""
    error = UserError("`Target` must hold indices 0 to 27.", "31 in row 7", "Correct the row.")
    assert str(error) == "`Target` must hold indices 0 to 27. Received 31 in row 7. Correct the row."


def test_details_follow_as_lines() -> None:
    """Each on its own line below."""
    error = UserError("A rule.", "a fault", "Mend it.", ["first", "second"])
    assert error.lines == ("A rule. Received a fault. Mend it.", "first", "second")
    assert str(error).splitlines() == list(error.lines)


def test_joined_tells_every_fault() -> None:
    """A line each, in order, and it is raised and caught as one error."""
    together = UserError.joined([fault(1), fault(2)])
    assert str(together) == "Rule 1. Received case 1. Mend it.\nRule 2. Received case 2. Mend it."
    with pytest.raises(UserError, match="Rule 2"):
        raise together


def test_joined_stops_at_the_most_and_counts_the_rest() -> None:
    """Exactly `most` are shown without a count; one more is counted."""
    assert len(UserError.joined([fault(number) for number in range(3)], most=3).lines) == 3
    lines = UserError.joined([fault(number) for number in range(5)], most=3).lines
    assert lines[:3] == tuple(fault(number).lines[0] for number in range(3))
    assert lines[3:] == ("… and 2 more faults of this kind.",)


def test_joined_keeps_the_kind_of_error() -> None:
    """A subclass joins to its own kind, so that callers can tell it apart."""

    class SpecialError(UserError):
        pass

    assert type(SpecialError.joined([fault(1)])) is SpecialError


def test_nearest_names_the_nearest() -> None:
    """A slip of the keyboard finds its word."""
    assert nearest("epoch", ["batch_size", "epochs", "loss"]) == "Did you mean `epochs`?"


def test_nearest_lists_all_where_none_is_near() -> None:
    """Nothing near: everything there is."""
    assert nearest("zzz", ["adam", "sgd"]) == "Known are `adam`, `sgd`."


@pytest.mark.parametrize(
    ("count", "words"), [(0, ""), (2, "0, 1"), (5, "0, 1, 2, 3, 4"), (7, "0, 1, 2, 3, 4 and 2 more")]
)
def test_shown_counts_what_it_leaves_out(count: int, words: str) -> None:
    """Five are shown; a count follows only where there are more."""
    assert shown(list(range(count))) == words
