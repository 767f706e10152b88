"""How fast networks answer, one beside the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def seconds(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, np.ndarray]:
    """The seconds of each call, float64 `[rounds]`, taken in turns: other work on the machine slows all of them alike.

    Args:
        calls: name -> what is timed; each is called once before.
        rounds: times that each is called.
    """
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - begun)
    return {name: np.asarray(each) for name, each in taken.items()}


def times_as_fast(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The median over the rounds of how many times as fast one was as another.

    Args:
        ours: seconds, as `seconds` gives them.
        theirs: of the other.
    """
    return float(np.median(theirs / ours))
