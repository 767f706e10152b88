"""The cells of a speed study, and what each would train with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from hpapipe import config
from hpapipe.config import STRATEGIES, Recipe
from hpapipe.errors import UserError
from hpapipe.workflows.speed_plan import cells, given, subject, subject_key, training_fields, with_strategy


def parsed(**sections: Any) -> Recipe:
    return config.parse(sections)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_feed_is_the_recipe_with_that_strategy_typed_beside_it(strategy: str) -> None:
    """Whatever the recipe's own strategy stands for is left behind."""
    for own in STRATEGIES:
        recipe = parsed(feed={"strategy": own, "batch_size": 7}, fit={"epochs": 3})
        assert with_strategy(recipe, strategy) == parsed(
            feed={"strategy": strategy, "batch_size": 7}, fit={"epochs": 3}
        )


def test_an_option_of_the_recipe_comes_before_every_feed() -> None:
    recipe = parsed(feed={"flips": True}, model={"scaling": "standard"})
    original = with_strategy(recipe, "original")
    assert (original.feed.flips, original.feed.turns, original.feed.source) == (True, False, "files")
    assert (original.model.scaling, original.data.cut) == ("standard", "corner")


@drawn(st.sampled_from(list(STRATEGIES)), st.booleans(), st.sampled_from(["range", "batch"]))
def test_what_a_recipe_says_itself_reads_as_the_same_recipe(strategy: Any, flips: bool, scaling: str) -> None:
    """So a resumed study has the cells that it began with."""
    recipe = parsed(feed={"strategy": strategy, "flips": flips}, model={"scaling": scaling})
    again = config.parse(given(recipe))
    assert again == recipe
    assert given(again) == given(recipe)
    assert cells(again) == cells(recipe)


def test_feeds_that_a_complete_recipe_makes_alike_are_refused() -> None:
    """Every option is given in it, so a strategy has nothing left to set."""
    complete = config.parse(parsed().model_dump(mode="json"))
    with pytest.raises(UserError, match=r"`packed` and `original`, which come to the same.*feed\.source"):
        cells(complete)


def test_cells_go_by_architecture_and_feed_with_rising_batch_sizes() -> None:
    recipe = parsed(speed={"architectures": "model15,residual", "feeds": "packed,haltuf", "batch_sizes": [8, 2, 8]})
    assert [cell.name for cell in cells(recipe)] == [
        f"{architecture}, {feed}, {size}"
        for architecture in ("model15", "residual")
        for feed in ("packed", "haltuf")
        for size in (2, 8)
    ]
    last = cells(recipe)[-1].recipe
    assert last is not None
    assert (last.model.name, last.feed.strategy, last.feed.source, last.feed.batch_size) == (
        "residual",
        "haltuf",
        "cached",
        8,
    )


def test_options_and_weights_belong_to_the_architecture_of_the_recipe_alone() -> None:
    model = {"name": "residual", "options": {"width": 4}, "weights": "imagenet", "frozen": True}
    recipe = parsed(model=model, speed={"architectures": "residual,model15", "feeds": "packed", "batch_sizes": 2})
    own, other = (cell.recipe.model for cell in cells(recipe) if cell.recipe)
    assert own == recipe.model
    assert (other.name, other.options, other.weights, other.frozen) == ("model15", {}, None, False)


def test_a_mix_of_channels_that_are_not_there_has_no_recipe_but_a_reason() -> None:
    recipe = parsed(
        data={"channels": ["red", "green", "blue"]}, speed={"feeds": "packed,vitoly", "architectures": "residual"}
    )
    planned = cells(recipe)
    assert {cell.feed for cell in planned if cell.recipe is None} == {"vitoly"}
    assert all("the channel yellow" in cell.reason for cell in planned if cell.feed == "vitoly")


@pytest.mark.parametrize(
    ("speed", "model", "told"),
    [
        ({"architectures": "residul"}, {}, "Did you mean `residual`"),
        ({"feeds": "packd"}, {}, "Did you mean `packed`"),
        ({"architectures": "residual"}, {"options": {"widht": 3}}, "Did you mean `width`"),
    ],
)
def test_unknown_names_are_refused_before_anything_is_measured(speed: Any, model: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        cells(parsed(speed=speed, model=model))


def test_equal_subjects_are_equally_fast_and_batch_size_is_no_part_of_them() -> None:
    small, large = parsed(feed={"batch_size": 2}), parsed(feed={"batch_size": "fastest"})
    assert subject_key(small) == subject_key(large)
    others = [
        parsed(model={"name": "model15"}),
        parsed(model={"options": {"width": 4}}),
        parsed(data={"size": 64}),
        parsed(data={"channels": ["red", "green"]}),
        parsed(model={"mix": [["red", "green"]]}),
        parsed(feed={"strategy": "original"}),
        parsed(feed={"source": "files"}),
    ]
    assert len({subject_key(recipe) for recipe in [small, *others]}) == 8
    assert subject(others[1]) == "residual, width 4, 128×128 pixels (whole), 4 channels, feed packed (packed)"


def test_a_fold_less_than_all_fields_trains() -> None:
    """10 fields in 3 folds: the largest has 4."""
    assert training_fields(parsed(split={"folds": 3}), 10) == 6
