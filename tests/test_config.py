"""Recipes: what is read, what is refused and in which words, and what is derived from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hpapipe.config import Recipe, load, parse
from hpapipe.errors import UserError


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding=encoding)
    return path


def faults(tree: dict[str, object]) -> list[str]:
    """The lines of the error that `tree` raises."""
    with pytest.raises(UserError) as caught:
        parse(tree)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("tree", "received", "near"),
    [
        ({"fit": {"epoch": 3}}, "fit.epoch", "fit.epochs"),
        ({"fits": {}}, "fits", "fit"),
        ({"batch_size": 3}, "batch_size", "feed.batch_size"),
        ({"experimnt": "x"}, "experimnt", "experiment"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest(tree: dict[str, object], received: str, near: str) -> None:
    """Option, section, option without its section, field without a section."""
    (line,) = faults(tree)
    assert line.startswith(f"Every key of a recipe must be an option. Received `{received}` in the recipe.")
    assert f"Did you mean `{near}`?" in line


@pytest.mark.parametrize(
    ("section", "option", "value", "rule"),
    [
        ("fit", "epochs", "many", "valid integer"),
        ("fit", "epochs", 2.5, "valid integer"),
        ("fit", "epochs", 0, "greater than or equal to 1"),
        ("fit", "learning_rate", 0, "greater than 0"),
        ("fit", "label_smoothing", 1, "less than 1"),
        ("fit", "optimizer", "adamm", "'adam', 'adamw', 'sgd' or 'rmsprop'"),
        ("feed", "flips", "perhaps", "valid boolean"),
        ("feed", "balance", 1.01, "less than or equal to 1"),
        ("split", "folds", 1, "greater than or equal to 2"),
        ("data", "folder", [1], "valid string"),
        ("data", "size", 7, "8 or more"),
        ("data", "size", [64], "required"),
        ("data", "files", "train/{id}.png", "must hold {id} and {channel}"),
        ("data", "channels", [], "at least 1 item"),
        ("data", "channels", "red,red", "no name may stand twice"),
        ("data", "labels", "a", "at least 2 items"),
        ("model", "options", 3, "valid dictionary"),
    ],
)
def test_wrong_types_and_ranges_name_option_rule_and_value(section: str, option: str, value: object, rule: str) -> None:
    """One line that starts with the option's own name, as it is typed."""
    (line,) = faults({section: {option: value}})
    assert line.startswith(f"`{section}.{option}`: ")
    assert rule in line
    assert "Received" in line
    assert f"Change `{section}.{option}`" in line


def test_each_way_to_mend_a_choice_is_told() -> None:
    """`validate_on` takes a number or a word: both are named, under the option's own name."""
    lines = faults({"split": {"validate_on": "all"}})
    assert len(lines) == 2
    assert all(line.startswith("`split.validate_on`: ") and "`all`" in line for line in lines)
    assert "'each'" in lines[1]


def test_all_faults_are_told_at_once() -> None:
    """Unknown keys, types and ranges of several sections: a line each."""
    lines = faults({"fit": {"epochs": 0, "lr": 1}, "split": {"folds": "x"}, "colour": 1, "seed": -1})
    named = {"`fit.epochs`", "`fit.lr`", "`split.folds`", "`colour`", "`seed`"}
    assert len(lines) == 5
    assert {name for name in named if any(name in line for line in lines)} == named


@pytest.mark.parametrize("fold", [-1, 3])
def test_the_validating_fold_must_exist(fold: int) -> None:
    """Three folds are 0, 1 and 2."""
    (line,) = faults({"split": {"folds": 3, "validate_on": fold}})
    assert f"a fold from 0 to 2, not {fold}" in line


def test_frozen_needs_weights() -> None:
    """A body by chance that stays as it is learns nothing."""
    (line,) = faults({"model": {"frozen": True}})
    assert line.startswith("`model`: frozen needs weights")
    recipe = parse({"model": {"frozen": True, "weights": "imagenet"}})
    assert (recipe.model.frozen, recipe.model.weights) == (True, "imagenet")


def test_folds_to_train_for() -> None:
    """One, or each of them."""
    assert parse({"split": {"folds": 3, "validate_on": 2}}).split.runs == (2,)
    assert parse({"split": {"folds": 3, "validate_on": "each"}}).split.runs == (0, 1, 2)


def test_file_and_overrides_make_one_recipe(tmp_path: Path) -> None:
    """The file changes defaults, overrides change the file; the rest stays."""
    path = written(tmp_path, "fit: {epochs: 7, patience: 3}\nmodel: {options: {width: 8}}\n")
    recipe = load(path, {"fit.epochs": "9", "seed": "4", "model.options.width": "16", "model.options.blocks": "[1, 2]"})
    assert (recipe.fit.epochs, recipe.fit.patience, recipe.seed) == (9, 3, 4)
    assert recipe.model.options == {"width": 16, "blocks": [1, 2]}
    assert recipe.feed == Recipe().feed


def test_no_file_is_all_defaults() -> None:
    """A command without --config."""
    assert load(None) == Recipe() == parse({})


