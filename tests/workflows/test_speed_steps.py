"""What is measured of training steps, and when."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe import config
from hpapipe.imageset.feed import Feed
from hpapipe.workflows import speed_steps
from hpapipe.workflows.speed_steps import Clock, Endless, fed, measure_steps


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock, list[float]], int]:
    """Ends a step at each of these times, until the clock stops the training; returns the steps made."""

    def run(clock: Clock, times: list[float]) -> int:
        model = SimpleNamespace(stop_training=False)
        monkeypatch.setattr(Clock, "model", model)
        for number, now in enumerate(times):
            monkeypatch.setattr(speed_steps.time, "perf_counter", lambda now=now: now)
            clock.on_train_batch_end(number, {"loss": 1.0})
            if model.stop_training:
                return number + 1
        return len(times)

    return run


def test_time_is_cut_into_parts_after_the_warm_up(at: Any) -> None:
    """Two steps to warm up, then 6 s in three parts: four images a step, at first one step a second, then two."""
    clock = Clock(4, 2, 6.0, 3)
    assert at(clock, [50.0, 100.0, 101.0, 102.0, 103.0, 104.0, 104.5, 105.0, 105.5, 106.0, 106.5]) == 10
    assert clock.measured == [(2, 2.0), (2, 2.0), (4, 2.0)]
    assert clock.numbers() == {
        "images_per_second": 32 / 6,
        "images_per_second_low": 4.0,
        "images_per_second_high": 8.0,
        "seconds_per_batch": 0.75,
        "steps": 8.0,
    }


def test_a_step_longer_than_all_the_time_is_measured_once(at: Any) -> None:
    clock = Clock(4, 1, 6.0, 3)
    assert at(clock, [0.0, 10.0, 20.0]) == 2
    assert clock.measured == [(1, 10.0)]
    assert clock.numbers()["images_per_second_low"] == clock.numbers()["images_per_second_high"] == 0.4


@given(st.integers(1, 600), st.integers(0, 5000))
def test_whole_batches_are_fed_and_no_more_than_needed(batch_size: int, most: int) -> None:
    """A batch at least; otherwise no more than there are, and 64 fields up to the next whole batch."""
    count = fed(batch_size, most)
    assert count % batch_size == 0
    assert count == batch_size or count <= most
    assert count < speed_steps.FED + batch_size
    assert count >= min(speed_steps.FED, most - batch_size + 1)


def test_epochs_follow_one_another_without_an_end() -> None:
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    section = config.Feed(draw="shuffled", batch_size=2, flips=False, turns=False)
    feed = Feed(images, np.ones((6, 1), np.uint8), np.arange(6), section, seed=0)
    endless = Endless(feed)
    first, second = (np.stack([endless[number][0].ravel() for number in epoch]) for epoch in (range(3), range(3, 6)))
    assert sorted(first.ravel()) == sorted(second.ravel()) == list(range(6))
    assert (first != second).any()
    assert feed.epoch == 1
    assert endless.num_batches is None


@pytest.fixture
def tiny(image_folder: Callable[..., Any], tmp_path: Any) -> Callable[..., Any]:
    """(recipe, images) of twelve fields that differ in what feeds them."""
    images = image_folder(("0", "1", "2", "0 1") * 3)

    def make(**feed: Any) -> tuple[config.Recipe, Any]:
        recipe = config.parse(
            {
                "workspace": str(tmp_path / "workspace"),
                "data": images.data.model_dump(),
                "model": {"options": {"width": 4, "blocks": [1]}, "scaling": "range"},
                "feed": {"batch_size": 4, **feed},
                "speed": {"seconds": 0.02, "repeats": 2, "warmup_steps": 1},
            }
        )
        return recipe, images

    return make


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the fields that were asked for before the first training step."""
    asked: list[int] = []
    begun: list[bool] = []
    plain_open, plain_fit = speed_steps.open_source, keras.Model.fit

    class Watched:
        def __init__(self, source: Any) -> None:
            self.source, self.shape, self.dtype = source, source.shape, source.dtype

        def __len__(self) -> int:
            return len(self.source)

        def __getitem__(self, fields: Any) -> Any:
            if not begun:
                asked.extend(np.atleast_1d(fields).tolist())
            return self.source[fields]

    def fit(self: Any, *words: Any, **named: Any) -> Any:
        begun.append(True)
        return plain_fit(self, *words, **named)

    monkeypatch.setattr(speed_steps, "open_source", lambda *words: Watched(plain_open(*words)))
    monkeypatch.setattr(keras.Model, "fit", fit)
    return asked


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("source", ["packed", "cached"])
def test_steps_are_measured_once_all_fields_were_read(source: str, tiny: Any, read: list[int]) -> None:
    recipe, images = tiny(source=source, epoch_fields=1)
    numbers, facts = measure_steps(recipe, images, 9)
    assert set(range(8)) == set(read)  # of nine fields, two batches of four
    assert numbers["images_per_second_low"] <= numbers["images_per_second"] <= numbers["images_per_second_high"]
    assert numbers["images_per_second"] * numbers["seconds_per_batch"] == pytest.approx(4)
    assert numbers["memory_mib"] > 50
    assert numbers["parameters"] == 475
    assert facts == {"hpapipe.backend": "tensorflow", "hpapipe.precision": "float32", "hpapipe.device": "cpu"}
