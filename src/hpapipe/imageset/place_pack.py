"""Fields in a pack, at the size that a network sees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpapipe.errors import UserError
from hpapipe.imageset.stored import Stored, changed
from hpapipe.imageset.table import refuse_unsafe
from hpapipe.imageset.whole import Whole

if TYPE_CHECKING:
    from hpapipe.config import Data

_ANEW = "Give the images themselves, or have the pack made anew."


class PackPlace:
    """The rows of a pack, in their order, named as they were packed.

    Args:
        folder: of the pack, which holds `plan.json` and `images.npy`.
        data: the recipe's section.
        name: what the user gave.

    Raises:
        UserError: the pack is damaged, unfinished, or has other channels.
    """

    in_order = False

    def __init__(self, folder: Path, data: Data, name: str) -> None:
        self.folder, self.name = folder, name
        self.notes: list[str] = []
        plan = self._plan()
        if (channels := plan.get("channels", list(data.channels))) != list(data.channels):
            rule = f"The channels of a pack must be {', '.join(data.channels)}, in this order."
            raise UserError(rule, f"{', '.join(channels)} in {name}", "Give a pack of these channels, or the images.")
        self._key = plan.get("key", "/".join(folder.resolve().parts[-2:]))
        self._whole = Whole(folder / "images.npy", name)

    def fields(self) -> Iterator[Stored]:
        """Every field in the order of its row; held are their ids.

        Raises:
            UserError: the pack is damaged, or an id of it could lead out of a folder.
        """
        ids = self._plan().get("ids")
        if ids is None:
            self.notes[:] = [f"The pack {self.name} is older than the ids of its fields: they are named by their rows."]
            ids = (str(row) for row in range(self._rows))
        else:
            refuse_unsafe(ids, self.name)
        channels, stamp = self._shape[-1], self._whole.facts[1]
        sizes = (self._bytes // channels,) * channels
        for row, field in enumerate(ids):
            yield Stored(field, (str(row),) * channels, sizes, (stamp,) * channels)

    def read(self, stored: Stored) -> tuple[np.ndarray, bytes]:
        """A row of the pack, and a hash of its number and of the pack's key, which changes with the images' files.

        Raises:
            ImageError: the pack has changed.
        """
        self._whole.refuse_changed(stored)
        row = int(stored.files[0])
        # Not a memory map: its pages would count as this process's memory.
        content = self._whole.read(self._start + row * self._bytes, self._bytes)
        if len(content) != self._bytes:
            raise changed(self.name, "changed")
        digest = hashlib.blake2b(f"{self._key} {row}".encode(), digest_size=16).digest()
        return np.frombuffer(content, self._dtype).reshape(self._shape), digest

    def close(self) -> None:
        """Close the pack."""
        self._whole.close()

    def _plan(self) -> dict[str, Any]:
        """What the pack says of itself, which its array must agree with."""
        try:
            plan: dict[str, Any] = json.loads((self.folder / "plan.json").read_text("utf-8"))
            array = np.load(self.folder / "images.npy", mmap_mode="r")
            done = np.fromfile(self.folder / "done", np.uint8)
        except (OSError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError("A pack must be readable.", f"“{reason}” for {self.name}", _ANEW) from None
        if not done.all():
            received = f"{np.count_nonzero(done == 0)} of {len(done)} chunks left to do in {self.name}"
            raise UserError("A pack must be finished.", received, "Train with it, which ends it, or give the images.")
        if array.ndim != 4 or list(array.shape) != plan.get("shape") or len(plan.get("ids", array)) != len(array):
            received = f"an array {array.shape} beside another plan in {self.name}"
            raise UserError("A pack must be whole.", received, _ANEW)
        self._rows, self._shape, self._dtype, self._start = len(array), array.shape[1:], array.dtype, array.offset
        self._bytes = array[0].nbytes
        return plan


def is_pack(folder: Path) -> bool:
    """Whether hpapipe made this folder to keep decoded images in it."""
    return (folder / "plan.json").is_file() and (folder / "images.npy").is_file()
