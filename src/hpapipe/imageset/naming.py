"""How files are named: the pattern of `data.files`, read in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hpapipe.errors import UserError

if TYPE_CHECKING:
    from hpapipe.config import Data

E = TypeVar("E")

NOTES = "._"
"""How the files begin that macOS writes beside others, under their names, to disks and into archives."""


class Named(NamedTuple):
    """What a file's name says.

    Args:
        id: the field.
        channel: number of the channel.
    """

    id: str
    channel: int


class Names:
    """One pattern of file names.

    Args:
        pattern: relative path with `{id}` and `{channel}`.
        channels: words that may stand for `{channel}`.
    """

    def __init__(self, pattern: str, channels: Sequence[str]) -> None:
        self.parts, self.channels = PurePosixPath(pattern).parts, tuple(channels)
        self.pattern = "/".join(self.parts)
        self._numbers = {channel: number for number, channel in enumerate(self.channels)}
        self._levels = [re.compile(_form(self.parts[: depth + 1], channels)) for depth in range(len(self.parts))]
        self._anywhere = re.compile("(?:.*/)?" + _form(self.parts, channels), re.DOTALL)

    def match(self, path: str) -> Named | None:
        """The field and channel of a file with this relative path; none: it is not named so."""
        return self._named(self._levels[-1].fullmatch(path))

    def match_end(self, path: str) -> Named | None:
        """The same of a path whose last parts are named so, whatever folders they lie in."""
        noted = path.rpartition("/")[2].startswith(NOTES)
        return None if noted else self._named(self._anywhere.fullmatch(path))

    def file(self, name: str, channel: int) -> str:
        """The file of channel number `channel` of the field `name`."""
        return self.pattern.replace("{id}", name).replace("{channel}", self.channels[channel])

    def walk(self, entries: Callable[[str], Iterable[tuple[str, E]]]) -> Iterator[tuple[Named, str, E]]:
        """Every file below a folder that is named so: what its name says, its path, and what is known of it.

        Only folders that the pattern leads through are entered.

        Args:
            entries: from a relative path (empty: the folder itself) to the names in it and what is known of each;
                nothing where there is no such folder.
        """
        yield from self._walk(entries, "", 0)

    def _walk(
        self, entries: Callable[[str], Iterable[tuple[str, E]]], above: str, depth: int
    ) -> Iterator[tuple[Named, str, E]]:
        for name, known in entries(above):
            path = f"{above}/{name}" if above else name
            match = None if name.startswith(NOTES) else self._levels[depth].fullmatch(path)
            if match and depth + 1 < len(self.parts):
                yield from self._walk(entries, path, depth + 1)
            elif match and (named := self._named(match)):
                yield named, path, known

    def _named(self, match: re.Match[str] | None) -> Named | None:
        return Named(match["id"], self._numbers[match["channel"]]) if match else None


def patterns(data: Data) -> list[Names]:
    """The patterns that files of a folder may have: the last parts of `data.files` that tell field and channel apart,
    as images that were never trained on lie in a folder of their own; then all of `data.files`.
    """
    parts = PurePosixPath(data.files).parts
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    short = next(tail for tail in reversed(tails) if "{id}" in tail and "{channel}" in tail)
    return [Names(pattern, data.channels) for pattern in dict.fromkeys((short, "/".join(parts)))]


def refuse_lacking(found: Iterable[int], data: Data, source: str, others: str) -> None:
    """Raise a UserError where no field has a file of some channel.

    Args:
        found: numbers of the channels that were seen.
        data: the recipe's section.
        source: that was looked through, for messages.
        others: what it holds instead, for where no channel was seen.
    """
    seen = set(found)
    lacking = [name for number, name in enumerate(data.channels) if number not in seen]
    if not lacking:
        return
    rule = f"There must be images named {patterns(data)[0].pattern} for the channels {', '.join(data.channels)}."
    present = ", ".join(data.channels[number] for number in sorted(seen))
    received = f"{present} but no {', '.join(lacking)} in {source}" if present else f"{others} in {source}"
    raise UserError(rule, received, "Rename the files, or set `data.files` or `data.channels`.")


def _form(parts: Sequence[str], channels: Sequence[str]) -> str:
    """A regular expression of a path; a word that the pattern holds again must be the same again."""
    # The longest channel first and the shortest id: `a_dark_red` is the channel `dark_red` of `a` where there is one.
    words = "|".join(re.escape(channel) for channel in sorted(channels, key=len, reverse=True))
    forms = {"{id}": "(?P<id>[^/]+?)", "{channel}": f"(?P<channel>{words})"}
    written = []
    for part in re.split(r"(\{id\}|\{channel\})", "/".join(parts)):
        written.append(forms.get(part, re.escape(part)))
        if part in forms:
            forms[part] = f"(?P={part[1:-1]})"
    return "".join(written)
