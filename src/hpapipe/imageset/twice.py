"""Ids that stand twice in a stream too long to be held."""

from __future__ import annotations

import hashlib

import numpy as np

_BATCH = 1 << 14
"""Ids that are held by name, until their hashes join the others."""


class Twice:
    """Notes ids at eight bytes each.

    Two different ids are taken for one with a chance of 3e-8 among a million, and of 3e-4 among a hundred million
    (n² / 2⁶⁵).
    """

    def __init__(self) -> None:
        self._seen: list[np.ndarray] = []  # sorted, each longer than all that follow it
        self._batch: dict[int, str] = {}
        self._names: set[str] = set()

    def add(self, name: str) -> None:
        """Note an id."""
        key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        if key in self._batch:
            self._names.add(name)
        self._batch[key] = name
        if len(self._batch) == _BATCH:
            self._merge()

    def names(self) -> list[str]:
        """The ids that were noted twice, sorted."""
        self._merge()
        return sorted(self._names)

    def _merge(self) -> None:
        keys = np.sort(np.fromiter(self._batch, np.uint64, len(self._batch)))
        for seen in self._seen:
            nearest = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
            self._names.update(self._batch[key] for key in keys[seen[nearest] == keys].tolist())
        while self._seen and len(self._seen[-1]) <= len(keys):
            keys = np.sort(np.concatenate([self._seen.pop(), keys]), kind="stable")
        if len(keys):
            self._seen.append(keys)
        self._batch = {}
