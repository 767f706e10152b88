"""The weights that a recipe begins with, where another run's Version may hold them."""

from __future__ import annotations

import re

import keras

from hpapipe.errors import UserError
from hpapipe.models.weights import IMAGENET, check_file
from hpapipe.tracking import registry

VERSION = "models:/"


def check_weights(weights: str | None) -> None:
    """Refuse what `find_weights` could not find, as far as can be told without loading anything.

    Raises:
        UserError: neither `imagenet`, nor a file that exists, nor the form of a Version.
    """
    if weights is not None and weights.startswith(VERSION):
        _parts(weights)
    elif weights not in (None, IMAGENET):
        check_file(str(weights))


def find_weights(weights: str | None) -> str | keras.Model | None:
    """What `models.weights.load` takes: the recipe's own words, or the first network of the Version that they name.

    Args:
        weights: `model.weights` of a recipe.

    Raises:
        UserError: there is no such Version.
    """
    if weights is None or not weights.startswith(VERSION):
        return weights
    model, _, _ = registry.load(*_parts(weights))
    network: keras.Model = model.unwrap_python_model().version.networks[0]
    return network


def _parts(weights: str) -> tuple[str, str]:
    """(registered model, alias or number)."""
    found = re.fullmatch(r"models:/([^/@]+)(?:@([^/@]+)|/([0-9]+))", weights)
    if not found:
        remedy = "Write an alias such as `@champion`, or a number such as `/3`."
        raise UserError(
            "A Version must be named `models:/NAME@ALIAS` or `models:/NAME/NUMBER`.", f"`{weights}`", remedy
        )
    return found[1], found[2] or found[3]
