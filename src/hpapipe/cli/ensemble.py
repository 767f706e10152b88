from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import run_ids


def ensemble(
    ctx: typer.Context,
    given: Annotated[
        list[str], typer.Argument(metavar="RUN…", help="Ids of finished runs on one set and split; one is enough.")
    ],
) -> None:
    """Average the networks of finished runs, the eight turns of a field, or several crops, into one Version.

    Options such as --answer.turns true say how the networks are asked.
    """
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.ensemble import ensemble as work

    done = work(run_ids(given), ctx.obj)
    show_table(done.steps, "Macro F1 on fields that the networks never saw")
    say(f"Version {done.version} of {done.model} registered from run {done.run_id}")
    say(f"Next: hpapipe promote {done.run_id}")
