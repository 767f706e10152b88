"""The points that grids have, those of the recipes that ship among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.models.build import check_options
from hpapipe.workflows.space import at, grid, read_space

CONFIGS = Path(__file__).parents[2] / "configs"
PRETRAINED = [
    "densenet121", "efficientnetv2b0", "model12", "model14", "model16", "model18", "resnet34", "resnet50",
]  # fmt: skip

SGD = {"when": {"fit.optimizer": "sgd"}}
ADAM = {"when": {"fit.optimizer": ["adam", "adamw"]}}


def points(space: dict[str, Any]) -> list[dict[str, Any]]:
    return grid(read_space(config.parse({"tune": {"space": space}})))


def test_a_grid_has_every_point_once() -> None:
    """An option is left out where its condition is not met, and its values make no further points there."""
    found = points(
        {
            "fit.optimizer": ["adam", "adamw", "sgd"],
            "fit.momentum": {"choices": [0, 0.9], **SGD},
            "fit.beta_1": {"choices": [0.8, 0.9], **ADAM},
        }
    )
    assert found == [
        {"fit.optimizer": "adam", "fit.beta_1": 0.8},
        {"fit.optimizer": "adam", "fit.beta_1": 0.9},
        {"fit.optimizer": "adamw", "fit.beta_1": 0.8},
        {"fit.optimizer": "adamw", "fit.beta_1": 0.9},
        {"fit.optimizer": "sgd", "fit.momentum": 0},
        {"fit.optimizer": "sgd", "fit.momentum": 0.9},
    ]


def test_conditions_reach_through_one_another() -> None:
    """What depends on an option that is not searched itself is not searched either; both values of `when` count."""
    found = points(
        {
            "fit.schedule": ["inverse", "constant"],
            "fit.optimizer": {"choices": ["sgd", "adam"], "when": {"fit.schedule": "inverse"}},
            "fit.momentum": {"choices": [0, 0.5], **SGD},
            "fit.decay": {"choices": [0, 1], "when": {"fit.optimizer": "sgd", "fit.schedule": "inverse"}},
        }
    )
    assert [len(point) for point in found] == [4, 4, 4, 4, 2, 1]
    assert found[-2:] == [{"fit.schedule": "inverse", "fit.optimizer": "adam"}, {"fit.schedule": "constant"}]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("fit.learning_rate", {"low": 0.1, "high": 0.3}),
        ("fit.epochs", {"low": 1, "high": 9, "log": True}),
    ],
)
def test_a_range_that_cannot_be_counted_has_no_grid(option: str, told: dict[str, Any]) -> None:
    with pytest.raises(UserError) as error:
        points({"fit.optimizer": ["sgd"], option: told})
    received = f"Received a range for `{option}`. Give `choices`, or a `step`."
    assert str(error.value) == f"A grid must have values that can be counted. {received}"


DECIMALS = st.integers(0, 800).map(lambda number: number / 1000)
RANGES = st.tuples(DECIMALS, DECIMALS, st.integers(1, 500).map(lambda number: number / 1000))


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["adam", "adamw", "sgd"]), min_size=1, max_size=3),
    st.lists(st.sampled_from([0, 0.5, 0.9]), min_size=1, max_size=3),
    st.integers(1, 4),
    RANGES,
)
def test_every_point_is_accepted_and_unique(
    optimizers: list[str], momenta: list[float], most: int, ends: tuple[float, float, float]
) -> None:
    """Whatever lists, with values that stand in them twice, ranges and steps; none lies beyond its range."""
    low, high, step = ends
    assume(low < high)
    assume((high - low) / step < 12)
    recipe = config.parse(
        {
            "tune": {
                "space": {
                    "fit.warmup": {"low": low, "high": high, "step": step},
                    "fit.momentum": {"choices": momenta, **SGD},
                    "fit.optimizer": optimizers,
                    "model.options.blocks": [[1] * count for count in range(1, most + 1)],
                }
            }
        }
    )
    space = read_space(recipe)
    found = grid(space)
    assert len({json.dumps(point, sort_keys=True) for point in found}) == len(found)
    steps = len({point["fit.warmup"] for point in found})
    assert steps == round((high - low) * 1000) // round(step * 1000) + 1
    branches = len(set(optimizers) - {"sgd"}) + ("sgd" in optimizers) * len(set(momenta))
    assert len(found) == steps * branches * most
    for point in found:
        assert low <= point["fit.warmup"] <= high
        assert ("fit.momentum" in point) == (point["fit.optimizer"] == "sgd")
    values = config.flatten(at(recipe, found[-1]))
    assert {option: values[option] for option in found[-1]} == found[-1]


SHIPPED: dict[str, dict[str, list[Any]]] = {
    "model5": {
        "fit.learning_rate": [0.1, 1, 10], "fit.momentum": [0, 0.9], "model.options.units": [10, 100],
    },
    "model6": {
        "fit.learning_rate": [0.1, 1], "fit.momentum": [0, 0.5],
        "model.options.units": [2, 10], "model.options.filters": [4, 10],
    },
    "model7": {"model.options.units": [2, 10], "model.options.filters": [4, 10], "seed": [0, 1, 2, 3]},
    "model8": {"fit.learning_rate": [0.01, 0.1, 1], "fit.beta_1": [0.8, 0.9], "fit.epsilon": [0.1, 1]},
}  # fmt: skip
"""What was searched."""

FIXED: dict[str, dict[str, Any]] = {
    "model5": {"fit.optimizer": "sgd", "fit.schedule": "inverse", "fit.decay": 1e-6, "data.size": [100, 100]},
    "model6": {"fit.optimizer": "sgd", "fit.schedule": "constant", "data.size": [512, 512]},
    "model7": {"fit.optimizer": "adam", "fit.learning_rate": 0.001, "model.options.l2": 0.01, "data.size": [512, 512]},
    "model8": {"fit.optimizer": "adam", "fit.beta_2": 0.999, "data.size": [512, 512]},
}
"""What stayed the same."""


@pytest.mark.parametrize(("name", "count"), [("model5", 12), ("model6", 16), ("model7", 16), ("model8", 12)])
def test_the_grids_that_ship(name: str, count: int) -> None:
    """Each has all its points, with the values of the source, and each point is a network that can be asked for."""
    recipe = config.load(CONFIGS / f"{name}.yaml")
    assert (recipe.model.name, recipe.tune.study) == (name, name)
    assert (recipe.tune.sampler, recipe.tune.pruner) == ("grid", "none")
    found = grid(read_space(recipe))
    assert len(found) == count
    for option, searched in SHIPPED[name].items():
        assert sorted({point[option] for point in found}) == searched
    for point in found:
        assert set(point) == set(SHIPPED[name])
        values = config.flatten(at(recipe, point))
        assert FIXED[name].items() <= values.items()
        assert point.items() <= values.items()
        check_options(name, at(recipe, point).model.options)


def test_the_study_of_simulated_cells_is_readable() -> None:
    space = read_space(config.load(CONFIGS / "tune.yaml"))
    assert [dimension.option for dimension in space] == [
        "fit.learning_rate", "fit.optimizer", "feed.batch_size", "feed.draw", "fit.loss", "fit.momentum",
    ]  # fmt: skip
    assert space[-1].when == (("fit.optimizer", ("sgd",)),)


def test_the_pretrained_recipes_are_all_of_them() -> None:
    loaded = {path.stem: config.load(path) for path in CONFIGS.glob("*.yaml")}
    assert sorted(name for name, recipe in loaded.items() if recipe.model.weights) == PRETRAINED


@pytest.mark.parametrize("name", PRETRAINED)
def test_the_space_for_pretrained_networks_fits_each(name: str) -> None:
    """It stands instead of the recipe's section `tune`; Adam's options and momentum are never searched together."""
    recipe = config.load(CONFIGS / f"{name}.yaml", {"tune.workers": "2"}, space=CONFIGS / "tune" / "pretrained.yaml")
    assert (recipe.tune.trials, recipe.tune.workers) == (40, 2)
    space = read_space(recipe)
    assert len(space) == 9
    for optimizer, asked in {"adam": 3, "adamw": 3, "sgd": 1}.items():
        depending = [each for each in space if each.when and each.asked({"fit.optimizer": optimizer})]
        assert len(depending) == asked
