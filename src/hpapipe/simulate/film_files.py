"""A simulated film as a folder: the movie, the truth about it, and what it was drawn with."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.progress import track
from hpapipe.simulate.film import Area, Film, Frame, film
from hpapipe.simulate.workers import mapped

FORMAT = 2
"""Raised whenever the same options would give other bytes."""

BUBBLE = 3
"""Value of bubbles in `truth.tif`; 1 and 2 are the blastocysts of a pool, 0 is anything else."""

_SETTINGS = "film.json"
_WORTH_PROCESSES = 64
_CHUNK = 4
_CLASSIC_TIFF = 2**32 - 2**25  # bytes that a TIFF without 64-bit addresses can hold, less room for its tables


def write_film(folder: Path, options: config.Film, workers: int | None = None) -> None:
    """Draw a whole film into `folder`, with the same bytes however many processes draw it.

    `movie.tif` has a page for each frame, grey, not compressed, and `truth.tif` one for each as well (see `BUBBLE`).
    `areas.csv` has a row for each blastocyst in each frame, with the columns of `film.Area`. `film.json` has format,
    options, the grid (rows, columns, pitch and reach in pixels, angle in degrees, and each pool's place in the
    first frame), the drift of each frame, which moves all places, and each blastocyst's collapses.

    The film is drawn beside the folder and gets its name last. What goes wrong leaves nothing behind.

    Args:
        folder: must not exist yet.
        options: what kind of film.
        workers: processes that draw; none: as many as there are processors where the film is long.

    Raises:
        UserError: where the folder exists already or cannot be written, or the pools would be too small.
    """
    if folder.exists():
        raise UserError(
            "A simulated film must be written to a new folder.",
            f"{folder}, which exists already",
            "Name another folder, or remove this one.",
        )
    drawn = _film(options)
    try:
        frames = _draw_all(options, workers or _worth(options.frames))
        with _part_of(folder) as part, closing(frames):
            _write_frames(part, options, frames)
            _write_settings(part, drawn)
            part.rename(folder)
    except OSError as error:
        # Another process that was asked for the same film may have finished it first.
        if not matches(folder, options):
            raise UserError(
                "A simulated film needs a folder that can be written, and room on its disk.",
                f"{error.strerror or error} at {folder}",
                "Free some room, or name another folder.",
            ) from None


def matches(folder: Path, options: config.Film) -> bool:
    """Whether `folder` holds the film that `write_film` would draw."""
    try:
        kept = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    wanted = settings(options)
    return isinstance(kept, dict) and {name: kept.get(name) for name in wanted} == wanted


def settings(options: config.Film) -> dict[str, Any]:
    """All that a film's bytes depend on, as plain values."""
    return {"format": FORMAT, "options": options.model_dump(mode="json")}


@contextmanager
def _part_of(folder: Path) -> Iterator[Path]:
    """A folder of this process to draw into, which is gone at the end unless it was renamed."""
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _worth(frames: int) -> int:
    """As many processes as can help; one where starting more takes longer than drawing."""
    return 1 if frames < _WORTH_PROCESSES else min(os.cpu_count() or 1, -(-frames // _CHUNK))


def _draw_all(options: config.Film, workers: int) -> Generator[Frame]:
    jobs = [(options, index) for index in range(options.frames)]
    with mapped(workers, _CHUNK) as over:
        yield from track(over(_drawn, jobs), "drawing frames", len(jobs))


def _drawn(job: tuple[config.Film, int]) -> Frame:
    options, index = job
    return _film(options).frame(index)


@lru_cache(maxsize=1)
def _film(options: config.Film) -> Film:
    """A process lays a film down once for all the frames that it draws."""
    return film(options)


def _write_frames(part: Path, options: config.Film, frames: Iterable[Frame]) -> None:
    """Movie, truth and areas, page by page, so that no more than a few frames are ever held."""
    height, width = options.shape
    big = options.frames * height * width * (options.bits // 8) > _CLASSIC_TIFF
    page: dict[str, Any] = {
        "photometric": "minisblack",
        "metadata": None,
        "software": False,
        "resolution": (1 / options.pixel_um, 1 / options.pixel_um),
        "resolutionunit": "NONE",  # which ImageJ's description below names
    }
    with (
        tifffile.TiffWriter(part / "movie.tif", bigtiff=big) as movie,
        tifffile.TiffWriter(part / "truth.tif") as truth,
        open(part / "areas.csv", "w", newline="", encoding="utf-8") as table,
    ):
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(Area._fields)
        for number, frame in enumerate(frames):
            told = _description(options) if number == 0 else None
            movie.write(frame.image, contiguous=False, description=told, **page)
            labels = np.where(frame.bubbles, np.uint8(BUBBLE), frame.labels)
            truth.write(labels, contiguous=False, compression="zlib", description=told, **page)
            rows.writerows((*area[:4], *(f"{value:.3f}" for value in area[4:])) for area in frame.areas)


def _description(options: config.Film) -> str:
    """What ImageJ and its readers know of scale and time. Source: ImageJ, ij/io/FileSaver.java."""
    lines = ["ImageJ=1.54f", f"images={options.frames}", f"frames={options.frames}", "hyperstack=true"]
    lines += ["mode=grayscale", "unit=micron", f"finterval={60 * options.minutes!r}", "loop=false", ""]
    return "\n".join(lines)


def _write_settings(part: Path, drawn: Film) -> None:
    grid, options = drawn.grid, drawn.options
    height, width = options.shape
    content = settings(options) | {
        "height": height,
        "width": width,
        "grid": {
            "rows": grid.rows,
            "columns": grid.columns,
            "square": grid.square,
            "pitch_px": round(grid.pitch, 4),
            "reach_px": round(grid.reach, 4),
            "angle_degrees": round(float(np.rad2deg(grid.angle)), 4),
        },
        "pools": [
            {
                "name": f"r{index // grid.columns + 1}c{index % grid.columns + 1}",
                "centre": place,
                "cells": [{"collapses": cell.collapses} for cell in pool.cells],
            }
            for index, (pool, place) in enumerate(
                zip(drawn.pools, drawn.grid.centres(np.zeros(2)).round(3).tolist(), strict=True)
            )
        ],
        "drift": drawn.drift.round(3).tolist(),
    }
    (part / _SETTINGS).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
