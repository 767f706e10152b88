from __future__ import annotations

from typing import Annotated

import typer

from hpapipe.cli.options import Config, read_recipe


def recipe(
    ctx: typer.Context,
    config: Config = None,
    show: Annotated[bool, typer.Option("--show", help="Print the whole recipe as YAML instead.")] = False,
) -> None:
    """List every option of a recipe with its type, value and meaning."""
    chosen = read_recipe(ctx, config)
    from hpapipe.config import options

    if show:
        import yaml

        typer.echo(yaml.safe_dump(chosen.model_dump(mode="json"), sort_keys=False, allow_unicode=True).rstrip())
        return
    tree = chosen.model_dump(mode="json")
    for name, kind, _, meaning in options():
        value: object = tree
        for part in name.split("."):
            value = value[part]  # type: ignore[index]
        shown = f"{len(value)} names" if isinstance(value, list) and len(value) > 6 else value
        typer.echo(f"--{name} {shown}\n    {meaning} ({kind})")
