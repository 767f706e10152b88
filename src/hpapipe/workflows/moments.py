"""How a network's weights are distributed at the moments of its training, kept where a resumed training finds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import keras

from hpapipe.config import Recipe
from hpapipe.models.weights import kernels, suffix_paths
from hpapipe.plots.weights import END, START, SUFFIX, WHOLE, Distribution, Moment, weights_moment


def record(recipe: Recipe, network: keras.Model, place: Path, epoch: int) -> dict[str, float]:
    """Keep the distributions of this moment in `place`, and return the numbers to log; none where none are due.

    The start is kept once: a resumed training has that of its very start.

    Args:
        recipe: `fit.weights_every` and `score.weight_bound`.
        network: with the weights of this moment.
        place: the training's folder.
        epoch: that has just ended; 0: the start.
    """
    every, path = recipe.fit.weights_every, place / f"weights-epoch-{epoch:04d}.json"
    due = (every > 0 and epoch % every == 0) if epoch else not path.exists()
    if not due:
        return {}
    moment = moment_of(recipe, network)
    place.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps({name: asdict(found) for name, found in moment.items()}))
    part.replace(path)
    return {f"weights/{name}": number for name, number in beyond(moment).items()}


def recorded(recipe: Recipe, network: keras.Model, place: Path) -> dict[str, Moment]:
    """`start`, `epoch 5`, … as kept in `place`, and `end`: the weights that `network` has now."""
    moments: dict[str, Moment] = {}
    for path in sorted(place.glob("weights-epoch-*.json")):
        epoch = int(path.stem.removeprefix("weights-epoch-"))
        kept = json.loads(path.read_text())
        read = {name: Distribution(**{**found, "counts": tuple(found["counts"])}) for name, found in kept.items()}
        moments[f"epoch {epoch}" if epoch else START] = read
    return moments | {END: moment_of(recipe, network)}


def moment_of(recipe: Recipe, network: keras.Model) -> dict[str, Distribution]:
    """The distributions of the weights that `network` has now."""
    return weights_moment(kernels(network), suffix_paths(network), recipe.score.weight_bound)


def beyond(moment: Mapping[str, Distribution]) -> dict[str, float]:
    """`beyond_bound` and, where there is a suffix, `beyond_bound_suffix`: weights that have run away."""
    names = {WHOLE: "beyond_bound", SUFFIX: "beyond_bound_suffix"}
    return {names[part]: found.beyond for part, found in moment.items()}
