"""Search spaces: what is read from recipes, what is refused, and recipes at their points."""

from __future__ import annotations

from typing import Any

import pytest

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.workflows.space import Dimension, at, grid, plain, read_space

SGD = {"when": {"fit.optimizer": "sgd"}}


def recipe_with(space: dict[str, Any], **sections: Any) -> Recipe:
    return config.parse({**sections, "tune": {"space": space}})


def faults(space: dict[str, Any], **sections: Any) -> tuple[str, ...]:
    with pytest.raises(UserError) as error:
        read_space(recipe_with(space, **sections))
    return error.value.lines


def test_choices() -> None:
    """Written as a list, or as a table where a condition stands beside them; one value of a condition is a list too."""
    space = {"fit.optimizer": ["adam", "sgd"], "fit.momentum": {"choices": [0, 0.9], **SGD}, "seed": {"choices": [1]}}
    read = read_space(recipe_with(space))
    assert read == (
        Dimension("fit.optimizer", ("adam", "sgd")),
        Dimension("seed", (1,)),
        Dimension("fit.momentum", (0, 0.9), when=(("fit.optimizer", ("sgd",)),)),
    )
    assert [each.values for each in read] == [["adam", "sgd"], [1], [0, 0.9]]
    assert not any(each.whole for each in read)


@pytest.mark.parametrize(
    ("option", "told", "whole", "values"),
    [
        ("fit.learning_rate", {"low": 0.001, "high": 0.1}, False, None),
        ("fit.learning_rate", {"low": 0.001, "high": 0.1, "log": True}, False, None),
        ("fit.epochs", {"low": 2, "high": 5}, True, [2, 3, 4, 5]),
        ("fit.epochs", {"low": 2, "high": 9, "step": 3}, True, [2, 5, 8]),
        ("fit.epochs", {"low": 2, "high": 3, "step": 5}, True, [2]),
        ("fit.epochs", {"low": 1, "high": 100, "log": True}, True, None),
        ("fit.momentum", {"low": 0, "high": 0.9}, False, None),
        ("fit.momentum", {"low": 0, "high": 0.9, "step": 0.45}, False, [0.0, 0.45, 0.9]),
        ("fit.momentum", {"low": 0, "high": 0.9, "step": 0.5}, False, [0.0, 0.5]),
        ("thresholds.constant", {"low": 0.1, "high": 0.3, "step": 0.1}, False, [0.1, 0.2, 0.3]),
        ("fit.focal_gamma", {"low": 1, "high": 2, "step": 0.5}, False, [1.0, 1.5, 2.0]),
    ],
)
def test_ranges(option: str, told: dict[str, Any], whole: bool, values: list[Any] | None) -> None:
    """Whole numbers where all that is written is whole; counted where there is a step, the high end only if met."""
    (read,) = read_space(recipe_with({option: told}))
    assert (read.whole, read.values) == (whole, values)
    assert [type(value) for value in read.values or ()] == [int if whole else float] * len(values or ())
    assert read.extremes == [told["low"], told["high"]]


@pytest.mark.parametrize(
    ("option", "told", "line"),
    [
        ("fit.optimzer", ["sgd"], "A searched option must be one of the recipe. Received `fit.optimzer`. "
         "Did you mean `fit.optimizer`?"),
        ("tune.trials", [1, 2], "A searched option must be one of the recipe. Received `tune.trials`. "),
        ("model.optoins.width", [8], "Received `model.optoins.width`. Did you mean `model.options`?"),
        ("fit.epochs", 5, "must be a list of choices, or low and high. Received `5`. Write [a, b], or {low: a, hi"),
        ("fit.epochs", {"lo": 2, "high": 9}, "must hold known words. Received `lo`. Did you mean `low`?"),
        ("fit.epochs", [], "must have choices. Received `[]`. Give a list of values."),
        ("fit.epochs", {"choices": 3}, "must have choices. Received `3`. Give a list of values."),
        ("fit.epochs", {"low": 2}, "must have a low end below its high end. Received low 2, high None. "),
        ("fit.epochs", {"low": 9, "high": 9}, "low end below its high end. Received low 9, high 9. "),
        ("fit.epochs", {"low": "2", "high": 9}, "low end below its high end. Received low 2, high 9. Give both as num"),
        ("fit.epochs", {"low": True, "high": 9}, "low end below its high end. Received low True, high 9. "),
        ("fit.focal_gamma", {"low": 1, "high": float("inf")}, "low end below its high end. Received low 1, high inf. "),
        ("fit.focal_gamma", {"low": float("nan"), "high": 1}, "low end below its high end. Received low nan, high 1. "),
        ("fit.epochs", {"low": 1, "high": 9, "step": 0}, "must have a step above 0. Received `0`. "),
        ("fit.epochs", {"low": 1, "high": 9, "step": "2"}, "must have a step above 0. Received `2`. "),
        ("fit.momentum", {"low": 0, "high": 0.9, "log": True}, "must begin above 0 and have no step. Received low 0, "),
        ("fit.epochs", {"low": 1, "high": 9, "log": True, "step": 2}, "have no step. Received low 1, step 2. "),
        ("fit.epochs", {"choices": [1], "when": "sgd"}, "must name options and their values. Received `sgd`. "),
        ("fit.epochs", {"choices": [1], "when": {"groups": 2}},
         "`when` must name a searched option. Received `groups` for `fit.epochs`. Known are `fit.epochs`."),
        ("fit.epochs", [1, 0], "must hold values that the recipe takes. Received `0`. `fit.epochs`: Input should be"),
        ("fit.momentum", {"low": 0, "high": 1}, "must hold values that the recipe takes. Received `1`. `fit.momentum`"),
        ("fit.momentum", {"low": -0.1, "high": 0.9}, "values that the recipe takes. Received `-0.1`. `fit.momentum`"),
        ("split.validate_on", [0, 5], "Received `5`. `split`: validate_on must be `each` or a fold from 0 to 4, not 5"),
    ],
)  # fmt: skip
def test_a_faulty_option_is_told_in_one_line(option: str, told: Any, line: str) -> None:
    """Names of options and words that do not exist, ranges without an end, and values that the recipe refuses."""
    (told_line,) = faults({option: told})
    assert line in told_line


