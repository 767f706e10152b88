"""Simulated cells, on disk like any other set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.labels import STRUCTURES
from hpapipe.progress import say
from hpapipe.simulate import cells, dataset

SHEET_SIZE = 256  # pixels of a field on the contact sheet
SHEET_CHANNELS = ("green", "blue")  # the protein, and the nucleus to find it by


def simulate(recipe: Recipe) -> tuple[Path, bool]:
    """(folder of the recipe's simulated cells, whether they had to be drawn)."""
    wanted = recipe.simulate
    folder = Path(recipe.workspace) / "simulated" / f"{wanted.fields}-fields-{wanted.size}-px-seed-{wanted.seed}"
    if dataset.matches(folder, wanted.fields, wanted.size, wanted.seed):
        return folder, False
    say(f"Drawing {wanted.fields:,} simulated fields of {wanted.size}×{wanted.size} into {folder}")
    dataset.write(folder, wanted.fields, wanted.size, wanted.seed)
    return folder, True


def contact_sheet(path: Path, seed: int) -> None:
    """Write a picture with one simulated field for each of the 28 structures.

    Raises:
        UserError: the picture cannot be written.
    """
    from hpapipe.plots import fields

    shown = [cells.CHANNELS.index(channel) for channel in SHEET_CHANNELS]
    images = {
        name: cells.draw_field([index], SHEET_SIZE, np.random.default_rng([seed, index]))[..., shown]
        for index, name in enumerate(STRUCTURES)
    }
    captions = [f"{index} {name}" for index, name in enumerate(STRUCTURES)]
    figure = fields.draw_contact_sheet(fields.contact_sheet_table(list(images), captions), images, SHEET_CHANNELS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except OSError as error:
        reason = f"“{error.strerror or error}” at {path}"
        raise UserError("The picture must be written.", reason, "Give another path with --sheet.") from None
