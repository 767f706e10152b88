"""What several commands take: a recipe file, and any of its options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hpapipe.errors import UserError

if TYPE_CHECKING:
    from hpapipe.config import Recipe

Config = Annotated[str | None, typer.Option("--config", "-c", help="Recipe, a YAML file; none: simulated cells.")]
Which = Annotated[str, typer.Option(help="Version of the registered model: an alias or a number.")]


def read_recipe(ctx: typer.Context, config: str | None, space: str | None = None) -> Recipe:
    """The recipe of a command: the file `config`, or all defaults, and the options typed beside it.

    Args:
        ctx: holds those options.
        config: a YAML file.
        space: another, whose section `tune` stands instead of the recipe's.

    Raises:
        UserError: a recipe that is refused.
    """
    from hpapipe.config import load

    return load(config, ctx.obj, space)


def refuse_beside_resume(ctx: typer.Context, config: str | None) -> None:
    """Refuse a recipe or options beside --resume.

    Raises:
        UserError: naming them.
    """
    typed = (["--config"] if config else []) + [f"--{name}" for name in ctx.obj]
    if typed:
        received = f"{', '.join(typed)} beside --resume"
        raise UserError("A resumed run keeps its recipe.", received, "Leave it out, or start a new run.")


def again(config: str | None) -> str:
    """What the next command must be given too."""
    return f" --config {config}" if config else ""


def run_ids(words: Sequence[str]) -> list[str]:
    """The ids in `words`, each of which may hold several, as a parameter of `mlflow run` does."""
    return [word for text in words for word in re.split(r"[\s,]+", text) if word]


def take_overrides(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """(words left for the command, dotted field -> value as typed) of a command line.

    A recipe's option is a word with a dot, `--fit.epochs 3` or `--fit.epochs=3`, or one of its few fields without a
    section.

    Raises:
        UserError: an option without a value.
    """
    left: list[str] = []
    found: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not _is_field(name):
            left.append(word)
            continue
        if not equals:
            if not waiting:
                remedy = f"Write --{name} VALUE; `hpapipe recipe` lists all options."
                raise UserError("An option of a recipe must have a value.", f"`{word}` and nothing after it", remedy)
            value = waiting.pop(0)
        found[name] = value
    return left, found


def _is_field(name: str) -> bool:
    if "." in name or name in ("", "help"):
        return "." in name
    from hpapipe.config import Recipe, Section

    field = Recipe.model_fields.get(name)
    return field is not None and not (isinstance(field.annotation, type) and issubclass(field.annotation, Section))
