from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpapipe.cli.options import Config, again, read_recipe, run_ids

if TYPE_CHECKING:
    import pandas as pd

MOST_RUNS = 6
"""Runs whose options a terminal has room for."""


def compare(
    ctx: typer.Context,
    given: Annotated[
        list[str], typer.Argument(metavar="RUN…", help="Ids of two or more finished runs; gains are over the first.")
    ],
    config: Config = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the tables and figures into as well.")] = None,
) -> None:
    """Lay several runs over each other: scores with intervals, options that differ, and figures."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.workflows.compare import compare as work

    named = config is not None or "experiment" in ctx.obj
    done = work(recipe, run_ids(given), out, recipe.experiment if named else None)
    show_table(done.table.drop(columns="id"), "Runs, with 95 % intervals; gains are over the first run")
    options = done.differences.shape[1] - 1
    if options and len(done.table) > MOST_RUNS:
        say(f"{options} options differ; differences.csv of the run lists them")
    elif options:
        show_table(_as_printed(done.differences), "Options that differ")
    for note in done.notes:
        say(note)
    say(f"Figures and tables are in run {done.run}{f' and in {out}' if out else ''}")
    say(f"Next: hpapipe promote {done.best}{again(config)}" if done.promotable else "Next: mlflow ui")


def _as_printed(differences: pd.DataFrame) -> pd.DataFrame:
    """The options that differ as columns, or as rows where they are more than the runs."""
    options = differences.set_index("run")
    return options.T.rename_axis("option").reset_index() if len(options) < options.shape[1] else differences
