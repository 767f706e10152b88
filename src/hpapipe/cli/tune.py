from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, again, read_recipe


def tune(
    ctx: typer.Context,
    config: Config = None,
    space: Annotated[
        str | None, typer.Option(help="YAML file whose section tune stands instead of the recipe's.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that train trials here (tune.workers).")] = None,
) -> None:
    """Search the recipe's space; the same command goes on with a study that was stopped, here and on other machines."""
    if workers is not None:
        ctx.obj["tune.workers"] = str(workers)
    recipe = read_recipe(ctx, config, space)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.tune import tune as work

    done = work(recipe)
    counted = ", ".join(f"{count} {word}" for word, count in done.counts.items())
    say(f"Study {done.study}: {counted}; figures and tables are in run {done.run_id}")
    show_table(done.table, "Best")
    if len(done.table):
        say(f"Next: hpapipe promote {done.table['run'].iloc[0]}{again(config)}")
