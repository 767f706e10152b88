from __future__ import annotations

import typer

from hpapipe.cli.options import Config, read_recipe


def tune(ctx: typer.Context, config: Config = None) -> None:
    """Search the recipe's space; the same command goes on with a study that was stopped."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.tune import tune as work

    done = work(recipe)
    counted = ", ".join(f"{count} {state}" for state, count in done.counts.items() if count)
    say(f"Study {done.study}: {counted}; figures and tables are in run {done.run_id}")
    if done.best:
        say(f"Next: hpapipe promote {done.best[0]}")