def test_an_empty_space_is_refused() -> None:
    """It names where examples are."""
    assert faults({}) == (
        "A study must have a space to search. Received an empty `tune.space`. "
        "Name options and their ranges; see configs/tune/.",
    )


def test_all_faults_are_told_at_once() -> None:
    """A line each; a condition on an option that is faulty itself is no second fault."""
    lines = faults(
        {
            "fit.optimizer": ["adam", "sdg"],
            "fit.momentum": {"low": 0, "high": 0.9, **SGD},
            "fit.learning_rate": {"low": 1, "high": 0.1},
            "feed.drwa": ["shuffled"],
            "fit.decay": {"choices": [0], "when": {"fit.schedul": "inverse"}},
        }
    )
    assert [line.split(". ")[0] for line in lines] == [
        "`tune.space.fit.optimizer` must hold values that the recipe takes",
        "`tune.space.fit.learning_rate` must have a low end below its high end",
        "A searched option must be one of the recipe",
        "`when` must name a searched option",
    ]


def test_a_circle_of_conditions_is_refused() -> None:
    """Those in it are named, those beside it are not."""
    space = {
        "fit.loss": ["focal"],
        "fit.momentum": {"choices": [0, 0.5], "when": {"fit.beta_1": 0.9}},
        "fit.beta_1": {"choices": [0.8, 0.9], "when": {"fit.momentum": 0}},
    }
    (line,) = faults(space)
    assert "must not lead in a circle. Received `fit.momentum`, `fit.beta_1`. Leave one" in line


def test_options_come_after_those_that_they_depend_on() -> None:
    """Wherever they are written; else in the order of the recipe."""
    space = {
        "fit.momentum": {"low": 0, "high": 0.9, **SGD},
        "fit.epochs": [1, 2],
        "fit.optimizer": {"choices": ["adam", "sgd"], "when": {"fit.schedule": ["constant"]}},
        "fit.schedule": ["constant", "cosine"],
    }
    names = [dimension.option for dimension in read_space(recipe_with(space))]
    assert names == ["fit.epochs", "fit.schedule", "fit.optimizer", "fit.momentum"]


def test_values_are_tried_where_they_are_searched() -> None:
    """A value that the recipe takes under the option's own condition alone is no fault."""
    space = {"model.weights": [None, "imagenet"], "model.frozen": {"choices": [True, False]}}
    (line,) = faults(space)
    assert "Received `True`. `model`: frozen needs weights" in line
    space["model.frozen"] = {"choices": [True, False], "when": {"model.weights": "imagenet"}}
    assert grid(read_space(recipe_with(space))) == [
        {"model.weights": None},
        {"model.weights": "imagenet", "model.frozen": True},
        {"model.weights": "imagenet", "model.frozen": False},
    ]


def test_a_point_changes_its_options_alone() -> None:
    """Options of the network among them; the recipe stays as it is."""
    recipe = recipe_with({}, model={"options": {"width": 8, "dropout": 0.1}}, fit={"epochs": 7})
    changed = at(recipe, {"model.options.width": 4, "data.size": [64, 32], "fit.learning_rate": 0.5})
    before, after = config.flatten(recipe), config.flatten(changed)
    assert {name: value for name, value in after.items() if value != before[name]} == {
        "model.options.width": 4,
        "data.size": [64, 32],
        "fit.learning_rate": 0.5,
    }
    assert recipe.model.options == {"width": 8, "dropout": 0.1}


def test_a_point_with_another_way_to_feed_is_fed_so() -> None:
    """A strategy stands for other options; what the recipe or the point says itself comes before it."""
    recipe = recipe_with({}, feed={"flips": False, "batch_size": 4})
    assert at(recipe, {"feed.strategy": "packed"}).feed == recipe.feed
    fed = at(recipe, {"feed.strategy": "vitoly", "feed.batch_size": 8})
    assert (fed.feed.source, fed.feed.draw, fed.feed.flips, fed.feed.batch_size) == ("files", "replacement", False, 8)
    assert fed.model.scaling == "range"
    assert at(recipe, {"feed.strategy": "vitoly", "feed.draw": "shuffled"}).feed.draw == "shuffled"


def test_values_that_do_not_fit_one_another_are_refused() -> None:
    with pytest.raises(UserError, match="validate_on must be `each` or a fold from 0 to 1, not 4"):
        at(recipe_with({}), {"split.folds": 2, "split.validate_on": 4})


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        ("sgd", "sgd"), (3, 3), (0.5, 0.5), (True, True), (None, None),
        ([64, 32], "[64, 32]"), ({"width": 8}, '{"width": 8}'),
        ([["red", "green"], ["blue"]], '[["red", "green"], ["blue"]]'),
    ],
)  # fmt: skip
def test_lists_and_tables_are_kept_by_their_text(choice: object, kept: object) -> None:
    assert plain(choice) == kept
    assert type(plain(choice)) is type(kept)
