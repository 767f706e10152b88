from __future__ import annotations

import typer

from hpapipe.cli.options import Config, read_recipe


def history(ctx: typer.Context, config: Config = None) -> None:
    """List every change of champion: when, which Version, whose place it took, and why."""
    recipe = read_recipe(ctx, config)
    import pandas as pd

    from hpapipe.progress import say, show_table
    from hpapipe.tracking.registry import champion
    from hpapipe.tracking.registry import history as read

    changes = read(recipe.register_as)
    if not changes:
        say(f"No champion of {recipe.register_as} yet. Next: hpapipe train, then hpapipe promote")
        return
    columns = ["at", "kind", "version", "previous", "run", "why"]
    show_table(pd.DataFrame(changes)[columns], f"Champions of {recipe.register_as}")
    now = champion(recipe.register_as)
    say(f"Champion now: version {now[0]}" if now else "Champion now: none")
