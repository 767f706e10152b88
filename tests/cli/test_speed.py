"""`hpapipe speed`: what it prints and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpapipe.workflows import speed
from hpapipe.workflows.speed_cell import MEASURED, OUT_OF_MEMORY, Outcome

SMALL = ("--speed.architectures", "residual", "--speed.feeds", "packed", "--speed.batch_sizes", "2,4")


def test_it_tells_the_fastest_what_was_not_measured_and_what_next(
    recipe: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(recipe: Any, images: Any, most: int) -> Outcome:
        if recipe.feed.batch_size == 4:
            return Outcome(OUT_OF_MEMORY, "signal 9")
        rates = {"images_per_second": 7.5, "images_per_second_low": 7.0, "images_per_second_high": 8.0}
        return Outcome(MEASURED, "", {**rates, "parameters": 85.0})

    monkeypatch.setattr(speed, "measure_cell", measure)
    ended = hpapipe("speed", "--config", recipe, *SMALL)
    assert (ended.code, ended.err) == (0, "")
    assert ["residual", "packed", "2", "7.500"] in [line.split() for line in ended.out.splitlines()]
    assert "residual, packed, batch size 4: out of memory, signal 9\n" in ended.out
    assert ended.out.splitlines()[-1].startswith("Next: ")


def test_a_recipe_beside_resume_is_refused(recipe: Path, hpapipe: Any) -> None:
    ended = hpapipe("speed", "--resume", "abc", "--config", recipe)
    assert ended.code == 2
    assert "A resumed run keeps its recipe. Received --config beside --resume." in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--speed.feeds", "packd"), "Did you mean `packed`?"),
        (("--speed.architectures", "model99"), "`model.name` must be an architecture."),
        (("--speed.seconds", "0"), "`speed.seconds`"),
    ],
)
def test_a_faulty_study_is_refused_in_one_line(recipe: Path, hpapipe: Any, words: tuple[str, ...], told: str) -> None:
    ended = hpapipe("speed", "--config", recipe, *words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert told in ended.err
