"""What is derived from recipes: the list of options, flat names, fingerprints; and the project's own recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.config import Recipe, Section, flatten, load, options, parse

RECIPES = sorted((Path(__file__).parents[1] / "configs").rglob("*.yaml"))


def leaves(section: type[Section], prefix: str = "") -> list[str]:
    """Dotted names of every option, found apart from `options`."""
    found = []
    for name, field in section.model_fields.items():
        inner = field.annotation
        nested = isinstance(inner, type) and issubclass(inner, Section)
        found += leaves(inner, f"{prefix}{name}.") if nested else [prefix + name]  # type: ignore[arg-type]
    return found


def test_every_option_is_listed_once_with_type_default_and_help() -> None:
    """The list behind `hpapipe recipe` is complete."""
    listed = list(options())
    assert [name for name, *_ in listed] == leaves(Recipe)
    assert len({name for name, *_ in listed}) == len(listed)
    assert [name for name, kind, _, meaning in listed if not (kind and len(meaning) >= 5)] == []
    by_name = {name: (kind, default) for name, kind, default, _ in listed}
    assert by_name["fit.epochs"] == ("int", Recipe().fit.epochs)
    assert by_name["fit.optimizer"] == ("'adam', 'adamw', 'sgd', 'rmsprop'", Recipe().fit.optimizer)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fit.epochs", "int"),
        ("data.folder", "str | None"),
        ("data.size", "tuple[int, int]"),
        ("groups", "int | tuple[tuple[int, ...], ...]"),
        ("feed.batch_size", "int | 'fastest'"),
        ("split.validate_on", "int | 'each'"),
        ("model.mix", "tuple[tuple[str, ...], ...]"),
        ("model.options", "dict[str, Any]"),
        ("speed.batch_sizes", "tuple[int, ...]"),
        ("data.cut", "'whole', 'corner', 'crops'"),
    ],
)
def test_types_are_told_in_words(name: str, kind: str) -> None:
    """Without the checks inside them."""
    assert {listed: told for listed, told, *_ in options()}[name] == kind


def test_flat_names_are_those_of_the_options() -> None:
    """Params of a run and overrides of a command are called alike, and their values are plain."""
    flat = flatten(parse({"data": {"size": 64}, "model": {"options": {"width": 8}}}))
    assert set(flat) - {"model.options.width"} == set(leaves(Recipe)) - {"model.options", "tune.space"}
    assert flat["data.size"] == [64, 64]
    assert flat["model.options.width"] == 8


@given(st.sampled_from(sorted(set(leaves(Recipe)))))
def test_a_default_given_by_hand_changes_nothing(name: str) -> None:
    """Every default passes its own check, and the fingerprint does not tell given from default."""
    value = {dotted: default for dotted, _, default, _ in options()}[name]
    tree: dict[str, object] = {name: value}
    if "." in name:
        section, option = name.split(".")
        tree = {section: {option: value}}
    assert parse(tree).fingerprint == Recipe().fingerprint


def test_fingerprint_tells_recipes_apart() -> None:
    """12 hex digits, equal for equal recipes, different where any option differs."""
    changed: list[dict[str, Any]] = [
        {"seed": 1},
        {"fit": {"epochs": 4}},
        {"data": {"size": 64}},
        {"model": {"options": {"width": 8}}},
    ]
    prints = [parse(tree).fingerprint for tree in ({}, *changed)]
    assert len(set(prints)) == len(prints)
    assert all(len(text) == 12 and int(text, 16) >= 0 for text in prints)
    assert parse(changed[1]).fingerprint == prints[2]


def test_a_recipe_survives_its_own_dump() -> None:
    """What a run keeps of its recipe gives the same recipe back."""
    recipe = parse({"data": {"channels": "red,blue", "size": "32,64"}, "model": {"options": {"blocks": [1, 1]}}})
    assert parse(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_of_the_project_load(path: Path) -> None:
    """Each file in configs/ is a recipe, and names an architecture's own options."""
    from hpapipe.tasks.tasks import task_of

    recipe = load(path)
    task_of(recipe).check(recipe)
    assert recipe.data.label_set.names == (recipe.data.learn or recipe.data.labels)


@pytest.mark.parametrize("name", ["model5", "model6", "model7", "model8"])
def test_recipes_of_one_structure_take_all_one_at_a_time(name: str) -> None:
    """As their first lines say: one label, present or absent, or a network for each of the 28."""
    (path,) = [path for path in RECIPES if path.stem == name]
    assert load(path).parts == ((0,),)
    words = path.read_text()
    assert "--data.learn [] --groups 28" in words
    assert load(path, {"data.learn": "[]", "groups": "28"}).parts == tuple((column,) for column in range(28))


def test_there_are_recipes() -> None:
    """The test above has something to load."""
    assert [path.name for path in RECIPES].count("simulated.yaml") == 1
    assert load(RECIPES[0]).experiment
