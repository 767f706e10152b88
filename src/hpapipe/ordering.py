"""The order in which people expect names."""

from __future__ import annotations

import re


def natural(name: str) -> tuple[list[str | int], str]:
    """What names are sorted by, so that frame2 comes before frame10."""
    parts: list[str | int] = re.split(r"([0-9]+)", name.casefold())
    parts[1::2] = [int(number) for number in parts[1::2]]
    return parts, name
