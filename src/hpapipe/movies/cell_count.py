"""One cell or two: decided by evidence that gathers over frames, so that a doubtful frame changes nothing."""

from __future__ import annotations

from typing import Literal

Cells = Literal["auto", 1, 2]

TURN = 3
"""So many frames more for one answer than for the other make it the verdict; the first frame alone counts as many."""

SURE = 12
"""More evidence than this is not kept. Two cells once as sure as this stay two: one that is lost later has gone."""


class Count:
    """How many cells a pool holds.

    Args:
        cells: 1 or 2 where it is known, or `auto`.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells: int = 2 if cells == 2 else 1
        self._settled = cells != "auto"
        self._evidence: int | None = None

    def weigh(self, two: bool) -> bool:
        """Whether the verdict changes by what one frame shows.

        Args:
            two: two cells, rather than one, are seen in it.
        """
        if self._settled:
            return False
        vote = 1 if two else -1
        if self._evidence is None:
            self._evidence = TURN * vote
        else:
            self._evidence = max(-SURE, min(SURE, self._evidence + vote))
        self._settled = self._evidence == SURE
        before = self.cells
        if abs(self._evidence) >= TURN:
            self.cells = 2 if self._evidence > 0 else 1
        if self.cells != before:
            self._evidence = TURN * vote
        return self.cells != before
