from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, again, read_recipe, refuse_beside_resume


def train(
    ctx: typer.Context,
    config: Config = None,
    resume: Annotated[str | None, typer.Option(help="Id of a stopped run to go on with; it keeps its recipe.")] = None,
) -> None:
    """Check, split, pack, train, score, track and register.

    Any option of the recipe is given as --section.option value, such as --fit.epochs 3.
    """
    if resume:
        refuse_beside_resume(ctx, config)
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.train import train as work

    done = work(recipe, resume)
    say(f"{done.told} on {done.things} it never saw")
    say(f"Version {done.version} of {done.model} registered from run {done.run_id}")
    say(f"Next: hpapipe promote {done.run_id}{again(config)}")
