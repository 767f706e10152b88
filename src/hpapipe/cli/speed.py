from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, read_recipe, refuse_beside_resume


def speed(
    ctx: typer.Context,
    config: Config = None,
    resume: Annotated[
        str | None, typer.Option(help="Id of a stopped study to go on with; it keeps its recipe.")
    ] = None,
) -> None:
    """Measure how fast networks train: images a second by architecture, feed and batch size."""
    if resume:
        refuse_beside_resume(ctx, config)
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.speed import speed as work

    done = work(recipe, resume)
    show_table(done.fastest, "Fastest batch sizes")
    for line in done.unmeasured:
        say(line)
    say(f"Figures and tables are in run {done.run_id}")
    say("Next: hpapipe train with --feed.batch_size fastest, or mlflow ui")
