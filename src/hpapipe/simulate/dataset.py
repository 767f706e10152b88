"""A folder of simulated fields in the challenge's layout: the data that the project runs on without any download."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.labels import STRUCTURES, format_target
from hpapipe.progress import track
from hpapipe.simulate.cells import CHANNELS, draw_field
from hpapipe.simulate.workers import mapped

FORMAT = 1
"""Raised whenever the same settings would give other bytes."""

COUNTS = (
    *(12885, 1254, 3621, 1561, 1858, 2513, 1008, 2822, 53, 45, 28, 1093, 688, 537),
    *(1066, 21, 530, 210, 902, 1482, 172, 3777, 802, 2965, 322, 8228, 328, 11),
)
"""Fields with each structure. Source: label table of the Human Protein Atlas Image Classification challenge, 2018."""

_LABELS_A_FIELD = (0.5, 0.4, 0.1)
"""Share of fields with one, two and three structures; the same label table has 0.49, 0.40 and 0.10."""

_LEAST = 0.035
"""Share of fields that even the rarest structure shows in, so that each can be learned."""

_WORTH_PROCESSES = 64
_CHUNK = 4
_SETTINGS = "simulation.json"
_DRAFTS = "drafts"


def draw_labels(fields: int, seed: int) -> list[tuple[int, ...]]:
    """The structures of each field, in rising order: one to three, some often and some rare.

    Structure frequencies follow the square root of `COUNTS` above a floor, and are met exactly but for rounding: from
    280 fields on, every structure shows in at least 3 % of them.

    Args:
        fields: how many.
        seed: same seed and number, same labels.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    places = rng.permutation(np.repeat([1, 2, 3], _apportioned(np.array(_LABELS_A_FIELD), fields)))
    dealt = rng.permutation(np.repeat(np.arange(len(STRUCTURES)), _apportioned(_shares(), int(places.sum()))))
    ends = np.cumsum(places)
    hands = [slice(int(end - count), int(end)) for end, count in zip(ends, places, strict=True)]
    holder = np.repeat(np.arange(fields), places)

    def twice(place: int) -> bool:
        return int((dealt[hands[holder[place]]] == dealt[place]).sum()) > 1

    for place in range(len(dealt)):
        while twice(place):
            other = int(rng.integers(len(dealt)))
            dealt[[place, other]] = dealt[[other, place]]
            if twice(other):
                dealt[[place, other]] = dealt[[other, place]]
    return [tuple(sorted(dealt[hand].tolist())) for hand in hands]


def write(folder: Path, fields: int, size: int, seed: int) -> None:
    """Draw a whole set into `folder`: `train/<Id>_<channel>.png`, `train.csv` (`Id,Target`) and `simulation.json`.

    The set is drawn beside the folder, in `<folder>.part`, which gets its name last; what a killed call left there is
    gone on with. Field i of a seed is the same bytes however many processes draw (with one numpy, scipy and pillow).

    Args:
        folder: must not exist yet.
        fields: how many.
        size: height and width in pixels, 32 or more.
        seed: same seed, same bytes.

    Raises:
        UserError: where the folder exists already, or cannot be written.
    """
    if folder.exists():
        raise UserError(
            "A simulated set must be written to a new folder.",
            f"{folder}, which exists already",
            "Name another folder, or remove this one.",
        )
    part = folder.with_name(folder.name + ".part")
    try:
        _begin(part, _settings(fields, size, seed))
        labels = draw_labels(fields, seed)
        _draw_all(part, labels, size, seed)
        rows = [f"{_name(field)},{format_target(target)}\n" for field, target in enumerate(labels)]
        _put(part, "train.csv", "".join(["Id,Target\n", *rows]).encode())
        shutil.rmtree(part / _DRAFTS)
        part.rename(folder)
    except OSError as error:
        # Another process that was asked for the same set may have finished it first, and taken the part away.
        if not matches(folder, fields, size, seed):
            raise UserError(
                "A simulated set needs a folder that can be written, and room on its disk.",
                f"{error.strerror or error} at {folder}",
                "Free some room, or name another folder.",
            ) from None


def matches(folder: Path, fields: int, size: int, seed: int) -> bool:
    """Whether `folder` holds the set that `write` would draw with these settings."""
    return _read_settings(folder) == _settings(fields, size, seed)


def _settings(fields: int, size: int, seed: int) -> dict[str, int]:
    return {"format": FORMAT, "fields": fields, "size": size, "seed": seed}


def _read_settings(folder: Path) -> object:
    try:
        return json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _begin(part: Path, settings: dict[str, int]) -> None:
    """A part to draw into: the one that an earlier call with these settings left, or a new one."""
    if _read_settings(part) != settings:
        if part.exists():
            shutil.rmtree(part)
        (part / "train").mkdir(parents=True, exist_ok=True)
    (part / _DRAFTS).mkdir(exist_ok=True)
    _put(part, _SETTINGS, (json.dumps(settings, indent=1) + "\n").encode())


def _draw_all(part: Path, labels: list[tuple[int, ...]], size: int, seed: int) -> None:
    jobs = [(part, field, target, size, seed) for field, target in enumerate(labels)]
    with mapped(_workers(len(jobs)), _CHUNK) as over:
        for _ in track(over(_draw_one, jobs), "drawing cells", len(jobs)):
            pass


def _workers(jobs: int) -> int:
    """Processes that are worth starting; one, which is none but this, for few jobs."""
    return 1 if jobs < _WORTH_PROCESSES else min(os.cpu_count() or 1, -(-jobs // _CHUNK))


def _draw_one(job: tuple[Path, int, tuple[int, ...], int, int]) -> None:
    """Draw one field and write its four files, unless all are there."""
    part, field, target, size, seed = job
    names = [f"train/{_name(field)}_{channel}.png" for channel in CHANNELS]
    if all((part / name).exists() for name in names):
        return
    pixels = draw_field(target, size, np.random.default_rng([seed, field]))
    for channel, name in enumerate(names):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels[..., channel])).save(file, "png", compress_level=1)
        _put(part, name, file.getvalue())


def _put(part: Path, name: str, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    draft = part / _DRAFTS / f"{Path(name).name}.{os.getpid()}"
    draft.write_bytes(content)
    draft.replace(part / name)


def _name(field: int) -> str:
    return f"cell-{field:06d}"


def _shares() -> np.ndarray:
    """Share of all labels that each structure gets, sum 1: the floor, and the rest as the root of the counts."""
    floor = _LEAST / (np.array(_LABELS_A_FIELD) @ [1, 2, 3])
    roots = np.sqrt(COUNTS)
    return floor + (1 - len(COUNTS) * floor) * roots / roots.sum()


def _apportioned(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers in the ratio of `shares` that add up to `total` (largest remainders)."""
    exact = shares / shares.sum() * total
    whole = np.floor(exact + 1e-9).astype(int)
    rest = np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]
    whole[rest] += 1
    return whole
