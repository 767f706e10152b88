from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpapipe.cli.options import Config, read_recipe

OFF = 3
"""Exit code where the new images, or what is said of them, differ too much."""


def drift(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder that `hpapipe predict` wrote.", metavar="PREDICTIONS")],
    config: Config = None,
    images: Annotated[
        int, typer.Option(min=0, help="Fields whose images are measured, drawn by chance; 0: compare answers alone.")
    ] = 1000,
) -> None:
    """Compare predictions with the validation of the Version that made them: shares, certainty, images."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.drift import drift as work

    done = work(recipe, folder, images)
    say(
        f"{done.now:,} fields answered by {done.version}, beside {done.before:,} of its validation: "
        f"{len(done.off)} of {len(done.table)} quantities are off"
    )
    off = done.table[done.table["id"].isin(done.off)]
    show_table(off[["id", "before", "now", "p"]], "What is off")
    for failure in done.report.failures:
        say(f"{failure.rule} {failure.remedy}")
    say(f"Figures and tables are in run {done.run}")
    say("Next: mlflow ui")
    if done.off:
        raise typer.Exit(OFF)
