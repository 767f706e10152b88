from __future__ import annotations

import typer

from hpapipe.cli.options import Config, Which, read_recipe


def evaluate(ctx: typer.Context, config: Config = None, which: Which = "champion") -> None:
    """Score a Version on a labelled folder: the recipe's, or --data.folder FOLDER."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.evaluate import evaluate as work

    run_id, scored = work(recipe, which)
    show_table(scored.per_label[["name", "positives", "precision", "recall", "f1", "f1_low", "f1_high"]], "Per label")
    value, low, high = (scored.numbers[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high"))
    say(f"Macro F1 {value:.3f} (95 % interval {low:.3f} to {high:.3f}); figures and tables are in run {run_id}")
    say("Next: mlflow ui")
