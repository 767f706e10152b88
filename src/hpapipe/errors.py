"""Faults that a user can mend, told in one line each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class UserError(Exception):
    """Something a user can mend. The command line prints it without a traceback and exits with code 2.

    Args:
        rule: the rule that was broken, a full sentence.
        received: what was found instead, without a closing stop.
        remedy: what to do now, a full sentence.
        details: further lines, such as the checks that failed.
    """

    def __init__(self, rule: str, received: str, remedy: str, details: Sequence[str] = ()) -> None:
        self.lines: tuple[str, ...] = (f"{rule} Received {received}. {remedy}", *details)
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @classmethod
    def joined(cls, faults: Sequence[UserError], most: int = 20) -> UserError:
        """One error that tells all `faults` of a file at once, a line each, at most `most` of them."""
        together = cls.__new__(cls)
        lines = [line for fault in faults for line in fault.lines]
        left_out = len(lines) - most
        if left_out > 0:
            lines = [*lines[:most], f"… and {left_out} more faults of this kind."]
        together.lines = tuple(lines)
        Exception.__init__(together, str(together))
        return together


class AwayError(UserError):
    """A server or a database that does not answer. What was asked for may be right, and may succeed later."""


def nearest(word: str, words: Iterable[str]) -> str:
    """A sentence that names the nearest of `words`, or all of them where none is near."""
    known = list(words)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{close[0]}`?"
    return f"Known are {', '.join(f'`{name}`' for name in known)}."


def shown(values: Sequence[object], most: int = 5) -> str:
    """The first `most` of `values` in words, and how many more there are."""
    head = ", ".join(str(value) for value in values[:most])
    return head if len(values) <= most else f"{head} and {len(values) - most} more"
