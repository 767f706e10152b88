from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, again, read_recipe

NEWEST = "newest"


def promote(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Id of a training run, or `newest` of the experiment.")] = NEWEST,
    config: Config = None,
    force: Annotated[str | None, typer.Option(help="Promote although the gate does not pass, for this reason.")] = None,
) -> None:
    """Compare a run with the champion; it becomes champion if it is surely better."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.workflows.promote import promote as work

    verdict = work(recipe, None if run == NEWEST else run, force)
    if verdict.table is not None:
        show_table(verdict.table.head(1), f"{verdict.title} on the same {verdict.things}")
        show_table(verdict.clear, "What surely changed (95 % intervals)")
    if verdict.change is None:
        say(f"Not promoted: {verdict.why}")
        say(f"Promote it nevertheless with: hpapipe promote {verdict.run} --force REASON{again(config)}")
        raise typer.Exit(3)
    say(f"Version {verdict.change.version} is champion: {verdict.why}")
    use = "movie measure MOVIE" if recipe.task == "segmentation" else "predict FOLDER"
    say(f"Next: hpapipe {use}{again(config)}, or hpapipe rollback{again(config)} to undo this")
