from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpapipe.cli.options import Config, again, read_recipe


def simulate(
    ctx: typer.Context,
    config: Config = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a picture of all 28 structures instead.")] = None,
) -> None:
    """Draw simulated cells as the options of section simulate say or, with a recipe of segmentation, a film."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.workflows import simulate as work

    if sheet:
        work.contact_sheet(sheet, recipe.simulate.seed)
        say(f"One field for each structure: {sheet}")
        return
    if recipe.task == "segmentation":
        from hpapipe.workflows.film import film

        folder, drawn = film(recipe)
    else:
        folder, drawn = work.simulate(recipe)
    say(f"{'Drawn into' if drawn else 'Already there:'} {folder}")
    say(f"Next: hpapipe train{again(config)}")
