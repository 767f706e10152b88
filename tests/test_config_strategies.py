"""Options of a recipe that stand for others, or that must fit others: ways to feed, crops, mixing, labels to learn."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from hpapipe.config import STRATEGIES, Data, Feed, Recipe, changed, load, options, parse
from hpapipe.errors import UserError
from hpapipe.sections import Strategy

ALL_FOUR = {"channels": ["red", "green", "blue", "yellow"]}


def fault(tree: dict[str, Any]) -> str:
    """The only line of the error that `tree` raises."""
    with pytest.raises(UserError) as caught:
        parse(tree)
    (line,) = str(caught.value).splitlines()
    return line


def value(recipe: Recipe, dotted: str) -> Any:
    section, option = dotted.split(".")
    return getattr(getattr(recipe, section), option)


def test_every_strategy_has_its_options() -> None:
    """No name passes the recipe and means nothing, and none is hidden from it; each sets options that there are."""
    assert set(STRATEGIES) == set(get_args(Strategy))
    known = {name for name, *_ in options()}
    assert {f"{name}.{option}" for way in STRATEGIES.values() for name in way for option in way[name]} <= known


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("packed", ("packed", "balanced", True, True, "standard", "whole", 0)),
        ("original", ("files", "in_order", False, False, "batch", "corner", 0)),
        ("haltuf", ("cached", "in_order", False, False, "batch", "corner", 0)),
        ("vitoly", ("files", "replacement", True, True, "range", "whole", 3)),
        ("modified", ("cached", "replacement", True, True, "range", "whole", 3)),
        ("modified_loaded", ("loaded", "replacement", True, True, "range", "whole", 3)),
    ],
)
def test_what_each_strategy_stands_for(strategy: str, expected: tuple[Any, ...]) -> None:
    """Source, draw, flips, turns, scaling, cut, and how many inputs are mixed."""
    recipe = parse({"feed": {"strategy": strategy}})
    feed, model, data = recipe.feed, recipe.model, recipe.data
    found = (feed.source, feed.draw, feed.flips, feed.turns, model.scaling, data.cut, len(model.mix))
    assert (feed.strategy, found) == (strategy, expected)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_a_strategy_changes_nothing_else(strategy: str) -> None:
    """All other options have their defaults."""
    recipe, meant = parse({"feed": {"strategy": strategy}}), STRATEGIES[strategy]
    set_by_it = {f"{name}.{option}" for name in meant for option in meant[name]} | {"feed.strategy"}
    for dotted, _, default, _ in options():
        if "." in dotted and dotted not in set_by_it:
            assert value(recipe, dotted) == default, dotted


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"feed": {"draw": "shuffled"}}, {"feed.draw": "shuffled", "feed.source": "files", "data.cut": "corner"}),
        ({"feed": {"flips": True}}, {"feed.flips": True, "feed.turns": False}),
        ({"data": {"cut": "whole", "size": 64}}, {"data.cut": "whole", "model.scaling": "batch"}),
        ({"model": {"scaling": "range"}}, {"model.scaling": "range", "data.cut": "corner"}),
        ({"model": None, "data": {}}, {"model.scaling": "batch", "data.cut": "corner"}),
    ],
    ids=["draw", "flips", "cut", "scaling", "empty sections"],
)
def test_what_is_given_comes_before_the_strategy(given: dict[str, Any], kept: dict[str, Any]) -> None:
    """Option by option, also where the default is given by hand; the rest is filled in, and what was read stays."""
    tree = {**given, "feed": {"strategy": "original", **given.get("feed", {})}}
    before = repr(tree), repr(STRATEGIES)
    recipe = parse(tree)
    assert {dotted: value(recipe, dotted) for dotted in kept} == kept
    assert (repr(tree), repr(STRATEGIES)) == before


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_a_strategy_is_filled_in_once(strategy: str) -> None:
    """What a run keeps of its recipe gives the same recipe back, also where options stand against the strategy."""
    for given in ({}, {"draw": "balanced", "source": "packed", "flips": False, "turns": True}):
        recipe = parse({"feed": {"strategy": strategy, **given}})
        again = parse(recipe.model_dump(mode="json"))
        assert again == recipe
        assert again.fingerprint == recipe.fingerprint


def test_a_strategy_as_typed() -> None:
    """Beside a command, and with an option that stands against it."""
    recipe = load(None, {"feed.strategy": "haltuf", "feed.draw": "shuffled"})
    assert (recipe.feed.source, recipe.feed.draw, recipe.data.cut) == ("cached", "shuffled", "corner")


@pytest.mark.parametrize("word", ["orignal", "", "3"])
def test_an_unknown_strategy_is_refused(word: str) -> None:
    """With all that there are."""
    line = fault({"feed": {"strategy": word}})
    assert line.startswith("`feed.strategy`: ")
    assert "'modified_loaded'" in line


@pytest.mark.parametrize("feed", ["vitoly", ["strategy"], 3])
def test_a_section_that_is_none_is_refused(feed: object) -> None:
    """Its strategy is not looked for."""
    assert "`feed`" in fault({"feed": feed})


def test_changed_keeps_all_but_what_is_said() -> None:
    """Options that a strategy filled in stay as they are: they are the recipe's own by now."""
    recipe = parse({"feed": {"strategy": "original"}, "data": {"size": 64}, "groups": 4})
    other = changed(recipe, {"answer.turns": "true", "seed": "7"})
    assert (other.answer.turns, other.seed) == (True, 7)
    assert other.model_copy(update={"answer": recipe.answer, "seed": recipe.seed}) == recipe
    assert not recipe.answer.turns
    assert changed(recipe, {}) == recipe


