"""What is typed beside a command: options of the recipe among the command's own."""

from __future__ import annotations

import pytest
import typer

from hpapipe import config
from hpapipe.cli.options import again, take_overrides
from hpapipe.errors import UserError


@pytest.mark.parametrize(
    ("words", "left", "found"),
    [
        ("train --fit.epochs 3", "train", {"fit.epochs": "3"}),
        ("train --fit.epochs=3 --config x.yaml", "train --config x.yaml", {"fit.epochs": "3"}),
        ("train --seed 4", "train", {"seed": "4"}),
        ("train --model.options={a:=1}", "train", {"model.options": "{a:=1}"}),
        ("predict a.folder --out b.c", "predict a.folder --out b.c", {}),
        ("train --fit.epochs 3 --fit.epochs 4", "train", {"fit.epochs": "4"}),
        ("promote --force better", "promote --force better", {}),
        ("check --split.seed -1", "check", {"split.seed": "-1"}),
        ("--version", "--version", {}),
        ("train --data x", "train --data x", {}),
        ("train --help", "train --help", {}),
    ],
)
def test_options_of_the_recipe_are_taken_out(words: str, left: str, found: dict[str, str]) -> None:
    """A word with a dot, or a field without a section; all else stays for the command."""
    assert take_overrides(words.split()) == (left.split(), found)


def test_an_option_needs_its_value() -> None:
    """The last word of a line may lack it."""
    with pytest.raises(UserError, match=r"Received `--fit\.epochs` and nothing after it\. Write --fit\.epochs VALUE"):
        take_overrides(["train", "--fit.epochs"])


def test_every_option_of_the_recipe_can_be_typed() -> None:
    """Each field with a section or without is known, so that none is left to the command."""
    for name, *_ in config.options():
        assert take_overrides([f"--{name}", "x"]) == ([], {name: "x"})


def test_no_option_of_a_command_is_called_like_a_field() -> None:
    """Else it could never reach the command."""
    from hpapipe.cli.main import app

    group = typer.main.get_command(app)
    fields = set(config.Recipe.model_fields)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        own = {word.removeprefix("--") for option in command.params for word in option.opts}
        assert not own & fields, name


def test_the_next_command_is_given_the_same_recipe() -> None:
    """Nothing where none was given."""
    assert (again("x.yaml"), again(None)) == (" --config x.yaml", "")
