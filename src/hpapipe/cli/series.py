from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SOME_FAILED = 3
"""Exit code where some recipes could not be trained and all others were."""


def series(
    ctx: typer.Context,
    recipes: Annotated[list[Path], typer.Argument(help="Recipes, YAML files, or folders of them.")],
) -> None:
    """Train several recipes one after the other and compare them; go on after a stop with the same command.

    Options such as --fit.epochs 3 hold for all of them.
    """
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.series import series as work

    done = work(recipes, ctx.obj)
    show_table(done.table.drop(columns="run"), "Scores with 95 % intervals, and seconds of training")
    if done.comparison:
        say(f"Figures and tables that compare them are in run {done.comparison}")
    for name, why in done.failed.items():
        say(f"Not trained: {name}. {why}")
    say("Next: mlflow ui")
    if done.failed:
        raise typer.Exit(SOME_FAILED)
