from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpapipe.cli.options import Config, read_recipe


def report(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Id of a run, or an alias or number of a Version.")],
    config: Config = None,
    out: Annotated[
        Path | None, typer.Option(help="HTML file; none: report- and the first digits of the run's id, here.")
    ] = None,
) -> None:
    """Write one HTML page of a run: data, checks, curves, scores, figures, recipe and model card."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.workflows.report import report as work

    done = work(recipe, run, out)
    say(done.summary)
    say(f"{done.path}: one file of {done.path.stat().st_size / 1000:,.0f} kB; also report.html of run {done.run}")
    say(f"Next: {done.next}")
