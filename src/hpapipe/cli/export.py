from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpapipe.cli.options import Config, Which, again, read_recipe

NOT_ALL = 3
"""Exit code where a form was not kept and others were."""


def export(
    ctx: typer.Context,
    config: Config = None,
    to: Annotated[
        list[str] | None, typer.Option(help="Runtime: onnx, openvino, litert or savedmodel; none, or all: all of them.")
    ] = None,
    which: Which = "champion",
    int8: Annotated[
        bool, typer.Option("--int8", help="Also a LiteRT form with weights of 8 bits, and what it loses.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the forms; none: one in the workspace, where predict finds them.")
    ] = None,
) -> None:
    """Write a Version for other runtimes, each held against Keras on real images and kept if it answers alike."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.export import ALL
    from hpapipe.workflows.export import export as work

    done = work(recipe, which, to or [ALL], int8, out)
    show_table(done.table(), f"Version {done.version} of {recipe.register_as}, held against Keras")
    for form in done.forms:
        say(f"{form.runtime}: {form.folder}" if form.folder else f"{form.runtime} was not kept: {form.fault}")
    if done.fastest:
        use = "movie measure MOVIE" if recipe.task == "segmentation" else "predict FOLDER"
        say(f"Where no --runtime is named, {done.fastest} answers: the fastest of those that decide all alike")
        say(f"Next: hpapipe {use}{again(config)}")
    if not all(form.folder for form in done.forms):
        raise typer.Exit(NOT_ALL)
