from __future__ import annotations

import typer

from hpapipe.cli.options import Config, read_recipe


def simulate(ctx: typer.Context, config: Config = None) -> None:
    """Draw simulated cells, as --simulate.fields, --simulate.size and --simulate.seed say."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.workflows.simulate import simulate as work

    folder, drawn = work(recipe)
    say(f"{'Drawn into' if drawn else 'Already there:'} {folder}")
    say("Next: hpapipe train")
