"""What is kept of the weights while a network is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from hpapipe.config import Recipe
from hpapipe.models.weights import MIX
from hpapipe.workflows import moments

Network = Callable[..., keras.Model]


@pytest.fixture
def network() -> Network:
    """A body of one layer, a suffix and a head, with 2, 4 and 2 kernel weights of these values."""

    def made(body: float, suffix: float, head: float, frozen: bool = False) -> keras.Model:
        model = keras.Sequential(
            [
                keras.layers.Dense(2, name="body", trainable=not frozen),
                keras.layers.Dense(2, name="suffix_dense"),
                keras.layers.Dense(1, name="head"),
            ]
        )
        model.build((None, 1))
        for layer, value in zip(model.layers, (body, suffix, head), strict=True):
            layer.kernel.assign(np.full(layer.kernel.shape, value))
        return model

    return made


def recipe(every: int = 0, bound: float = 1.0) -> Recipe:
    return Recipe.model_validate({"fit": {"weights_every": every}, "score": {"weight_bound": bound}})


def test_suffix_and_head_are_a_part_of_the_whole(network: Network) -> None:
    """Frozen layers are counted too."""
    for frozen in (False, True):
        moment = moments.moment_of(recipe(), network(3, 2, 0, frozen))
        assert {part: (found.weights, found.beyond) for part, found in moment.items()} == {
            "whole model": (8, 6),
            "suffix": (6, 4),
        }


def test_a_training_has_its_start_and_its_end(network: Network, tmp_path: Path) -> None:
    """Nothing in between where nothing is asked for."""
    place = tmp_path / "runs" / "fold-0"
    assert moments.record(recipe(), network(0, 0, 5), place, 0) == {
        "weights/beyond_bound": 2,
        "weights/beyond_bound_suffix": 2,
    }
    for epoch in (1, 2):
        assert moments.record(recipe(), network(9, 9, 9), place, epoch) == {}
    found = moments.recorded(recipe(), network(0, 2, 0), place)
    assert list(found) == ["start", "end"]
    assert found["start"] == moments.moment_of(recipe(), network(0, 0, 5))
    assert found["end"] == moments.moment_of(recipe(), network(0, 2, 0))


def test_every_so_many_epochs_are_kept_in_the_order_of_time(network: Network, tmp_path: Path) -> None:
    """With the number beyond the recipe's bound at each."""
    asked = recipe(every=2, bound=0.5)
    numbers = [moments.record(asked, network(epoch / 10, 0, 0), tmp_path, epoch) for epoch in range(13)]
    assert [epoch for epoch, found in enumerate(numbers) if found] == [0, 2, 4, 6, 8, 10, 12]
    assert [found["weights/beyond_bound"] for found in numbers if found] == [0, 0, 0, 2, 2, 2, 2]
    found = moments.recorded(asked, network(0, 0, 0), tmp_path)
    assert list(found) == ["start", *(f"epoch {epoch}" for epoch in (2, 4, 6, 8, 10, 12)), "end"]
    assert found["epoch 10"]["whole model"].max == 1


def test_a_resumed_training_keeps_the_very_start_and_does_its_last_epoch_again(
    network: Network, tmp_path: Path
) -> None:
    """The start of the first attempt stays; an epoch that was kept but not finished is kept anew."""
    asked = recipe(every=1)
    moments.record(asked, network(0.25, 0, 0), tmp_path, 0)
    moments.record(asked, network(0.5, 0, 0), tmp_path, 1)
    assert moments.record(asked, network(7, 0, 0), tmp_path, 0) == {}
    assert moments.record(asked, network(0.75, 0, 0), tmp_path, 1) != {}
    found = moments.recorded(asked, network(0, 0, 0), tmp_path)
    assert [moment["whole model"].max for moment in found.values()] == [0.25, 0.75, 0]


def test_a_folder_without_a_start_has_the_end_alone(network: Network, tmp_path: Path) -> None:
    """A training that an earlier hpapipe began can still be finished."""
    assert list(moments.recorded(recipe(), network(0, 0, 0), tmp_path / "none")) == ["end"]


def test_the_mixing_of_channels_is_no_weight() -> None:
    """The recipe sets it, and it never changes."""
    model = keras.Sequential([keras.layers.Dense(2, name=MIX, trainable=False), keras.layers.Dense(1, name="head")])
    model.build((None, 3))
    assert moments.moment_of(recipe(), model)["whole model"].weights == 2


def test_a_network_without_a_suffix_has_one_number() -> None:
    model = keras.Sequential([keras.layers.Dense(1, name="body")])
    model.build((None, 1))
    model.layers[0].kernel.assign([[-2.0]])
    assert moments.beyond(moments.moment_of(recipe(), model)) == {"beyond_bound": 1}
