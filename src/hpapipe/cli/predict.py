from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpapipe.cli.options import Config, Which, again, read_recipe

UNREADABLE = 3
"""Exit code where some images could not be read and all others were answered."""


def predict(
    ctx: typer.Context,
    fields: Annotated[
        str,
        typer.Argument(
            help="Images, named as those of training: a folder, a zip or tar, a table of paths or addresses, a pack, "
            "or the address of a folder (s3://, gs://, https://).",
            metavar="FOLDER",
        ),
    ],
    config: Config = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the answers; none: one in predictions/, named by place, model and Version."),
    ] = None,
    which: Which = "champion",
    parquet: Annotated[bool, typer.Option("--parquet", help="Write the answers as Parquet, not CSV.")] = False,
    sample: Annotated[
        Path | None, typer.Option(help="Sample submission, Id,Predicted: submission.csv gets its ids, in its order.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--again", help="Remove the answers that stand in --out, and answer all fields anew.")
    ] = False,
    runtime: Annotated[
        str, typer.Option(help="What answers: keras, one that `hpapipe export` made, or auto, the fastest exact one.")
    ] = "auto",
    engine: Annotated[str, typer.Option(help="plain: this machine; ray: a Ray cluster.")] = "plain",
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster; none: one of this machine alone.")] = None,
) -> None:
    """Answer any number of fields: probabilities, names, the challenge's file. After a stop the same call goes on."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.predict import Asked
    from hpapipe.workflows.predict import predict as work

    done = work(recipe, Asked(fields, out, which, runtime, ctx.obj, sample, parquet, anew, engine, address))
    joined = done.joined
    for note in done.notes:
        say(note)
    if done.kept:
        say(f"{done.kept:,} fields had been answered before")
    say(f"Version {done.version} of {recipe.register_as} answered {joined.answered:,} fields: {joined.answers}")
    if joined.submission:
        say(f"For the challenge: {joined.submission}")
    if joined.masks:
        say(f"Masks, white on black: {joined.masks}")
    if joined.left_out:
        say(f"{joined.left_out:,} fields of the folder are not in {sample}, so submission.csv leaves them out")
    if done.since:
        say(f"{done.since:,} fields came, went or changed since this was begun: give another --out to answer them")
    if joined.failed:
        say(f"{joined.failed:,} fields could not be read; {joined.unreadable} says why")
        if joined.empty:
            say(f"submission.csv has an empty Predicted for {joined.empty:,} of them")
    if joined.submission:
        say(f"Next: hpapipe drift {joined.answers.parent}{again(config)}")
    else:
        say(f"Next: look at {joined.masks}")
    if joined.failed:
        raise typer.Exit(UNREADABLE)