@pytest.mark.parametrize("text", ["1e-3", "0.001", ".001", "1E-3"])
def test_small_numbers_are_numbers(tmp_path: Path, text: str) -> None:
    """YAML 1.1 reads 1e-3 as text; a recipe does not, in the file and as an override."""
    path = written(tmp_path, f"fit: {{learning_rate: {text}}}\n")
    assert load(path).fit.learning_rate == 0.001
    assert load(None, {"fit.learning_rate": text}).fit.learning_rate == 0.001


@pytest.mark.parametrize("text", ["red,blue", "red, blue", "[red, blue]", " red ,blue, "])
def test_lists_as_typed(text: str) -> None:
    """Words between commas, with or without blanks and brackets."""
    assert load(None, {"data.channels": text}).data.channels == ("red", "blue")


@pytest.mark.parametrize(("text", "size"), [("64", (64, 64)), ("64,48", (64, 48)), ("[64, 48]", (64, 48))])
def test_size_as_one_number_or_two(text: str, size: tuple[int, int]) -> None:
    """One number is height and width."""
    assert load(None, {"data.size": text}).data.size == size


def test_no_value_is_none() -> None:
    """`null` takes a folder away again."""
    recipe = load(None, {"data.folder": "null", "split.validate_on": "each"})
    assert recipe.data.folder is None
    assert recipe.split.validate_on == "each"


def test_an_override_below_an_option_is_refused() -> None:
    """`fit.epochs` is no section."""
    with pytest.raises(UserError, match=r"`fit.epochs`"):
        load(None, {"fit.epochs.x": "3"})


def test_an_override_below_a_value_of_the_file_is_refused(tmp_path: Path) -> None:
    """The file gave a number where the override expects a section."""
    with pytest.raises(UserError, match=r"`seed.x`.*`seed` is no section"):
        load(written(tmp_path, "seed: 3\n"), {"seed.x": "1"})


def test_text_that_is_no_yaml_is_taken_as_typed() -> None:
    """A folder called `[raw` breaks YAML, not the recipe."""
    assert load(None, {"data.folder": "[raw"}).data.folder == "[raw"


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    """As Windows editors save UTF-8."""
    assert load(written(tmp_path, "seed: 5\n", "utf-8-sig")).seed == 5


@pytest.mark.parametrize(
    ("text", "received"),
    [("", "an empty file"), ("# only words\n", "an empty file"), ("- 1\n", "a list"), ("3", "a int")],
)
def test_a_file_without_sections_is_refused(tmp_path: Path, text: str, received: str) -> None:
    """Nothing, or no table."""
    with pytest.raises(UserError, match=f"must be a table of sections. Received {received} in .*recipe.yaml"):
        load(written(tmp_path, text))


def test_broken_yaml_is_told_in_one_line(tmp_path: Path) -> None:
    """With the place that YAML names."""
    with pytest.raises(UserError, match="must be readable YAML") as caught:
        load(written(tmp_path, "fit: {epochs: 3\nseed: 1\n"))
    assert "line 2" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_bytes(b"\xff\xfe\x00")])
def test_a_folder_or_binary_file_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """What cannot be read as text."""
    make(tmp_path / "recipe.yaml")
    with pytest.raises(UserError, match="must be readable YAML"):
        load(tmp_path / "recipe.yaml")


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    """A slip in the name finds the recipe beside it."""
    path = written(tmp_path, "seed: 1\n")
    with pytest.raises(UserError, match=r"recipes.yaml, which does not exist\. Did you mean `.*recipe.yaml`"):
        load(path.with_name("recipes.yaml"))
    with pytest.raises(UserError, match="Give the path of a YAML file"):
        load(tmp_path / "nowhere" / "recipe.yaml")


def test_a_recipe_is_frozen() -> None:
    """Nobody changes an experiment on its way."""
    with pytest.raises(ValueError, match="frozen"):
        Recipe().fit.epochs = 3  # type: ignore[misc]


def test_a_task_brings_its_own_defaults() -> None:
    """A recipe's own options come before them."""
    masks = parse({"task": "segmentation"})
    assert (masks.model.name, masks.fit.loss, masks.feed.draw) == ("unet", "crossentropy_dice", "shuffled")
    assert (masks.register_as, masks.tune.objectives) == ("blastocysts", ("mean_iou",))
    own = parse({"task": "segmentation", "register_as": "mine", "feed": {"batch_size": 3}, "fit": {"loss": "dice"}})
    assert (own.register_as, own.feed.batch_size, own.feed.draw, own.fit.loss) == ("mine", 3, "shuffled", "dice")
    assert parse({}).model.name == "residual"


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"fit": {"loss": "dice"}}, "fit.loss dice for classification, which has crossentropy, focal"),
        ({"task": "segmentation", "tune": {"objectives": ["macro_f1"]}}, "which has mean_iou, images_per_second"),
        ({"task": "segmentation", "groups": 2}, "for segmentation, which knows none of them"),
    ],
)
def test_options_of_the_other_task_are_refused(tree: dict[str, object], told: str) -> None:
    with pytest.raises(UserError) as fault:
        parse(tree)
    assert told in str(fault.value)
