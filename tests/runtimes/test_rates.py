"""Calls are timed in turns."""

from __future__ import annotations

import numpy as np
import pytest

from hpapipe.runtimes import rates
from hpapipe.runtimes.rates import seconds, times_as_fast


def test_calls_take_turns_after_one_to_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each as often as there are rounds; what a call takes is what the clock says."""
    order: list[str] = []
    now = [0.0]

    def call(name: str, takes: float) -> None:
        order.append(name)
        now[0] += takes

    monkeypatch.setattr(rates.time, "perf_counter", lambda: now[0])
    taken = seconds({"a": lambda: call("a", 2.0), "b": lambda: call("b", 3.0)}, 3)
    assert "".join(order) == "ab" * 4
    assert {name: each.tolist() for name, each in taken.items()} == {"a": [2.0] * 3, "b": [3.0] * 3}


def test_a_round_that_other_work_slowed_counts_as_any_other() -> None:
    """Both took ten times as long in the second: still twice as fast."""
    assert times_as_fast(np.array([1.0, 10.0, 1.5]), np.array([2.0, 20.0, 3.0])) == 2.0
