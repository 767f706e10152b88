from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpapipe.cli.options import Config, Which, again, read_recipe

if TYPE_CHECKING:
    from hpapipe.config import Recipe

movie = typer.Typer(no_args_is_help=True, help="Movies of pools: frames to draw masks on, and areas over time.")
SIMULATED = "simulated"
SHOWN = ("pool", "cell", "frames", "trusted", "first", "largest", "correlation", "error_percent")
"""Columns of the summary that a terminal has room for."""

Given = Annotated[
    str, typer.Argument(metavar="[MOVIE]", help="GIF, AVI, MP4 or TIFF, a folder of frames, or `simulated`: the film.")
]


def _movie(recipe: Recipe, given: str) -> Path:
    from hpapipe.workflows.film import simulated_movie

    return simulated_movie(recipe) if given == SIMULATED else Path(given)


@movie.command()
def frames(
    ctx: typer.Context,
    given: Given = SIMULATED,
    config: Config = None,
    out: Annotated[Path, typer.Option(help="New folder for the images.")] = Path("frames"),
    masks: Annotated[
        Path | None, typer.Option(help="Movie of masks of the same frames, to be cut alike; cells are not 0.")
    ] = None,
) -> None:
    """Write every 15th frame of each pool (--movie.every), to draw masks on."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say
    from hpapipe.workflows.movie_frames import Cutting, write_frames

    done = write_frames(recipe, Cutting(_movie(recipe, given), out, masks))
    say(f"{done.images:,} images of {done.pools} pools in {done.frames} frames: {done.folder / 'images'}")
    say(f"The grid on the first frame: {done.folder / 'grid.png'}")
    if not done.has_masks:
        say(f"Draw the cells into {done.folder / 'masks'}: images of the same names, LabelMe files, or one COCO file")
    say(f"Next: hpapipe train{again(config)} --task segmentation --data.folder {done.folder}")


@movie.command()
def measure(
    ctx: typer.Context,
    given: Given = SIMULATED,
    config: Config = None,
    out: Annotated[Path, typer.Option(help="New folder for traces, masks, movies and figures.")] = Path("measured"),
    which: Which = "champion",
    manual: Annotated[Path | None, typer.Option(help="CSV of areas measured by hand, to compare with.")] = None,
) -> None:
    """Outline the cells of each pool in every frame, and follow their areas over time."""
    recipe = read_recipe(ctx, config)
    from hpapipe.progress import say, show_table
    from hpapipe.quiet import import_quietly

    import_quietly("keras")
    from hpapipe.workflows.measure import measure as work
    from hpapipe.workflows.measured import log_measured

    done = work(recipe, _movie(recipe, given), out, which, manual)
    shown = [name for name in SHOWN if name in done.table]
    show_table(done.table[shown], f"Areas in {done.unit}; version {done.version} of {recipe.register_as}")
    say(f"Masks, movies with outlines, a CSV and a figure a pool: {done.folder}")
    say(f"Summary and figures are in run {log_measured(recipe, done)}")
    say(f"Next: look at {done.folder / 'pools.png'} and {done.folder / 'overlay.mp4'}")
