"""Each way to feed, by its name, from files to a trained network and its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpapipe import config
from hpapipe.config import STRATEGIES
from hpapipe.imageset.decode import read_field
from hpapipe.imageset.sources import open_source
from hpapipe.imageset.split import Split
from hpapipe.scoring.thresholds import Decision
from hpapipe.tasks import classification as task
from hpapipe.tasks.classifier import Classifier
from hpapipe.tracking import runs
from hpapipe.workflows.fold import Material, Trained, train_networks
from hpapipe.workflows.prepare import Prepared

CHANNELS = ("red", "green", "blue", "yellow")
FIELDS = 12


@pytest.fixture
def trained(store: Path, image_folder: Callable[..., Any]) -> Callable[..., tuple[Material, Trained]]:
    """Trains one epoch at 16 pixels on twelve fields of 32 with four channels, a third of which validates."""

    def train(strategy: str, **data: Any) -> tuple[Material, Trained]:
        options = {"channels": CHANNELS, "labels": ("a", "b", "c"), "size": 16, **data}
        sections = {"model": {"name": "model5"}, "fit": {"epochs": 1}, "data": options}
        recipe = config.parse({**sections, "feed": {"strategy": strategy, "batch_size": 4}})
        images = image_folder(("0", "1", "2", "0 1") * 3, **recipe.data.model_dump(include={"cut", *options}))
        prepared = Prepared(images, np.arange(FIELDS), 8, "0" * 12, ())
        split = Split(images.ids, np.arange(FIELDS) % 3)
        source = open_source(images, recipe.feed.source, store)
        material = Material(recipe, prepared, split, source)
        with runs.running("ways to feed", {}) as run:
            (found,) = train_networks(material, run)
        return material, found

    return train


def answered(material: Material, found: Trained, fields: list[np.ndarray]) -> np.ndarray:
    """What a Version of this network answers for fields as they are stored."""
    chosen = Decision("constant", np.full(3, 0.5), np.zeros((0, 3)))
    spec = task.spec(material.recipe, chosen, 8, [found.member])
    return Classifier((found.network,), spec).probabilities(fields)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_a_network_is_trained_as_it_will_answer(
    strategy: str, trained: Callable[..., tuple[Material, Trained]]
) -> None:
    """Its answers for the fields that it never saw are those of a Version, which is given whole fields."""
    material, found = trained(strategy)
    held_out = material.split.valid(0)
    assert found.answers.shape == (4, 3)
    assert np.ptp(found.answers, axis=0).max() > 1e-3  # the fields are told apart
    assert found.member.view.cut == ("corner" if strategy in ("original", "haltuf") else "whole")
    mixed = strategy in ("vitoly", "modified", "modified_loaded")
    layers = {layer.name for layer in found.network.layers}
    assert ("mix" in layers, "as_float" in layers) == (mixed, strategy in ("original", "haltuf"))
    stored = [read_field(material.prepared.images.paths(int(field))) for field in held_out]
    assert stored[0].shape == (32, 32, 4)
    np.testing.assert_allclose(answered(material, found, stored), found.answers, atol=1e-5)


def test_crops_at_random_places_are_answered_by_a_grid(trained: Callable[..., tuple[Material, Trained]]) -> None:
    """16×12 out of 24×20, nine a field."""
    material, found = trained("packed", cut="crops", size=(16, 12), field_size=(24, 20))
    assert material.images.shape == (FIELDS, 24, 20, 4)
    assert found.network.input_shape == (None, 16, 12, 4)
    assert len(found.member.view.origins) == 9
    stored = [read_field(material.prepared.images.paths(int(field))) for field in material.split.valid(0)]
    np.testing.assert_allclose(answered(material, found, stored), found.answers, atol=1e-5)
