from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, again, read_recipe


def rollback(
    ctx: typer.Context,
    config: Config = None,
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "no reason given",
) -> None:
    """Undo the last promotion: the champion before it is champion again."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.tracking.registry import rollback as work

    change = work(recipe.register_as, why)
    now = f"Version {change.version} is champion again" if change.version else "There is no champion now"
    say(f"{now}; version {change.previous} was taken back")
    say(f"Next: hpapipe history{again(config)}")
