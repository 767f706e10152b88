from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, read_recipe


def dashboard(
    ctx: typer.Context,
    config: Config = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine; no other reaches it.")] = 8080,
) -> None:
    """Show studies in the browser, with Optuna's dashboard."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.workflows.tune_dashboard import HOST
    from hpapipe.workflows.tune_dashboard import dashboard as work

    with work(recipe, port) as server:
        say(f"Optuna's dashboard: http://{HOST}:{port}; Ctrl-C stops it")
        server.serve_forever()
