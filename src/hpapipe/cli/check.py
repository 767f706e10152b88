from __future__ import annotations

import typer

from hpapipe.cli.options import Config, again, read_recipe


def check(ctx: typer.Context, config: Config = None) -> None:
    """Check label table and images: what fails, for which ids, and what to do."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.workflows.check import check as work

    found = work(recipe)
    for report in found.reports:
        say(f"{report.suite}: {report.checked:,} rows, {len(report.outcomes)} checks, {len(report.failures)} failed")
        for line in report.lines():
            say(f"  {line}")
    groups = found.near_duplicates
    if len(groups):
        count = groups["group"].nunique()
        say(f"near-duplicates: {len(groups):,} fields in {count:,} groups; a split keeps each together")
    if not all(report.passed for report in found.reports):
        say(f"Critical checks failed for {len(found.unusable):,} {found.things} of {found.folder}")
        raise typer.Exit(2)
    say(f"Next: hpapipe train{again(config)}")
