"""Weights to begin with: which words name a Version, and a training that begins with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.workflows.pretrained import check_weights, find_weights


@pytest.mark.parametrize("weights", ["models:/cells", "models:/cells@", "models:/cells/x", "models:/a/b/3", "models:/"])
def test_a_version_is_named_by_alias_or_number(weights: str) -> None:
    """Anything else is refused before anything is decoded."""
    with pytest.raises(UserError, match=r"must be named `models:/NAME@ALIAS` or `models:/NAME/NUMBER`"):
        check_weights(weights)


@pytest.mark.parametrize("weights", [None, "imagenet", "models:/cells@champion", "models:/cells/3"])
def test_what_may_be_there_passes(weights: str | None) -> None:
    """Whether it is there is seen when it is loaded."""
    check_weights(weights)


def test_a_missing_file_is_refused() -> None:
    """Before the images are read."""
    with pytest.raises(UserError, match=r"gone.keras`, which does not exist"):
        check_weights("gone.keras")


@pytest.mark.parametrize("weights", [None, "imagenet", "body.h5"])
def test_other_words_are_left_to_the_models(weights: str | None) -> None:
    """Nothing is loaded for them."""
    assert find_weights(weights) == weights


def test_a_version_that_is_not_there(store: Path) -> None:
    """Told with its name and alias."""
    with pytest.raises(UserError, match=r"none of `cells` as champion"):
        find_weights("models:/cells@champion")


def test_the_network_of_a_version(trained: Any) -> None:
    """The first of its networks, with the weights that it was registered with."""
    network = find_weights("models:/small/1")
    assert isinstance(network, keras.Model)
    assert np.isfinite(network.predict(np.zeros((1, 32, 32, 2), np.uint8), verbose=0)).all()


@pytest.mark.whole
def test_training_goes_on_from_a_version_with_its_body_frozen(
    trained: Any, hpapipe: Callable[..., Any], tmp_path: Path
) -> None:
    """The new Version's body is the old one's; its head is not."""
    from hpapipe.models.weights import base

    options = ("--model.weights", "models:/small/1", "--model.frozen", "true", "--fit.learning_rate", "0.1")
    ended = hpapipe("train", "--config", trained.recipe, *options)
    assert ended.code == 0, ended.err
    old, new = find_weights("models:/small/1"), find_weights("models:/small/2")
    assert isinstance(old, keras.Model)
    assert isinstance(new, keras.Model)
    for one, other in zip(base(old), base(new), strict=True):
        for before, after in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(after, before)
    assert (old.get_layer("head").get_weights()[0] != new.get_layer("head").get_weights()[0]).any()


def test_frozen_without_weights_is_refused(hpapipe: Callable[..., Any]) -> None:
    """In one line, with exit code 2."""
    ended = hpapipe("train", "--model.frozen", "true")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "frozen needs weights" in ended.err
