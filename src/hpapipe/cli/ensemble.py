from __future__ import annotations

from typing import Annotated

import typer


def ensemble(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(help="Ids of finished runs on one set and split; one is enough.")],
) -> None:
    """Average the networks of finished runs, the eight turns of a field, or several crops, into one Version.

    Options such as --answer.turns true say how the networks are asked.
    """
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.ensemble import ensemble as work

    done = work(runs, ctx.obj)
    show_table(done.steps, "Macro F1 on fields that the networks never saw")
    say(f"Version {done.version} of {done.model} registered from run {done.run_id}")
    say(f"Next: hpapipe promote {done.run_id}")
