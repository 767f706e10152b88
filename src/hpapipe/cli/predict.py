from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpapipe.cli.options import Config, Which, read_recipe

UNREADABLE = 3
"""Exit code where some images could not be read and all others were answered."""


def predict(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of images, named as those of training.")],
    config: Config = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("predictions"),
    which: Which = "champion",
    parquet: Annotated[bool, typer.Option("--parquet", help="Write probabilities as Parquet, not CSV.")] = False,
    sample: Annotated[
        Path | None, typer.Option(help="Sample submission, Id,Predicted: submission.csv gets its ids, in its order.")
    ] = None,
) -> None:
    """Answer every field of a folder: probabilities, names, and the challenge's Id,Predicted file."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.predict import predict as work

    done = work(recipe, folder, out, which, parquet, ctx.obj.get("data.files"), sample)
    say(f"Version {done.version} of {recipe.register_as} answered {done.answered:,} fields: {done.files[0]}")
    say(f"For the challenge: {done.files[1]}")
    if done.left_out:
        say(f"{done.left_out:,} fields of the folder are not in {sample}, so {done.files[1].name} leaves them out")
    if done.unreadable:
        say(f"{done.unreadable:,} fields could not be read; {done.files[2]} says why")
        if done.empty:
            say(f"{done.files[1].name} has an empty Predicted for {done.empty:,} of them")
        raise typer.Exit(UNREADABLE)