def test_changed_refuses_as_a_recipe_does() -> None:
    """All faults at once, and options that no longer fit one another."""
    with pytest.raises(UserError) as caught:
        changed(Recipe(), {"fit.epoch": "3", "seed": "-1"})
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(UserError, match=r"crops of size \(64, 64\) must fit into field_size \(32, 32\)"):
        changed(parse({"data": {"cut": "crops", "size": 64}}), {"data.field_size": "32"})


@pytest.mark.parametrize("text", ["8", "fastest", "1"])
def test_a_batch_size_is_a_number_or_the_fastest(text: str) -> None:
    """As typed."""
    assert load(None, {"feed.batch_size": text}).feed.batch_size == (int(text) if text.isdigit() else text)


@pytest.mark.parametrize("text", ["0", "-3", "fast", "2.5", "true", "[8]"])
def test_any_other_batch_size_is_refused(text: str) -> None:
    """In one line that names both."""
    with pytest.raises(UserError) as caught:
        load(None, {"feed.batch_size": text})
    (line,) = str(caught.value).splitlines()
    assert line.startswith("`feed.batch_size`: batch_size must be a whole number of 1 or more, or `fastest`.")


def test_an_epoch_has_at_least_one_field() -> None:
    """Or as many as there are."""
    assert Feed().epoch_fields is None
    assert fault({"feed": {"epoch_fields": 0}}).startswith("`feed.epoch_fields`: ")


@pytest.mark.parametrize(
    ("size", "field_size", "fits"),
    [(32, 32, True), ((16, 32), (16, 40), True), (33, 32, False), ((16, 41), (40, 40), False)],
)
def test_crops_fit_into_their_field(size: Any, field_size: Any, fits: bool) -> None:
    """In both directions; where nothing is cropped, `field_size` has no say."""
    data = {"size": size, "field_size": field_size}
    assert Data(**data).cut == "whole"
    if fits:
        assert parse({"data": {**data, "cut": "crops"}}).data.cut == "crops"
    else:
        line = fault({"data": {**data, "cut": "crops"}})
        assert line.startswith("`data`: crops of size ")
        assert "must fit into field_size" in line


@pytest.mark.parametrize(
    ("text", "mix"),
    [
        ("[[red, yellow], [blue]]", (("red", "yellow"), ("blue",))),
        ('["red,yellow", blue]', (("red", "yellow"), ("blue",))),
    ],
)
def test_channels_to_mix_as_typed(text: str, mix: Any) -> None:
    """A list of words, or words between commas, for each input."""
    assert load(None, {"model.mix": text}).model.mix == mix


def test_only_channels_that_are_read_can_be_mixed() -> None:
    """`vitoly` and its kin mix yellow."""
    line = fault({"feed": {"strategy": "vitoly"}, "data": {"channels": "red,green,blue"}})
    assert "Received model.mix with the channel yellow, where data.channels are red, green, blue" in line
    assert fault({"model": {"mix": [[]]}}).startswith("`model.mix`: ")
    assert parse({"feed": {"strategy": "vitoly"}, "data": ALL_FOUR}).model.mix[2] == ("blue",)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"learn": "Nucleolus"}, "learn must name labels, not Nucleolus (Did you mean `Nucleoli`?)."),
        ({"learn": "Nucleoli,Nucleoli"}, "no name may stand twice"),
        ({"learn": "Nucleoli", "one_label": True}, "learn needs labels that may be several"),
    ],
    ids=["unknown", "twice", "one label"],
)
def test_what_cannot_be_learned_is_refused(given: dict[str, Any], rule: str) -> None:
    """In one line."""
    assert rule in fault({"data": given})


def test_labels_to_learn_keep_their_order_and_their_places() -> None:
    """In the order given; none are all."""
    data = parse({"data": {"labels": "a,b,c,d", "learn": "d,b"}}).data
    assert (data.label_set.names, data.indices) == (("d", "b"), (3, 1))
    data = parse({"data": {"labels": "a,b,c,d"}}).data
    assert (data.label_set.names, data.indices) == (("a", "b", "c", "d"), (0, 1, 2, 3))
