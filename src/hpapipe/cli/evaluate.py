from __future__ import annotations

import typer

from hpapipe.cli.options import Config, Which, read_recipe


def evaluate(ctx: typer.Context, config: Config = None, which: Which = "champion") -> None:
    """Score a Version on a labelled folder: the recipe's, or --data.folder FOLDER."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.tasks.judging import judge_of
    from hpapipe.workflows.evaluate import evaluate as work

    run_id, scored = work(recipe, which)
    show_table(*scored.shown)
    reached = scored.headline
    told = f"{judge_of(recipe).title} {reached.value:.3f} (95 % interval {reached.low:.3f} to {reached.high:.3f})"
    say(f"{told}; figures and tables are in run {run_id}")
    say("Next: mlflow ui")
