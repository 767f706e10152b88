"""What kind of film of blastocysts to draw."""

from __future__ import annotations

from dataclasses import dataclass

from hpapipe.errors import UserError

LARGEST = 1024
"""Pixels that a frame's side may have at most."""

_LIMITS: dict[str, tuple[float, float]] = {
    "frames": (1, 2000),
    "rows": (1, 32),
    "columns": (1, 32),
    "pool": (40, LARGEST),
    "pixel_um": (0.05, 20),
    "minutes": (0.1, 240),
    "empty": (0, 1),
    "twins": (0, 1),
    "bubbling": (0, 1),
    "turn": (0, 10),
    "drift": (0, 64),
}


@dataclass(frozen=True)
class FilmOptions:
    """What kind of film to draw.

    Args:
        frames: of the film; 145 are a day at 10 minutes.
        rows: of pools.
        columns: of pools.
        pool: pixels of a frame for each pool, so that a frame is `rows * pool` by `columns * pool`.
        pixel_um: side of a pixel in µm.
        minutes: from frame to frame.
        square: square pools, else round ones.
        bits: 8 or 16 of a pixel; white is 255 or 65,535.
        empty: chance of each pool to be empty.
        twins: chance of two blastocysts in a pool that is not.
        bubbling: chance of each blastocyst to shed bubbles in the film's second half.
        turn: largest angle of the grid in degrees.
        drift: farthest that the stage gets from where it began, in pixels.

    Raises:
        UserError: for values outside the limits, all at once.
    """

    frames: int = 145
    rows: int = 4
    columns: int = 4
    pool: int = 80
    pixel_um: float = 2.0
    minutes: float = 10.0
    square: bool = False
    bits: int = 8
    empty: float = 1 / 16
    twins: float = 0.25
    bubbling: float = 0.3
    turn: float = 3.0
    drift: float = 6.0

    def __post_init__(self) -> None:
        faults = [
            UserError(
                f"`{name}` of a simulated film must be {low:g} to {high:g}.",
                f"{getattr(self, name)!r}",
                "Give a value within.",
            )
            for name, (low, high) in _LIMITS.items()
            if not low <= getattr(self, name) <= high
        ]
        if self.bits not in (8, 16):
            faults.append(UserError("`bits` of a simulated film must be 8 or 16.", f"{self.bits}", "Give one of them."))
        if max(self.shape) > LARGEST:
            rule = f"The sides of a simulated frame must have {LARGEST:,} pixels at most."
            faults.append(UserError(rule, f"{self.shape[0]}×{self.shape[1]}", "Lower `pool`, `rows` or `columns`."))
        if faults:
            raise UserError.joined(faults)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame in pixels."""
        return self.rows * self.pool, self.columns * self.pool
