"""Commands that know one task alone."""

from __future__ import annotations

from hpapipe.config import Recipe
from hpapipe.errors import UserError


def refuse_other(recipe: Recipe, task: str, command: str, instead: str) -> None:
    """Refuse a recipe of another task.

    Args:
        recipe: given to the command.
        task: that the command knows.
        command: its name.
        instead: what to do.

    Raises:
        UserError: the recipe's task is another.
    """
    if recipe.task != task:
        raise UserError(f"`hpapipe {command}` is for {task}.", f"a recipe with task: {recipe.task}", instead)
